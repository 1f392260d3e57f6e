#include "daemon/deliverer.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "core/check.h"
#include "daemon/deliverer_works.h"
#include "encoding/time_format.h"
#include "storage/dead_letters.h"

namespace auditferry {
namespace {

constexpr Duration tend_every = std::chrono::seconds(1);

}  // namespace

Deliverer::Deliverer(DelivererWorld world, const ExporterSettings& settings, Exporter& exporter,
                     RecordShape& shape, ExporterRow row)
    : world_(world),
      settings_(settings),
      exporter_(exporter),
      shape_(shape),
      row_(std::move(row)),
      health_(world.clock, world.log, world.random, settings),
      window_(exporter.limits()),
      letter_rate_(settings.dead_letters_max_rate) {}

Deliverer::~Deliverer() = default;

void Deliverer::ring() {
  if (works_) works_->changed.ring();
}

Task<void> Deliverer::changed() {
  co_await works_->changed.wait();
}

Task<void> Deliverer::changed_within(Duration limit) {
  co_await ring_or_time(works_->changed, world_.clock, limit);
}

void Deliverer::drain(bool with_care) {
  draining_ = true;
  with_care_ = with_care;
  more_published_ = true;
  ring();
}

void Deliverer::wind_up() {
  winding_up_ = true;
  exporter_.hurry();
  drain();
}

void Deliverer::reopen() {
  reopen_ = true;
  if (works_) works_->care_wanted.ring();
}

Task<void> Deliverer::run() {
  works_ = std::make_unique<Works>(co_await boost::asio::this_coro::executor);
  Task<void> body = deliver();
  Task<void> with_writes = with_tasks(works_->writes, std::move(body));
  co_await with_tasks(works_->helpers, std::move(with_writes));
}

Task<void> Deliverer::deliver() {
  co_await open_exporter();
  works_->helpers.spawn("position of " + settings_.name, settle_confirmed());
  works_->helpers.spawn("care of " + settings_.name, care());
  works_->helpers.spawn("publications for " + settings_.name, watch_publications());
  for (;;) {
    if (winding_up_) break;
    if (start_over_) co_await start_over();
    if (!next_ && (more_published_ || wait_is_over())) {
      const Status read = co_await read_next();
      if (!read) {
        // The journal failed; a sink's trouble is the slots' own.
        world_.log.error("delivery waits: " + read.error().message, health_.fields());
        co_await world_.clock.sleep(storage_retry);
      }
      continue;
    }
    const bool one_more = world_.clock.steady_now() >= next_beyond_held_;
    if (next_ && window_.may_open(in_trouble(), one_more)) {
      if (window_.holds()) next_beyond_held_ = world_.clock.steady_now() + health_.slow_probe();
      DeliverySlot& slot = window_.open(std::make_unique<DeliverySlot>(window_.end(row_.books.position),
                                                                       std::move(next_), works_->changed));
      if (slot.stage() == DeliverySlot::Stage::settled) {
        ring();
      } else {
        works_->writes.spawn("write of " + settings_.name, carry(slot));
      }
      continue;
    }
    if (!next_ && draining_ && !window_.unsent()) break;
    if (gathers_until_ && !next_) {
      co_await changed_within(*gathers_until_ - world_.clock.steady_now());
    } else {
      co_await changed();
    }
  }
  co_await finish();
}

Task<void> Deliverer::open_exporter() {
  const std::int64_t exporter_id = row_.exporter_id;
  const WallTime hour_ago = world_.clock.now() - std::chrono::hours(1);
  ExporterState state;
  std::uint64_t letters = 0;
  for (;;) {
    auto load = [&](Journal& journal) -> Status {
      Result<ExporterState> loaded = journal.exporter_state(exporter_id);
      if (!loaded) return std::move(loaded).error();
      state = std::move(loaded).value();
      const Result<std::uint64_t> count = dead_letters_since(journal, exporter_id, hour_ago);
      if (!count) return count.error();
      letters = *count;
      return {};
    };
    const Status loaded = co_await world_.storage.run(load);
    if (loaded.ok()) break;
    world_.log.error("delivery waits: " + loaded.error().message, health_.fields());
    co_await world_.clock.sleep(storage_retry);
  }
  letter_rate_.add(letters, world_.clock.steady_now());
  for (;;) {
    const Status opened = co_await exporter_.open(state);
    if (opened.ok()) co_return;
    health_.show(true, opened.error().message);
    co_await remember_error();
    co_await world_.clock.sleep(health_.next_backoff());
  }
}

// Smaller than the settings allow: more may come for it.
bool Deliverer::is_small(const RecordBatch& batch) const {
  const std::size_t entries = batch.records.size() + batch.missing.size();
  std::uint64_t bytes = 0;
  for (const Record& record : batch.records) bytes += record.raw.size() + record.id.size();
  return entries < settings_.batch.records && bytes < settings_.batch.bytes;
}

bool Deliverer::wait_is_over() const {
  return gathers_until_ && world_.clock.steady_now() >= *gathers_until_;
}

Task<Status> Deliverer::read_next() {
  more_published_ = false;
  const std::uint64_t from = window_.end(row_.books.position);
  const BatchSettings limits = settings_.batch;
  auto read = [from, limits](Journal& journal) { return journal.read(from, limits.records, limits.bytes); };
  Result<RecordBatch> batch = co_await world_.storage.run(read);
  if (!batch.ok()) {
    more_published_ = true;
    co_return std::move(batch).error();
  }
  const bool any = batch->last_seq > from;
  if (window_.empty()) {
    std::optional<WallTime>& oldest = health_.status().oldest_waiting;
    if (!any) oldest.reset();
    if (any && !batch->records.empty()) oldest = batch->records.front().received;
  }
  const bool small = is_small(*batch);
  if (any && small && gathers_until_ && !wait_is_over() && !draining_) co_return Status();
  if (!any || small) gathers_until_.reset();
  if (!any || start_over_) co_return Status();
  if (!batch->missing.empty()) {
    Result<bool> recorded = co_await record_missing(batch->missing);
    if (!recorded || !*recorded) {
      more_published_ = true;
      start_over_ = recorded.ok();
      if (!recorded) co_return std::move(recorded).error();
      co_return Status();
    }
  }
  next_ = std::make_unique<PreparedBatch>(std::move(batch).value(), shape_);
  more_published_ = true;
  co_return Status();
}

// False: they were not lost but released, by somebody who moved the position over them.
Task<Result<bool>> Deliverer::record_missing(const std::vector<std::uint64_t>& missing) {
  for (std::size_t begin = 0; begin < missing.size();) {
    std::size_t end = begin + 1;
    while (end < missing.size() && missing[end] == missing[end - 1] + 1) ++end;
    const std::uint64_t first = missing[begin];
    const std::uint64_t last = missing[end - 1];
    const NewGap gap{"damaged", std::nullopt,
                     "the stored records with seq " + std::to_string(first) + " to " + std::to_string(last) +
                         " are damaged or gone and cannot be delivered to exporter " + settings_.name};
    const WallTime now = world_.clock.now();
    auto record = [&](Journal& journal) -> Result<bool> {
      const Result<std::vector<ExporterRow>> rows = journal.exporters();
      if (!rows) return rows.error();
      for (const ExporterRow& row : *rows) {
        if (row.exporter_id == row_.exporter_id && row.books.position >= first) return false;
      }
      const Result<std::int64_t> recorded = journal.record_exporter_gap(row_, gap, first, last, now);
      if (!recorded) return recorded.error();
      return true;
    };
    Result<bool> recorded = co_await world_.storage.run(record);
    if (!recorded || !*recorded) co_return recorded;
    world_.log.error("a gap of type damaged was recorded: " + gap.why + "; run 'auditferry journal check'",
                     health_.fields());
    begin = end;
  }
  co_return true;
}

// Everything is on its way: what waits for its confirmation is brought to its end by close().
Task<void> Deliverer::finish() {
  const auto overlaps = [this] {
    return caring_ || (window_.exclusive() && (window_.in_call() || (window_.front_settled() && !start_over_)));
  };
  if (winding_up_) closing_ = true;
  while (overlaps()) co_await changed();
  closing_ = true;
  bool tended = co_await tend();
  while (tended && with_care_ && exporter_.unfinished()) tended = co_await tend();
  co_await exporter_.close();
  while (window_.in_call() || (window_.front_settled() && !start_over_)) co_await changed();
  if (winding_up_ && !start_over_) co_await settle_beginnings();
  if (!window_.empty()) {
    world_.log.warn(
        "some records were sent and not confirmed before the end; they are sent again at the next start",
        health_.fields());
  }
}

// Of the first slot that is not settled as a whole: what is settled of its beginning, so that it is not sent again.
Task<void> Deliverer::settle_beginnings() {
  works_->writes.cancel();
  co_await works_->writes.join();
  if (!window_.cut_front()) co_return;
  ring();
  while (window_.front_settled() && !start_over_) co_await changed();
}

// The position was moved by somebody else (records were released): take it from the journal, and read on
// from there once the writes that are under way have returned.
Task<void> Deliverer::start_over() {
  while (window_.in_call()) co_await changed();
  works_->writes.cancel();
  co_await works_->writes.join();
  window_.clear();
  next_.reset();
  loading_ = false;
  judging_ = false;
  rate_holds_ = 0;
  co_await refresh();
  more_published_ = true;
  start_over_ = false;
  ring();
}

Task<void> Deliverer::refresh() {
  for (;;) {
    auto load = [](Journal& journal) { return journal.exporters(); };
    Result<std::vector<ExporterRow>> rows = co_await world_.storage.run(load);
    if (rows.ok()) {
      for (ExporterRow& row : *rows) {
        if (row.exporter_id == row_.exporter_id) row_ = std::move(row);
      }
      co_return;
    }
    world_.log.error("delivery waits: " + rows.error().message, health_.fields());
    co_await world_.clock.sleep(storage_retry);
  }
}

Task<void> Deliverer::settle_confirmed() {
  for (;;) {
    if (start_over_ || !window_.front_settled()) {
      co_await changed();
      continue;
    }
    std::size_t slots = 0;
    PositionUpdate update = window_.confirmed(row_.exporter_id, row_.books.position, slots);
    const std::uint64_t to = update.to;
    const Result<bool> advanced = co_await commit(std::move(update));
    if (!advanced) {
      // Confirmed by the far end: the position has to follow, however long the journal's disk is full.
      world_.log.error("a confirmed delivery cannot be noted down: " + advanced.error().message,
                       health_.fields());
      co_await world_.clock.sleep(storage_retry);
      continue;
    }
    if (*advanced) {
      row_.books.position = to;
      row_.last_error.clear();  // the journal clears its own with the position
      window_.drop(slots);
      if (const auto received = window_.oldest_received()) health_.status().oldest_waiting = received;
      if (!health_.status().problem.empty()) co_await remember_error();
    } else {
      start_over_ = true;
    }
    ring();
  }
}

// One at a time, so that each begins where the one before has ended.
Task<Result<bool>> Deliverer::commit(PositionUpdate update) {
  while (committing_) co_await changed();
  committing_ = true;
  Result<bool> advanced = co_await world_.storage.advance(std::move(update));
  committing_ = false;
  ring();
  co_return advanced;
}

Task<void> Deliverer::watch_publications() {
  for (;;) {
    co_await world_.published.wait();
    if (!gathers_until_) gathers_until_ = world_.clock.steady_now() + settings_.batch.wait;
    more_published_ = true;
    ring();
  }
}

// The exporter's own work, about every second and at SIGHUP. Exporters with the default limits get it
// between writes, and with everything confirmed noted down before.
Task<void> Deliverer::care() {
  for (;;) {
    if (!reopen_) co_await ring_or_time(works_->care_wanted, world_.clock, tend_every);
    more_published_ = true;  // gap entries come without a ring
    ring();
    if (closing_) co_return;
    caring_ = true;
    while (window_.exclusive() && !window_.holds() && !start_over_ &&
           (window_.in_call() || window_.front_settled()))
      co_await changed();
    const bool quiet = !window_.exclusive() || (!window_.in_call() && !window_.any_settled());
    if (quiet && !closing_) {
      if (reopen_) {
        reopen_ = false;
        co_await exporter_.reopen();
      }
      co_await tend();
    }
    caring_ = false;
    ring();
    if (!quiet) co_await world_.clock.sleep(tend_every);
  }
}

Task<bool> Deliverer::tend() {
  const std::uint64_t round = health_.round();
  WriteOutcome outcome = co_await exporter_.tend();
  if (outcome.verdict == Verdict::retry || outcome.verdict == Verdict::pause) {
    if (round == health_.round()) health_.show(outcome.verdict == Verdict::pause, outcome.reason);
    co_return false;
  }
  if (!outcome.state.empty()) co_await keep_state(std::move(outcome.state));
  co_return true;
}

// What the exporter wants kept must be kept, like a position: it may have acted on it.
Task<void> Deliverer::keep_state(ExporterState state) {
  for (;;) {
    while (committing_) co_await changed();
    PositionUpdate update;
    update.exporter_id = row_.exporter_id;
    update.from = row_.books.position;
    update.to = row_.books.position;
    update.state = state;
    const Result<bool> advanced = co_await commit(std::move(update));
    if (advanced.ok() && *advanced) co_return;
    if (advanced.ok()) {
      start_over_ = true;
      ring();
      while (start_over_ && !closing_) co_await changed();
      if (closing_) co_await refresh();
      continue;
    }
    world_.log.error(
        "what exporter " + settings_.name + " has done cannot be noted down: " + advanced.error().message,
        health_.fields());
    co_await world_.clock.sleep(storage_retry);
  }
}

Task<void> Deliverer::remember_error() {
  const std::string problem = health_.status().problem;
  if (row_.last_error == problem) co_return;
  row_.last_error = problem;
  const std::int64_t exporter_id = row_.exporter_id;
  auto job = [&](Journal& journal) { return journal.set_exporter_error(exporter_id, problem); };
  const Status stored = co_await world_.storage.run(job);
  if (!stored)
    world_.log.warn("the exporter's last error could not be noted down: " + stored.error().message,
                    health_.fields());
}

}  // namespace auditferry
