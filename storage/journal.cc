#include "storage/journal.h"

#include <sqlite3.h>

#include <filesystem>

#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/journal_parts.h"
#include "storage/penalty_table.h"
#include "storage/salvage_in_place.h"
#include "storage/schema.h"

namespace auditferry {
namespace {

// Ends the connection's statements, while it lives, after so many instructions of SQLite.
class EffortLimit {
 public:
  EffortLimit(Database& database, int instructions) : database_(database) {
    sqlite3_progress_handler(database_.handle(), instructions, end_it, &reached_);
  }
  ~EffortLimit() { sqlite3_progress_handler(database_.handle(), 0, nullptr, nullptr); }
  EffortLimit(const EffortLimit&) = delete;
  EffortLimit& operator=(const EffortLimit&) = delete;
  bool reached() const { return reached_; }

 private:
  static int end_it(void* reached) {
    *static_cast<bool*>(reached) = true;
    return 1;
  }
  Database& database_;
  bool reached_ = false;
};

// What PRAGMA quick_check says; empty: nothing. Running out of effort is not a finding, nor is a disk that could not
// be read: that is thrown.
std::string finding_of(Database& database, int instructions) {
  const EffortLimit limit(database, instructions);
  try {
    std::string words = database.query_text("PRAGMA quick_check(1)");
    return words == "ok" ? "" : words;
  } catch (SqliteFailure& failure) {
    if (limit.reached()) return "";
    if (failure.error.kind != ErrorKind::corrupt) throw;
    return failure.error.message;
  }
}

// Raises the number while SQLite works, for as long as it lives; null: none.
class ProgressCounter {
 public:
  ProgressCounter(Database& database, std::atomic<std::uint64_t>* progress) : database_(database) {
    if (progress != nullptr) sqlite3_progress_handler(database_.handle(), instructions_per_count, raise, progress);
  }
  ~ProgressCounter() { sqlite3_progress_handler(database_.handle(), 0, nullptr, nullptr); }
  ProgressCounter(const ProgressCounter&) = delete;
  ProgressCounter& operator=(const ProgressCounter&) = delete;

 private:
  static constexpr int instructions_per_count = 10'000;
  static int raise(void* progress) {
    static_cast<std::atomic<std::uint64_t>*>(progress)->fetch_add(1);
    return 0;  // go on
  }
  Database& database_;
};

void check_after_crash(Database& database, int instructions) {
  std::string finding = finding_of(database, instructions);
  // SQLite also reports a page as damaged that the disk did not give for a moment: damage is what is there twice.
  if (!finding.empty()) finding = finding_of(database, instructions);
  if (finding.empty()) return;
  throw SqliteFailure{Error{ErrorKind::corrupt, "the journal " + database.path() + " is damaged (" + finding +
                                                    "); it is left as it is: run 'auditferry journal check', then 'auditferry "
                                                    "journal salvage', which rescues what can be read into a new one"}};
}

bool is_empty_file(const std::string& path) {
  std::error_code missing;
  return std::filesystem::file_size(path, missing) == 0 && !missing;
}

bool ended_without_close(Database& database) {
  const std::int64_t version = database.query_int("PRAGMA user_version");
  if (version < 1 || version > schema_version) return false;
  return database.query_int("SELECT value FROM meta WHERE key = 'ended_cleanly'") == 0;
}

Error beyond_the_end(std::uint64_t position, std::uint64_t last_seq) {
  return Error{ErrorKind::invalid, "a position (" + std::to_string(position) + ") lies beyond the journal's last record (" + std::to_string(last_seq) +
                                       "): the journal was replaced by an older one; see docs/journal.md, 'After a restore'"};
}

}  // namespace

Journal::Parts::Parts(std::unique_ptr<Database> database_in)
    : database(std::move(database_in)),
      ledger(*database),
      identities(*database),
      coverage(*database),
      gaps(*database),
      publisher(*database),
      reader(*database),
      exporters(*database),
      quarantine(*database),
      insert_payload(*database, "INSERT INTO payload(stream_id, records, received, hash, body) VALUES (?, ?, ?, ?, ?)"),
      insert_staged(*database,
                    "INSERT INTO staged(payload_id, walk_id, records, first_time, first_id, last_time, last_id) VALUES (?, ?, ?, ?, ?, ?, ?)"),
      count_page(*database,
                 "UPDATE stream SET fetched = fetched + ?2, duplicates = duplicates + ?3, staged = staged + ?4, quarantined = quarantined + ?5, "
                 "changed = changed + ?6, late = late + ?7, newest_time = max(coalesce(newest_time, ?8), ?8) WHERE stream_id = ?1"),
      count_late(*database,
                 "INSERT INTO lateness(stream_id, step, records) VALUES (?, ?, ?) ON CONFLICT(stream_id, step) DO UPDATE SET "
                 "records = records + excluded.records"),
      update_walk(*database, "UPDATE walk SET state = ? WHERE walk_id = ?"),
      set_last_seq(*database, "UPDATE meta SET value = ? WHERE key = 'last_seq'") {
  reload_last_seq();
  epoch = database->query_text("SELECT value FROM meta WHERE key = 'epoch'");
}

void Journal::Parts::reload_last_seq() {
  // After a failure the connection may be unusable; the number in memory then stays and every later
  // transaction fails as well.
  try {
    last_seq = static_cast<std::uint64_t>(database->query_int("SELECT value FROM meta WHERE key = 'last_seq'"));
  } catch (SqliteFailure&) {
  }
}

std::int64_t Journal::Parts::stream_of_collection(std::int64_t collection_id) {
  Statement statement(*database, "SELECT stream_id FROM collection WHERE collection_id = ?");
  return statement.query(collection_id).step() ? statement.integer(0) : 0;
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, JournalOpening how) {
  return guarded([&]() -> Result<std::unique_ptr<Journal>> {
    if (Status whole = refuse_unfinished_salvage(path); !whole) return whole.error();
    const SchemaOrigin origin = is_empty_file(path) ? SchemaOrigin::empty_file : SchemaOrigin::new_file;
    auto database = std::make_unique<Database>(path, Database::Mode::create);
    // Before anything is written to it, also by a migration.
    if (ended_without_close(*database)) check_after_crash(*database, how.check_instructions);
    {
      const ProgressCounter counter(*database, how.progress);
      prepare_schema(*database, origin, how.progress);
    }
    database->execute("UPDATE meta SET value = 0 WHERE key = 'ended_cleanly'");
    return std::unique_ptr<Journal>(new Journal(std::make_unique<Parts>(std::move(database))));
  });
}

Journal::Journal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Journal::~Journal() = default;

Status Journal::close() {
  return guarded([&]() -> Status {
    parts_->database->execute("UPDATE meta SET value = 1 WHERE key = 'ended_cleanly'");
    parts_->database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    return {};
  });
}

std::uint64_t Journal::last_seq() const { return parts_->last_seq; }
Database& Journal::database() { return *parts_->database; }
const std::string& Journal::epoch() const { return parts_->epoch; }

Result<RecordBatch> Journal::read(std::uint64_t after, std::uint64_t max_records, std::uint64_t max_bytes) {
  return guarded([&]() -> Result<RecordBatch> {
    if (after > parts_->last_seq) {
      return beyond_the_end(after, parts_->last_seq);
    }
    return parts_->reader.read(after, parts_->last_seq, max_records, max_bytes);
  });
}

Result<ExporterRow> Journal::attach_exporter(const std::string& name, const std::string& type, const std::string& when_full, bool start_now) {
  return in_transaction(*parts_, [&]() -> Result<ExporterRow> {
    // The oldest entry that can still be read is where "oldest" begins.
    Statement first(*parts_->database, "SELECT min(first_seq) FROM publication");
    first.query().step();
    const std::uint64_t oldest = first.is_null(0) ? parts_->last_seq : static_cast<std::uint64_t>(first.integer(0)) - 1;
    first.reset();
    ExporterRow row = parts_->exporters.attach(name, type, when_full, start_now ? parts_->last_seq : oldest);
    if (row.books.position > parts_->last_seq) return beyond_the_end(row.books.position, parts_->last_seq);
    return row;
  });
}

Status Journal::detach_exporters_except(const std::vector<std::string>& names) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->exporters.detach_others(names);
    return {};
  });
}

Result<ExporterState> Journal::exporter_state(std::int64_t exporter_id) {
  return guarded([&]() -> Result<ExporterState> { return parts_->exporters.load_state(exporter_id); });
}

Result<std::vector<bool>> Journal::advance(const std::vector<PositionUpdate>& updates, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<std::vector<bool>> {
    std::vector<bool> done;
    for (const PositionUpdate& update : updates) done.push_back(parts_->exporters.advance(update, now));
    return done;
  });
}

Status Journal::count_replayed(const std::string& exporter, std::uint64_t records) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->exporters.add_replayed(exporter, records);
    return {};
  });
}

Result<std::uint64_t> Journal::oldest_seq() {
  return guarded([&]() -> Result<std::uint64_t> {
    Statement first(*parts_->database, "SELECT min(first_seq) FROM publication");
    first.query().step();
    return first.is_null(0) ? parts_->last_seq + 1 : static_cast<std::uint64_t>(first.integer(0));
  });
}

Result<Journal::Known> Journal::known_records(TimeRange range, const std::string& stream) {
  return guarded([&]() -> Result<Known> {
    Statement count(*parts_->database, "SELECT coalesce(sum(revision), 0) FROM identity WHERE time BETWEEN ?1 AND ?2 AND stream_id IN "
                                       "(SELECT stream_id FROM stream WHERE ?3 = '' OR name = ?3)");
    count.query(to_micros(range.from), to_micros(range.to), stream).step();
    Statement staged(*parts_->database, "SELECT coalesce(sum(staged.records - staged.published), 0) FROM staged JOIN payload USING(payload_id) "
                                        "WHERE first_time <= ?2 AND last_time >= ?1 AND stream_id IN "
                                        "(SELECT stream_id FROM stream WHERE ?3 = '' OR name = ?3)");
    staged.query(to_micros(range.from), to_micros(range.to), stream).step();
    return Known{static_cast<std::uint64_t>(count.integer(0)), static_cast<std::uint64_t>(staged.integer(0))};
  });
}

Status Journal::set_exporter_error(std::int64_t exporter_id, const std::string& error) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->exporters.set_last_error(exporter_id, error);
    return {};
  });
}

Result<std::vector<ExporterRow>> Journal::exporters() {
  return guarded([&]() -> Result<std::vector<ExporterRow>> { return parts_->exporters.load_all(); });
}

Status Journal::set_penalty(const Penalty& penalty) {
  return in_transaction(*parts_, [&]() -> Status {
    put_penalty(*parts_->database, penalty);
    return {};
  });
}

Result<std::vector<Penalty>> Journal::penalties(WallTime now) {
  return guarded([&]() -> Result<std::vector<Penalty>> { return load_penalties(*parts_->database, now); });
}

Result<bool> Journal::note_empty_file(WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<bool> {
    Database& database = *parts_->database;
    database.execute("DELETE FROM meta WHERE key = 'from_empty_file'");
    if (database.changes() == 0) return false;
    parts_->ledger.append(0, now, "empty_file", JsonObject().text("epoch", parts_->epoch).finish());
    return true;
  });
}

Status Journal::note(const std::string& kind, const std::string& detail, WallTime now, std::int64_t chain) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->ledger.append(chain, now, kind, detail);
    return {};
  });
}

}  // namespace auditferry
