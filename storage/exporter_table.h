#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "core/record.h"
#include "core/time.h"
#include "storage/sqlite.h"

namespace auditferry {

// The books of an exporter: over the sequence numbers since it was added,
// offered() = delivered + waiting() + dead + discarded + not_selected + released.
struct ExporterBooks {
  std::uint64_t added_seq = 0;  // the last seq before its first
  std::uint64_t position = 0;   // everything up to here is settled
  std::uint64_t delivered = 0;
  std::uint64_t dead = 0;
  std::uint64_t discarded = 0;
  std::uint64_t not_selected = 0;
  std::uint64_t released = 0;
  std::uint64_t replayed = 0;
  std::uint64_t offered(std::uint64_t last_seq) const { return last_seq - added_seq; }
  std::uint64_t waiting(std::uint64_t last_seq) const { return last_seq - position; }
  bool balance(std::uint64_t last_seq) const {
    return offered(last_seq) == delivered + waiting(last_seq) + dead + discarded + not_selected + released;
  }
};

struct ExporterRow {
  std::int64_t exporter_id = 0;
  std::string name;
  std::string type;
  ExporterBooks books;
  std::string when_full;
  bool attached = true;
  std::string last_error;  // empty: the last try was good
  std::optional<WallTime> last_delivery;
  std::optional<WallTime> oldest_waiting = {};  // when the oldest record that waits was fetched; in snapshots only
};

struct DeadLetter {
  std::uint64_t seq = 0;
  std::string reason;   // the far end's words
  std::string record;   // the bytes as they were refused
  // Letters of one update with the same number are a group: refused together, without a record being
  // named. 0: alone.
  std::uint64_t group = 0;
  // The record itself, so that it can be formatted again: encode_payload() of it alone, and whose it is.
  StreamIdentity identity = {};
  std::string payload = {};
};

// One step forward of an exporter. The counts and dead letters account for every seq in (from, to].
struct PositionUpdate {
  std::int64_t exporter_id = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t delivered = 0;
  std::uint64_t not_selected = 0;
  std::uint64_t released = 0;  // damaged or pruned: could not be read
  std::vector<DeadLetter> dead;
  ExporterState state;  // changes; an empty value removes the key
};

// Calls happen inside the caller's transaction; throws SqliteFailure.
class ExporterTable {
 public:
  explicit ExporterTable(Database& database);
  // The row of that name, made with its position at `start` if new.
  ExporterRow attach(const std::string& name, const std::string& type, const std::string& when_full, std::uint64_t start);
  std::vector<ExporterRow> load_all();
  ExporterState load_state(std::int64_t exporter_id);
  // Moves the position. False, and nothing changed, if the position is not `update.from`.
  bool advance(const PositionUpdate& update, WallTime now);
  // One dead letter less: delivered after all, or discarded by a person.
  void settle_dead(std::int64_t exporter_id, bool delivered);
  // Records delivered again on request.
  void add_replayed(const std::string& name, std::uint64_t records);
  void set_last_error(std::int64_t exporter_id, const std::string& error);
  // Marks all rows whose name is not in `names` as detached: they keep their books and their position, and their
  // records are kept for them until the journal is full.
  void detach_others(const std::vector<std::string>& names);
  // Moves the position over released records. The caller records the gap.
  void release(std::int64_t exporter_id, std::uint64_t to);

 private:
  Database& database_;
  Statement advance_;
  Statement put_state_;
  Statement drop_state_;
  Statement dead_letter_;
  Statement begin_group_;
  Statement error_;
};

}  // namespace auditferry
