#pragma once
// The inside of Journal, shared by the .cc files that implement it. Not for use outside of storage/.

#include <memory>
#include <string>

#include "core/kill_point.h"
#include "storage/coverage_table.h"
#include "storage/exporter_table.h"
#include "storage/gap_table.h"
#include "storage/identity_table.h"
#include "storage/journal.h"
#include "storage/ledger.h"
#include "storage/publisher.h"
#include "storage/quarantine_table.h"
#include "storage/record_reader.h"
#include "storage/sqlite.h"

namespace auditferry {

struct Journal::Parts {
  // `database` has its schema already: the tables prepare their statements on it.
  explicit Parts(std::unique_ptr<Database> database_in);

  std::unique_ptr<Database> database;
  Ledger ledger;
  IdentityTable identities;
  CoverageTable coverage;
  GapTable gaps;
  Publisher publisher;
  RecordReader reader;
  ExporterTable exporters;
  QuarantineTable quarantine;
  Statement insert_payload;
  Statement insert_staged;
  Statement count_page;
  Statement count_late;
  Statement update_walk;
  Statement set_last_seq;
  std::uint64_t last_seq = 0;
  std::string epoch;

  // Stores a gap, its entry in the journal (with a seq of its own) and its row in the ledger. Inside the
  // caller's transaction; the caller calls keep_last_seq() before it commits. Nothing: a gap of the
  // collection tells it already, or a walk has shown that time.
  std::optional<std::int64_t> add_gap(std::int64_t stream_id, std::optional<std::int64_t> collection_id, std::optional<ExporterRow> exporter,
                                      const NewGap& gap, std::uint64_t from_seq, std::uint64_t to_seq, WallTime now);
  // The entry of a gap for the exporters, and its row in the ledger if it has just been opened. A gap that
  // became something else is told once more, as the second revision of its entry.
  void tell_gap(const GapRow& gap, std::int64_t stream_id, const std::string& exporter, WallTime now);
  // Open gaps whose whole range coverage holds by now.
  std::vector<TimeRange> untold_of(std::int64_t collection_id, const NewGap& gap);
  void heal_gaps(std::int64_t collection_id, WallTime now);
  // Marks a walk as ended; its staged records wait for publish(). True if there are none: then the walk
  // is gone and its coverage stands.
  bool finish_fetching(std::int64_t walk_id, const std::vector<TimeRange>& covered, bool after_empty_page, WallTime now);
  // Coverage and the ledger's row for a walk whose last record has its number; removes the walk. False: what it had
  // shown could not be read, and is not claimed.
  bool complete_walk(std::int64_t walk_id, bool after_empty_page, WallTime now);
  std::int64_t insert_walk(std::int64_t collection_id, const std::string& how, TimeRange window, const std::string& state, WallTime now);
  void save_collection(std::int64_t collection_id, const std::string& state);
  std::int64_t stream_of_collection(std::int64_t collection_id);
  // Puts records down once; the id of the payload. Inside the caller's transaction.
  std::int64_t add_payload(std::int64_t stream_id, std::size_t records, WallTime received, const std::string& body);
  // last_seq as it stands after a rolled back transaction.
  void reload_last_seq();
};

// The walks that meet an SQL condition on `walk`, in which ?1 is the collection.
std::vector<StoredWalk> load_walks(Database& database, const std::string& condition, std::int64_t collection_id);

// Runs `job` in a transaction that `job` commits by returning a value; an Error or a failure rolls it
// back, and the memory's last_seq with it. The kill points around the commit bear the name of the caller.
template <class Job>
auto in_transaction(Journal::Parts& parts, Job&& job, const char* caller = __builtin_FUNCTION()) -> decltype(job()) {
  auto outcome = guarded([&]() -> decltype(job()) {
    Transaction transaction(*parts.database);
    const std::uint64_t seq_before = parts.last_seq;
    auto result = job();
    if (result.ok()) {
      if (parts.last_seq != seq_before) parts.set_last_seq.run(parts.last_seq);
      kill_point("commit.before", caller);
      transaction.commit();
      kill_point("commit.after", caller);
    }
    return result;
  });
  if (!outcome.ok()) parts.reload_last_seq();
  return outcome;
}

}  // namespace auditferry
