#pragma once
// The journal: every record that was fetched, what each exporter has confirmed, and the provenance of
// both, in one SQLite file. Durable when a call returns (WAL, synchronous=FULL). All calls block and are
// made by one thread, the storage thread; each is bounded. Times of events are passed in.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "storage/journal_types.h"
#include "storage/met_records.h"

namespace auditferry {

class Database;
struct RecognisedCopy;

// How a journal is opened.
struct JournalOpening {
  // Of SQLite's virtual machine (sqlite.org/opcode.html), for the rows of a file that did not end cleanly: about ten
  // seconds on a slow machine.
  int check_instructions = 200'000'000;
  // A large file of an older release may take long: the number, which another thread may read, is raised while that gets
  // on. Null: nobody asks.
  std::atomic<std::uint64_t>* progress = nullptr;
};

class Journal {
 public:
  // Creates or opens state_dir/journal.db. After an end that was not clean the file is checked first: all its pages, and
  // of its rows as many as the effort reaches. A file that is found damaged twice is refused (ErrorKind::corrupt) and left
  // as it is. A disk that could not be read, also for a moment only, is an error of its own kind.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, JournalOpening how = {});
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  // Orderly end; the next open needs no check.
  Status close();

  // Fetching
  // Finds or makes the stream and its coverage domain. `start` is kept from the first call; a query or a
  // base URL that changed makes a new domain, which the ledger tells.
  Result<CollectionState> attach(const StreamIdentity& identity, const std::string& source, const std::string& base_url,
                                 const std::string& fingerprint, const std::string& query, WallTime now);
  Result<CollectionState> load_collection(std::int64_t collection_id);
  Status set_start(std::int64_t collection_id, WallTime start);
  Status save_collection(std::int64_t collection_id, const std::string& state);
  Result<std::int64_t> begin_walk(std::int64_t collection_id, const std::string& how, TimeRange window, const std::string& state, WallTime now);
  Status save_walk(std::int64_t walk_id, const std::string& state);
  // ErrorKind::invalid, and nothing stored, when ids collide in bulk with other content: the field that
  // the profile names is not an id.
  Result<StoredPage> store_page(const PageToStore& page, WallTime now);
  // No more pages come: what is staged will be published, and `covered` becomes coverage with it. `collection_state`
  // is kept in the same transaction (CollectionState::state).
  Status end_walk(std::int64_t walk_id, const std::vector<TimeRange>& covered, const std::vector<NewGap>& gaps,
                  const std::string& collection_state, WallTime now);
  // One chunk of an ended walk, at most `max_records`.
  Result<PublishProgress> publish(std::int64_t walk_id, std::uint64_t max_records, WallTime now);
  // False, and nothing is counted or noted: the stream's quarantine holds these bytes already.
  Result<bool> quarantine(std::int64_t stream_id, const QuarantineItem& item, WallTime now);
  Result<bool> is_quarantined(std::int64_t stream_id, const QuarantineItem& item);
  // False: the journal tells of it already, or a walk has shown that time.
  Result<bool> record_gap(std::int64_t collection_id, const NewGap& gap, WallTime now);

  struct Around {
    bool had_before = false;               // a record at or before the time is known
    std::optional<WallTime> first_after;   // the time of the first known record after it
  };
  Result<Around> records_around(std::int64_t stream_id, WallTime time);

  // A window of a stream was walked once more, and `met` is what the walk met: what is known of the time between the
  // window's ends (without them) and was not met is marked, counted and named in the ledger, once; what was marked and
  // is met again is no longer. Does nothing where the stream was asked for in several ways, or `met` is not complete.
  Result<Vanished> note_vanished(std::int64_t stream_id, TimeRange window, MetRecords met, WallTime now);

  // Delivering
  Result<ExporterRow> attach_exporter(const std::string& name, const std::string& type, const std::string& when_full, bool start_now);
  Status detach_exporters_except(const std::vector<std::string>& names);
  Result<ExporterState> exporter_state(std::int64_t exporter_id);
  std::uint64_t last_seq() const;
  // See RecordReader::read.
  Result<RecordBatch> read(std::uint64_t after, std::uint64_t max_records, std::uint64_t max_bytes);
  // All of them in one transaction. Per update: false if the position was not `from` (it was released
  // meanwhile: load the row again), and then nothing of that update was done.
  Result<std::vector<bool>> advance(const std::vector<PositionUpdate>& updates, WallTime now);
  // Entries first … last could not be read for this exporter: a gap of its own, with an entry in the journal.
  Result<std::int64_t> record_exporter_gap(const ExporterRow& exporter, const NewGap& gap, std::uint64_t first, std::uint64_t last, WallTime now);
  // Of storage/dead_letters.h, where it is described.
  Result<bool> settle_dead_letter(std::int64_t letter_id, bool delivered, WallTime now);
  // Records delivered again on request: counted beside the books.
  Status count_replayed(const std::string& exporter, std::uint64_t records);
  // The first sequence number that can still be read; the next one to be given where there is none.
  Result<std::uint64_t> oldest_seq();
  // How many records with a time in `range` were ever fetched and are not forgotten (journal.remember),
  // of a stream by name or of all (""); revisions count. `staged`: so many of them, at most, are in pages of walks
  // that have not come to their end.
  struct Known {
    std::uint64_t fetched = 0;
    std::uint64_t staged = 0;
  };
  Result<Known> known_records(TimeRange range, const std::string& stream);
  Status set_exporter_error(std::int64_t exporter_id, const std::string& error);
  Result<std::vector<ExporterRow>> exporters();

  // Care
  Status set_penalty(const Penalty& penalty);
  Result<std::vector<Penalty>> penalties(WallTime now);
  // A row of the ledger. Chain 0: what concerns the daemon as a whole; else a stream_id. `detail` is a
  // JSON object.
  Status note(const std::string& kind, const std::string& detail, WallTime now, std::int64_t chain = 0);
  // To be called once after open(). True: the file had been there without a byte in it, so that a new journal was made
  // in it; told once, with a row "empty_file" in the ledger.
  Result<bool> note_empty_file(WallTime now);
  // Of storage/journal_copy.h, where it is described.
  Result<std::optional<RecognisedCopy>> recognise_copy(WallTime now);
  Result<PruneStep> prune(const PruneRules& rules, WallTime now);
  Result<std::uint64_t> used_bytes();
  const std::string& epoch() const;

  struct Parts;  // journal_parts.h
  // For the other public classes and functions of storage/.
  Database& database();
  Parts& parts() { return *parts_; }

 private:
  explicit Journal(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace auditferry
