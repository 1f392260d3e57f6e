#include "daemon/deliverer.h"

#include <algorithm>

#include "core/check.h"
#include "core/task_group.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr Duration tend_every = std::chrono::seconds(1);
constexpr Duration storage_retry = std::chrono::seconds(2);

class OneAtATime final : public WriteProgress {
 public:
  void sent() override {}
};

}  // namespace

struct Deliverer::Prepared {
  RecordBatch batch;
  std::string bytes;  // of all records, one after the other
  std::vector<OutgoingRecord> outgoing;
  std::uint64_t from = 0;
  std::uint64_t not_selected = 0;
};

Deliverer::Deliverer(DelivererWorld world, const ExporterSettings& settings, Exporter& exporter, const Format& format, ExporterRow row)
    : world_(world),
      settings_(settings),
      exporter_(exporter),
      format_(format),
      row_(std::move(row)),
      backoff_(world.random, std::chrono::seconds(1), settings.max_backoff) {
  status_.exporter = settings.name;
}

void Deliverer::drain() {
  draining_ = true;
  world_.published.ring();
}

void Deliverer::reopen() {
  reopen_ = true;
  world_.published.ring();
}

Task<void> Deliverer::run() {
  while (true) {
    Status opened = co_await open_exporter();
    if (opened.ok()) break;
    co_await world_.clock.sleep(storage_retry);
  }
  for (;;) {
    if (reopen_) {
      reopen_ = false;
      co_await exporter_.reopen();
    }
    bool idle = false;
    Status step = co_await deliver_next(idle);
    if (!step) {
      // The journal failed; a sink's trouble is handled inside.
      world_.log.error("delivery waits: " + step.error().message, fields());
      co_await world_.clock.sleep(storage_retry);
      continue;
    }
    if (idle || world_.clock.steady_now() >= next_tend_) co_await tend();
    if (!idle) continue;
    if (draining_) break;
    co_await wait_for_more();
  }
  co_await exporter_.close();
}

Task<void> Deliverer::wait_for_more() {
  // Wakes at the next publication, or after a while for the exporter's own work.
  Task<void> ring = world_.published.wait();
  Task<void> tick = world_.clock.sleep(tend_every);
  const bool rung = co_await first_to_end(std::move(ring), std::move(tick));
  // A moment more lets records come together in one batch.
  if (rung && !draining_ && settings_.batch.wait > Duration::zero()) co_await world_.clock.sleep(settings_.batch.wait);
}

Task<Status> Deliverer::open_exporter() {
  const std::int64_t exporter_id = row_.exporter_id;
  auto load = [exporter_id](Journal& journal) { return journal.exporter_state(exporter_id); };
  Result<ExporterState> state = co_await world_.storage.run(load);
  if (!state) {
    world_.log.error("delivery waits: " + state.error().message, fields());
    co_return std::move(state).error();
  }
  for (;;) {
    Status opened = co_await exporter_.open(*state);
    if (opened.ok()) co_return Status();
    WriteOutcome outcome;
    outcome.verdict = Verdict::pause;
    outcome.reason = opened.error().message;
    report(outcome);
    co_await remember_error();
    co_await world_.clock.sleep(backoff_.next());
  }
}

bool Deliverer::selects(const Record& record) const {
  if (record.gap) {
    // A gap of one exporter concerns nobody else.
    const auto owner = JsonView(record.raw).find("exporter");
    if (owner && owner->as_string() != settings_.name) return false;
    if (owner) return true;
  }
  auto holds = [](const std::vector<std::string>& names, std::string_view name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  return holds(settings_.select.sources, record.source) && holds(settings_.select.streams, record.stream);
}

void Deliverer::prepare(RecordBatch batch, Prepared& prepared) const {
  prepared.from = row_.books.position;
  prepared.batch = std::move(batch);
  std::vector<std::size_t> ends;
  for (const Record& record : prepared.batch.records) {
    if (!selects(record)) {
      ++prepared.not_selected;
      continue;
    }
    format_.append(record, prepared.bytes);
    ends.push_back(prepared.bytes.size());
    prepared.outgoing.push_back({&record, {}});
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    prepared.outgoing[i].bytes = std::string_view(prepared.bytes).substr(begin, ends[i] - begin);
    begin = ends[i];
  }
}

Task<Status> Deliverer::deliver_next(bool& idle) {
  const std::uint64_t from = row_.books.position;
  const BatchSettings limits = settings_.batch;
  auto read = [from, limits](Journal& journal) { return journal.read(from, limits.records, limits.bytes); };
  Result<RecordBatch> batch = co_await world_.storage.run(read);
  if (!batch) co_return std::move(batch).error();
  if (batch->last_seq == from) {
    idle = true;
    status_.oldest_waiting.reset();
    co_return Status();
  }
  if (!batch->records.empty()) status_.oldest_waiting = batch->records.front().received;
  auto prepared = std::make_unique<Prepared>();
  prepare(std::move(batch).value(), *prepared);
  Status recorded = co_await record_missing(*prepared);
  if (!recorded) co_return recorded;
  WriteOutcome outcome;
  if (!prepared->outgoing.empty()) outcome = co_await write_until_settled(*prepared);
  co_return co_await settle(*prepared, std::move(outcome));
}

Task<WriteOutcome> Deliverer::write_until_settled(const Prepared& prepared) {
  for (;;) {
    OneAtATime progress;
    WriteOutcome outcome = co_await exporter_.write(prepared.outgoing, progress);
    if (outcome.verdict == Verdict::delivered) {
      note_good();
      co_return outcome;
    }
    report(outcome);
    co_await remember_error();
    Duration wait = outcome.retry_after ? *outcome.retry_after : backoff_.next();
    // Whether an operator has acted shows a slow, steady probe.
    if (outcome.verdict == Verdict::pause && !outcome.retry_after) wait = settings_.max_backoff / 5;
    co_await world_.clock.sleep(wait);
    if (reopen_) {
      reopen_ = false;
      co_await exporter_.reopen();
    }
  }
}

Task<Status> Deliverer::settle(const Prepared& prepared, WriteOutcome outcome) {
  PositionUpdate update;
  update.exporter_id = row_.exporter_id;
  update.from = prepared.from;
  update.to = prepared.batch.last_seq;
  update.not_selected = prepared.not_selected;
  update.released = prepared.batch.missing.size();
  update.delivered = prepared.outgoing.size() - outcome.records.size();
  for (const RecordOutcome& one : outcome.records) {
    const OutgoingRecord& refused = prepared.outgoing[one.index];
    update.dead.push_back({refused.record->seq, one.reason, std::string(refused.bytes)});
  }
  update.state = std::move(outcome.state);
  // Confirmed by the far end: the position has to follow, however long the journal's disk is full.
  for (;;) {
    PositionUpdate attempt = update;
    Result<bool> advanced = co_await world_.storage.advance(std::move(attempt));
    if (advanced.ok() && *advanced) {
      row_.books.position = update.to;
      co_return Status();
    }
    if (advanced.ok()) co_return co_await refresh();
    world_.log.error("a confirmed delivery cannot be noted down: " + advanced.error().message, fields());
    co_await world_.clock.sleep(storage_retry);
  }
}

// The position was moved by somebody else (records were released): take it from the journal.
Task<Status> Deliverer::refresh() {
  auto load = [](Journal& journal) { return journal.exporters(); };
  Result<std::vector<ExporterRow>> rows = co_await world_.storage.run(load);
  if (!rows) co_return std::move(rows).error();
  for (ExporterRow& row : *rows) {
    if (row.exporter_id == row_.exporter_id) row_ = std::move(row);
  }
  co_return Status();
}

Task<Status> Deliverer::record_missing(const Prepared& prepared) {
  const std::vector<std::uint64_t>& missing = prepared.batch.missing;
  for (std::size_t begin = 0; begin < missing.size();) {
    std::size_t end = begin + 1;
    while (end < missing.size() && missing[end] == missing[end - 1] + 1) ++end;
    const std::uint64_t first = missing[begin];
    const std::uint64_t last = missing[end - 1];
    const NewGap gap{"damaged", std::nullopt,
                     "the stored records with seq " + std::to_string(first) + " to " + std::to_string(last) +
                         " are damaged or gone and cannot be delivered to exporter " + settings_.name};
    world_.log.error("a gap of type damaged was recorded: " + gap.why + "; run 'auditferry journal check'", fields());
    const WallTime now = world_.clock.now();
    auto record = [&](Journal& journal) { return journal.record_exporter_gap(row_, gap, first, last, now); };
    Result<std::int64_t> recorded = co_await world_.storage.run(record);
    if (!recorded) co_return std::move(recorded).error();
    begin = end;
  }
  co_return Status();
}

Task<void> Deliverer::tend() {
  next_tend_ = world_.clock.steady_now() + tend_every;
  WriteOutcome outcome = co_await exporter_.tend();
  if (outcome.verdict == Verdict::retry || outcome.verdict == Verdict::pause) {
    report(outcome);
    co_return;
  }
  // What the exporter wants kept must be kept, like a position: it may have acted on it.
  while (!outcome.state.empty()) {
    PositionUpdate update;
    update.exporter_id = row_.exporter_id;
    update.from = row_.books.position;
    update.to = row_.books.position;
    update.state = outcome.state;
    Result<bool> advanced = co_await world_.storage.advance(std::move(update));
    if (advanced.ok() && *advanced) co_return;
    Status refreshed;
    if (advanced.ok()) refreshed = co_await refresh();
    const std::string trouble = !advanced.ok() ? advanced.error().message : refreshed.ok() ? "" : refreshed.error().message;
    if (trouble.empty()) continue;
    world_.log.error("what exporter " + settings_.name + " has done cannot be noted down: " + trouble, fields());
    co_await world_.clock.sleep(storage_retry);
  }
}

void Deliverer::report(const WriteOutcome& outcome) {
  const bool paused = outcome.verdict == Verdict::pause;
  if (status_.problem != outcome.reason) {
    if (paused) {
      world_.log.error(outcome.reason + " (delivery goes on by itself once this is solved; nothing is lost)", fields());
    } else {
      world_.log.warn(outcome.reason + "; trying again, nothing is lost", fields());
    }
  }
  status_.up = false;
  status_.paused = paused;
  status_.problem = outcome.reason;
}

void Deliverer::note_good() {
  if (!status_.problem.empty()) world_.log.info("delivery works again", fields());
  status_.up = true;
  status_.paused = false;
  status_.problem.clear();
  row_.last_error.clear();  // the journal clears its own with the position
  backoff_.reset();
}

Task<void> Deliverer::remember_error() {
  if (row_.last_error == status_.problem) co_return;
  row_.last_error = status_.problem;
  const std::int64_t exporter_id = row_.exporter_id;
  const std::string problem = status_.problem;
  auto job = [&](Journal& journal) { return journal.set_exporter_error(exporter_id, problem); };
  const Status stored = co_await world_.storage.run(job);
  if (!stored) world_.log.warn("the exporter's last error could not be noted down: " + stored.error().message, fields());
}

}  // namespace auditferry
