#pragma once
// What status, metrics and the admin page show, read in one go. `take_snapshot` is for the storage
// thread; JournalReader opens the file of a running (or stopped) daemon for reading only, holds nothing
// open between calls, and never blocks the writer.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "storage/dead_letters.h"
#include "storage/journal.h"
#include "storage/ledger.h"

namespace auditferry {

struct CollectionSnapshot {
  std::int64_t collection_id = 0;
  std::string base_url;
  std::string fingerprint;
  std::optional<WallTime> start;
  std::string state;
  std::vector<CoverageInterval> coverage;
  std::optional<WallTime> watermark;  // the end of the interval that holds the start; accepted gaps count as shown
  std::vector<StoredWalk> walks;
};

struct StreamSnapshot {
  std::int64_t stream_id = 0;
  StreamIdentity identity;
  std::string source;
  StreamBooks books;
  std::optional<WallTime> newest_record;
  std::map<int, std::uint64_t> lateness;  // late records by lateness_step()
  std::vector<CollectionSnapshot> collections;  // the newest last: the one in use
};

struct JournalSnapshot {
  std::string epoch;
  std::uint64_t last_seq = 0;
  std::vector<StreamSnapshot> streams;
  std::vector<ExporterRow> exporters;
  std::vector<GapRow> gaps;  // open ones
  std::vector<GapRow> accepted_gaps;
  std::vector<Penalty> penalties;
  std::uint64_t used_bytes = 0;
  std::uint64_t quarantined_items = 0;
};

// What of a collection no walk has to ask for again: coverage, and gaps that are open or accepted.
std::vector<CoverageInterval> settled_of(const CollectionSnapshot& collection, const JournalSnapshot& snapshot);

Result<JournalSnapshot> take_snapshot(Journal& journal);

class JournalReader {
 public:
  static Result<std::unique_ptr<JournalReader>> open(const std::string& path);
  ~JournalReader();
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  Result<JournalSnapshot> snapshot();
  // Rows in the order of their time.
  Status ledger(const LedgerFilter& filter, const std::function<void(const LedgerRow&)>& visit);
  // Open, healed and accepted ones, in the order of their ids.
  Result<std::vector<GapRow>> gaps();
  // In the order of their ids.
  Status dead_letters(const DeadLetterFilter& filter, const std::function<void(const DeadLetterRow&)>& visit);
  Result<ChainVerdict> verify(std::int64_t chain);
  // Everything SQLite and the stored hashes can tell: one line per finding; empty: all is well. Reads the
  // whole file.
  Result<std::vector<std::string>> check();

 private:
  explicit JournalReader(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace auditferry
