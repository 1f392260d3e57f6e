#include "storage/snapshot.h"

#include "storage/journal_parts.h"
#include "storage/payload_codec.h"
#include "storage/penalty_table.h"
#include "storage/schema.h"

namespace auditferry {
namespace {

std::vector<CollectionSnapshot> load_collections(Database& database, std::int64_t stream_id, const std::vector<GapRow>& accepted) {
  CoverageTable coverage(database);
  Statement statement(database,
                      "SELECT collection_id, base_url, fingerprint, start_time, state FROM collection WHERE stream_id = ? ORDER BY collection_id");
  std::vector<CollectionSnapshot> collections;
  statement.query(stream_id);
  while (statement.step()) {
    CollectionSnapshot collection;
    collection.collection_id = statement.integer(0);
    collection.base_url = statement.text(1);
    collection.fingerprint = statement.text(2);
    if (!statement.is_null(3)) collection.start = from_micros(statement.integer(3));
    collection.state = statement.text(4);
    collection.coverage = coverage.load(collection.collection_id);
    if (collection.start) {
      collection.watermark = watermark_of(settled_time(collection.coverage, accepted, collection.collection_id), *collection.start);
    }
    collection.walks = load_walks(database, "collection_id = ?1", collection.collection_id);
    collections.push_back(std::move(collection));
  }
  return collections;
}

std::map<int, std::uint64_t> load_lateness(Database& database, std::int64_t stream_id) {
  Statement statement(database, "SELECT step, records FROM lateness WHERE stream_id = ?");
  std::map<int, std::uint64_t> lateness;
  statement.query(stream_id);
  while (statement.step()) lateness[static_cast<int>(statement.integer(0))] = static_cast<std::uint64_t>(statement.integer(1));
  return lateness;
}

std::vector<StreamSnapshot> load_streams(Database& database, const std::vector<GapRow>& accepted) {
  Statement statement(database,
                      "SELECT stream_id, vendor, tenant, name, source, fetched, duplicates, staged, journaled, quarantined, changed, late, "
                      "vanished, newest_time FROM stream ORDER BY source, name");
  std::vector<StreamSnapshot> streams;
  statement.query();
  while (statement.step()) {
    auto number = [&statement](int column) { return static_cast<std::uint64_t>(statement.integer(column)); };
    StreamSnapshot stream;
    stream.stream_id = statement.integer(0);
    stream.identity = {std::string(statement.text(1)), std::string(statement.text(2)), std::string(statement.text(3))};
    stream.source = statement.text(4);
    stream.books = {number(5), number(6), number(7), number(8), number(9), number(10), number(11), number(12)};
    if (!statement.is_null(13) && statement.integer(13) > 0) stream.newest_record = from_micros(statement.integer(13));
    stream.lateness = load_lateness(database, stream.stream_id);
    stream.collections = load_collections(database, stream.stream_id, accepted);
    streams.push_back(std::move(stream));
  }
  return streams;
}

// When the first entry behind each position came; nothing: none waits, or it is not there any more.
void note_oldest_waiting(Database& database, JournalSnapshot& snapshot) {
  Statement received(database,
                     "SELECT payload.received FROM publication JOIN payload USING (payload_id) WHERE first_seq >= coalesce((SELECT "
                     "max(first_seq) FROM publication WHERE first_seq <= ?1), 0) AND first_seq + publication.records > ?1 ORDER BY first_seq LIMIT 1");
  for (ExporterRow& row : snapshot.exporters) {
    if (row.books.waiting(snapshot.last_seq) == 0) continue;
    if (received.query(row.books.position + 1).step()) row.oldest_waiting = from_micros(received.integer(0));
    received.reset();
  }
}

JournalSnapshot read_snapshot(Database& database) {
  // One read transaction, so that the books that are shown together belong together.
  database.execute("BEGIN");
  JournalSnapshot snapshot;
  snapshot.epoch = database.query_text("SELECT value FROM meta WHERE key = 'epoch'");
  snapshot.last_seq = static_cast<std::uint64_t>(database.query_int("SELECT value FROM meta WHERE key = 'last_seq'"));
  snapshot.accepted_gaps = GapTable(database).in_state("accepted");
  snapshot.streams = load_streams(database, snapshot.accepted_gaps);
  snapshot.exporters = ExporterTable(database).load_all();
  note_oldest_waiting(database, snapshot);
  snapshot.gaps = GapTable(database).open();
  snapshot.penalties = load_penalties(database);
  const std::int64_t pages = database.query_int("PRAGMA page_count") - database.query_int("PRAGMA freelist_count");
  snapshot.used_bytes = static_cast<std::uint64_t>(pages * database.query_int("PRAGMA page_size"));
  snapshot.quarantined_items = static_cast<std::uint64_t>(database.query_int("SELECT count(*) FROM quarantine"));
  database.execute("COMMIT");
  return snapshot;
}

void check_payloads(Database& database, std::vector<std::string>& findings) {
  Statement statement(database, "SELECT payload_id, hash, body, records FROM payload");
  statement.query();
  while (statement.step()) {
    const std::string_view body = statement.blob(2);
    if (is_intact(body, statement.blob(1))) {
      const Result<DecodedPayload> decoded = decode_payload(body);
      if (decoded && decoded->records.size() == static_cast<std::size_t>(statement.integer(3))) continue;
    }
    findings.push_back("payload " + std::to_string(statement.integer(0)) + " (" + std::to_string(statement.integer(3)) +
                       " records) is damaged: its bytes do not fit their hash");
  }
}

void check_letters(Database& database, std::vector<std::string>& findings) {
  for_each_letter(database, {}, [&findings](const DeadLetterRow& letter) {
    if (!letter.damaged) return;
    findings.push_back("dead letter " + std::to_string(letter.letter_id) + " of exporter " + letter.exporter +
                       " is damaged: its bytes do not fit their hash");
  });
}

void check_quarantine(Database& database, std::vector<std::string>& findings) {
  for (const std::int64_t id : damaged_quarantine(database)) {
    findings.push_back("quarantine item " + std::to_string(id) + " is damaged: its bytes do not fit their hash");
  }
}

void check_books(const JournalSnapshot& snapshot, std::vector<std::string>& findings) {
  for (const StreamSnapshot& stream : snapshot.streams) {
    if (!stream.books.balance()) findings.push_back("the books of stream " + stream.source + "/" + stream.identity.stream + " do not balance");
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (!row.books.balance(snapshot.last_seq)) findings.push_back("the books of exporter " + row.name + " do not balance");
  }
}

void check_staged(Database& database, std::vector<std::string>& findings) {
  Statement lost(database,
                 "SELECT p.stream_id, count(*), sum(s.records - s.published) FROM staged s JOIN payload p USING(payload_id) WHERE NOT EXISTS "
                 "(SELECT 1 FROM walk w WHERE w.walk_id = s.walk_id) GROUP BY p.stream_id");
  lost.query();
  while (lost.step()) {
    findings.push_back(std::to_string(lost.integer(2)) + " records in " + std::to_string(lost.integer(1)) + " pages of stream " +
                       std::to_string(lost.integer(0)) + " belong to no walk and would never be delivered");
  }
}

}  // namespace

std::vector<CoverageInterval> settled_of(const CollectionSnapshot& collection, const JournalSnapshot& snapshot) {
  std::vector<CoverageInterval> settled = settled_time(collection.coverage, snapshot.gaps, collection.collection_id);
  return settled_time(std::move(settled), snapshot.accepted_gaps, collection.collection_id);
}

Result<JournalSnapshot> take_snapshot(Journal& journal) {
  return guarded([&]() -> Result<JournalSnapshot> { return read_snapshot(journal.database()); });
}

Result<std::unique_ptr<JournalReader>> JournalReader::open(const std::string& path) {
  return guarded([&]() -> Result<std::unique_ptr<JournalReader>> {
    auto database = std::make_unique<Database>(path, Database::Mode::read_only);
    check_schema(*database);
    return std::unique_ptr<JournalReader>(new JournalReader(std::move(database)));
  });
}

JournalReader::JournalReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
JournalReader::~JournalReader() = default;

Result<JournalSnapshot> JournalReader::snapshot() {
  return guarded([&]() -> Result<JournalSnapshot> { return read_snapshot(*database_); });
}

Result<std::vector<GapRow>> JournalReader::gaps() {
  return guarded([&]() -> Result<std::vector<GapRow>> { return GapTable(*database_).all(); });
}

Status JournalReader::ledger(const LedgerFilter& filter, const std::function<void(const LedgerRow&)>& visit) {
  return guarded([&]() -> Status {
    read_ledger(*database_, filter, visit);
    return {};
  });
}

Result<ChainVerdict> JournalReader::verify(std::int64_t chain) {
  return guarded([&]() -> Result<ChainVerdict> { return verify_ledger(*database_, chain); });
}

Result<std::vector<std::string>> JournalReader::check() {
  return guarded([&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> findings;
    Statement integrity(*database_, "PRAGMA integrity_check(20)");
    integrity.query();
    while (integrity.step()) {
      if (integrity.text(0) != "ok") findings.emplace_back(integrity.text(0));
    }
    check_payloads(*database_, findings);
    check_letters(*database_, findings);
    check_quarantine(*database_, findings);
    const JournalSnapshot snapshot = read_snapshot(*database_);
    check_books(snapshot, findings);
    check_staged(*database_, findings);
    std::vector<std::int64_t> chains{0};
    for (const StreamSnapshot& stream : snapshot.streams) chains.push_back(stream.stream_id);
    for (const std::int64_t chain : chains) {
      const ChainVerdict verdict = verify_ledger(*database_, chain);
      if (verdict.broken) {
        findings.push_back("the ledger's chain " + std::to_string(chain) + " is broken at row " + std::to_string(verdict.broken->number) +
                           ": the row or one before it was changed after it was written");
      }
    }
    return findings;
  });
}

}  // namespace auditferry
