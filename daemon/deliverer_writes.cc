// The part of Deliverer that carries one slot of the window to the far end.

#include <algorithm>

#include "core/kill_point.h"
#include "daemon/deliverer.h"
#include "daemon/deliverer_works.h"
#include "encoding/time_format.h"
#include "storage/payload_codec.h"

namespace auditferry {
namespace {

// Single records refused one after the other, and nothing accepted in between: then it is not the records.
constexpr int suspects_before_pause = 4;
constexpr std::uint64_t no_byte_limit = ~std::uint64_t{0};

bool all_fared_alike(const WriteOutcome& outcome) {
  const bool simple = outcome.verdict == Verdict::delivered || outcome.verdict == Verdict::retry ||
                      outcome.verdict == Verdict::pause;
  return simple && outcome.records.empty();
}

std::string in_seconds(Duration duration) {
  return format_duration(std::chrono::ceil<std::chrono::seconds>(duration));
}

// Keeps the record as the journal has it, to be redacted and formatted again when it is retried.
DeadLetter letter_of(const Record& record, std::string_view bytes, const std::string& reason, std::uint64_t group) {
  DeadLetter letter;
  letter.seq = record.seq;
  letter.reason = reason;
  letter.record = bytes;
  letter.group = group;
  letter.identity = {std::string(record.vendor), std::string(record.tenant), std::string(record.stream)};
  letter.payload = encode_payload(record.source, record.received, {record});
  return letter;
}

}  // namespace

Task<void> Deliverer::carry(DeliverySlot& slot) {
  while (!slot.empty()) {
    co_await wait_for_turn(slot);
    SlotPart part = slot.take_part(accepted_);
    slot.set_stage(DeliverySlot::Stage::writing);
    if (!slot.loaded()) {
      loading_ =
          true;  // nobody else begins a write meanwhile, so that they begin in the order of the records
      const bool loaded = co_await load(slot);
      loading_ = false;
      ring();
      if (!loaded || start_over_) {
        slot.put_back(std::move(part));
        slot.set_stage(DeliverySlot::Stage::ready);
        continue;
      }
    }
    slot.choose(part);
    if (!slot.chosen().empty()) co_await write(slot, std::move(part));
    if (!slot.empty()) slot.set_stage(DeliverySlot::Stage::ready);
  }
  slot.unload();
  slot.set_stage(DeliverySlot::Stage::settled);
}

Task<void> Deliverer::wait_for_turn(DeliverySlot& slot) {
  for (;;) {
    if (!slot.has_part(accepted_)) {
      const Duration left = slot.probe_at - world_.clock.steady_now();
      if (left > Duration::zero()) {
        slot.unload();
        slot.set_stage(DeliverySlot::Stage::held);
        show_held(slot);
        co_await remember_error();
        if (!slot.has_part(accepted_)) co_await changed_within(left);
        continue;
      }
    }
    slot.set_stage(DeliverySlot::Stage::ready);
    if (start_over_ || closing_ || caring_ || loading_ || rate_holds_ > 0 ||
        !window_.may_write(slot, in_trouble())) {
      co_await changed();
      continue;
    }
    const Duration left = health_.wait_left();
    if (left <= Duration::zero()) co_return;
    co_await changed_within(left);
  }
}

// Reads the slot's stretch of the journal again.
Task<bool> Deliverer::load(DeliverySlot& slot) {
  const std::uint64_t from = slot.from();
  const std::uint64_t records = slot.to() - slot.from();
  auto read = [from, records](Journal& journal) { return journal.read(from, records, no_byte_limit); };
  Result<RecordBatch> batch = co_await world_.storage.run(read);
  if (!batch) {
    world_.log.error("delivery waits: " + batch.error().message, health_.fields());
    co_await world_.clock.sleep(storage_retry);
    co_return false;
  }
  std::vector<std::uint64_t> lost;
  std::set_difference(batch->missing.begin(), batch->missing.end(), slot.missing().begin(),
                      slot.missing().end(), std::back_inserter(lost));
  if (!lost.empty()) {
    const Result<bool> recorded = co_await record_missing(lost);
    if (recorded.ok() && !*recorded) start_over_ = true;
    if (!recorded || !*recorded) co_return false;
  }
  slot.load(std::make_unique<PreparedBatch>(std::move(batch).value(), shape_));
  co_return true;
}

// Many slots may come back after sent() at once; one at a time has its batch in memory again.
class Deliverer::Judging {
 public:
  explicit Judging(Deliverer& deliverer) : deliverer_(deliverer) { deliverer_.judging_ = true; }
  ~Judging() {
    deliverer_.judging_ = false;
    deliverer_.ring();
  }
  Judging(const Judging&) = delete;
  Judging& operator=(const Judging&) = delete;

 private:
  Deliverer& deliverer_;
};

// False: the position was moved by somebody else, and everything begins anew.
Task<bool> Deliverer::load_again(DeliverySlot& slot) {
  while (!slot.loaded()) {
    const bool loaded = co_await load(slot);
    if (!loaded && start_over_) co_return false;
  }
  co_return true;
}

Task<void> Deliverer::write(DeliverySlot& slot, SlotPart part) {
  const std::uint64_t round = health_.round();
  kill_point("deliver.before", settings_.name);
  WriteOutcome outcome = co_await exporter_.write(slot.chosen(), slot);
  kill_point("deliver.after", settings_.name);
  Condemned condemned;
  if (slot.loaded() || all_fared_alike(outcome)) {
    condemned = take_in(slot, part, outcome, round);
  } else {
    // Its records are gone since sent(), and some of them have to be told apart.
    slot.set_stage(DeliverySlot::Stage::writing);
    while (judging_) co_await changed();
    const Judging judging(*this);
    const bool loaded = co_await load_again(slot);
    if (!loaded) co_return slot.put_back(std::move(part));
    const std::size_t written = part.count;
    slot.choose(part);
    if (part.count == written) {
      condemned = take_in(slot, part, outcome, round);
    } else {
      slot.put_back(std::move(part));
    }
    slot.unload();
  }
  if (condemned.part.count > 0) co_await make_letters(slot, std::move(condemned));
  co_await remember_error();
}

Deliverer::Condemned Deliverer::take_in(DeliverySlot& slot, const SlotPart& part, const WriteOutcome& outcome,
                                        std::uint64_t round) {
  const Judgement judgement = judge(part.count, outcome);
  const std::uint64_t accepted_before = accepted_;
  if (judgement.delivered > 0) {
    ++accepted_;
    suspects_in_a_row_ = 0;
    slot.keep_state(outcome.state);
  }
  const std::vector<RecordOutcome> dead = slot.take_in(part, judgement, accepted_before, accepted_);
  const bool still_suspect = !judgement.refused.empty() && dead.empty();
  const bool nothing_but_refusals = judgement.delivered == 0 && judgement.again.empty() && dead.empty();
  if (still_suspect) {
    slot.probe_at = world_.clock.steady_now() + health_.slow_probe();
    ++suspects_in_a_row_;
  }
  if (judgement.trouble != Verdict::delivered) {
    health_.trouble(judgement.trouble, judgement.reason, outcome.retry_after, round, judgement.delivered > 0);
  } else if (nothing_but_refusals && slot.has_part(accepted_) &&
             suspects_in_a_row_ >= suspects_before_pause) {
    const std::string& reason =
        judgement.refused.empty() ? judgement.reason : judgement.refused.front().reason;
    const std::string words = "everything is refused, and nothing was accepted since: " + reason;
    health_.trouble(Verdict::pause, words, std::nullopt, round, false);
  } else if (judgement.delivered > 0 || judgement.group) {
    health_.good();
  }
  Condemned condemned;
  std::vector<std::size_t> indices;
  for (const RecordOutcome& one : dead) {
    indices.push_back(one.index);
    condemned.reasons.push_back(one.reason);
  }
  if (!dead.empty()) condemned.part = slot.part_of(part, indices);
  condemned.group = judgement.group && dead.size() > 1;
  ring();
  return condemned;
}

Task<void> Deliverer::make_letters(DeliverySlot& slot, Condemned condemned) {
  const std::string reason = condemned.reasons.front();
  if (!letter_rate_.allows(condemned.part.count, world_.clock.steady_now())) {
    slot.unload();
    co_await wait_for_letter_rate(slot, condemned.part.count, reason);
  }
  letter_rate_.add(condemned.part.count, world_.clock.steady_now());
  if (slot.loaded()) {
    add_letters(slot, std::move(condemned));
  } else {
    while (judging_) co_await changed();
    const Judging judging(*this);
    const bool loaded = co_await load_again(slot);
    if (!loaded) co_return;
    add_letters(slot, std::move(condemned));
    slot.unload();
  }
}

void Deliverer::add_letters(DeliverySlot& slot, Condemned condemned) {
  const std::size_t count = condemned.part.count;
  slot.choose(condemned.part);  // fewer, if the journal was damaged meanwhile
  if (slot.chosen().empty()) return;
  const std::string& reason = condemned.reasons.front();
  const std::uint64_t number = condemned.group ? slot.chosen().front().record->seq : 0;
  for (std::size_t i = 0; i < slot.chosen().size(); ++i) {
    const std::string& why = condemned.part.count == count ? condemned.reasons[i] : reason;
    slot.add_letter(letter_of(slot.original(i), slot.chosen()[i].bytes, why, number));
  }
  world_.log.error((count == 1 ? "a record was refused for good and is a dead letter now: "
                               : std::to_string(count) + " records were refused for good and are dead letters now: ") +
                       reason + "; see 'auditferry dead-letters list'",
                   health_.fields());
}

Task<void> Deliverer::wait_for_letter_rate(DeliverySlot& slot, std::uint64_t letters,
                                           const std::string& reason) {
  if (letter_rate_.allows(letters, world_.clock.steady_now())) co_return;
  ++rate_holds_;
  slot.set_stage(DeliverySlot::Stage::ready);
  health_.show(
      true, "more than " + std::to_string(settings_.dead_letters_max_rate) +
                " records within an hour are refused for good: delivery waits until the hour allows more "
                "(exporters." +
                settings_.name +
                ".dead_letters.max_rate; see 'auditferry dead-letters list'); the last refusal: " + reason);
  co_await remember_error();
  while (!letter_rate_.allows(letters, world_.clock.steady_now())) {
    co_await world_.clock.sleep(letter_rate_.eases_in(world_.clock.steady_now()));
  }
  --rate_holds_;
  health_.good();
  ring();
}

void Deliverer::show_held(const DeliverySlot& slot) {
  const SlotPart& suspect = slot.suspect();
  health_.show(true, "the record with sequence number " + std::to_string(suspect.ranges.front().first) +
                         " is refused, and nothing else was accepted since: " + suspect.reason +
                         "; it is tried again every " + in_seconds(health_.slow_probe()) +
                         ", and at once when another record is accepted");
}

}  // namespace auditferry
