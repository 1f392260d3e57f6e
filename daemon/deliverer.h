#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/settings.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/log.h"
#include "core/random.h"
#include "daemon/backoff.h"
#include "daemon/storage_queue.h"

namespace auditferry {

// What every deliverer needs of its surroundings; all of it outlives the deliverer.
struct DelivererWorld {
  Clock& clock;
  Log& log;
  StorageQueue& storage;
  Random& random;
  Bell& published;  // rung whenever new sequence numbers exist
};

// What the operator is shown of a deliverer; the durable part comes from the journal.
struct DelivererStatus {
  std::string exporter;
  bool up = false;       // the last try was good
  bool paused = false;   // an operator must act; probing slowly
  std::string problem;   // in words; empty when up
  std::optional<WallTime> oldest_waiting;  // when the oldest record that waits was fetched
};

// Brings the journal's records to one exporter, in order, at the exporter's own pace: selects, formats,
// batches, and deals with the verdicts. The position moves only over what was confirmed. Loop thread only.
class Deliverer {
 public:
  Deliverer(DelivererWorld world, const ExporterSettings& settings, Exporter& exporter, const Format& format, ExporterRow row);

  // Delivers until it is cancelled, or until drain() was called and nothing waits any more.
  Task<void> run();
  // From now on: deliver what is in the journal without waiting for more, then end.
  void drain();
  // SIGHUP: the exporter reopens its files before the next write.
  void reopen();

  std::uint64_t position() const { return row_.books.position; }
  bool caught_up(std::uint64_t last_seq) const { return row_.books.position >= last_seq; }
  const DelivererStatus& status() const { return status_; }
  std::int64_t exporter_id() const { return row_.exporter_id; }

 private:
  struct Prepared;  // a batch, selected and formatted

  Task<Status> open_exporter();
  Task<Status> deliver_next(bool& idle);
  Task<void> wait_for_more();
  Task<WriteOutcome> write_until_settled(const Prepared& prepared);
  Task<Status> settle(const Prepared& prepared, WriteOutcome outcome);
  Task<Status> record_missing(const Prepared& prepared);
  Task<void> tend();
  Task<Status> refresh();
  bool selects(const Record& record) const;
  void prepare(RecordBatch batch, Prepared& prepared) const;
  void report(const WriteOutcome& outcome);
  void note_good();
  Task<void> remember_error();
  std::vector<LogField> fields() const { return {{"exporter", settings_.name}}; }

  DelivererWorld world_;
  const ExporterSettings& settings_;
  Exporter& exporter_;
  const Format& format_;
  ExporterRow row_;
  Backoff backoff_;
  DelivererStatus status_;
  SteadyTime next_tend_{};
  bool draining_ = false;
  bool reopen_ = false;
};

}  // namespace auditferry
