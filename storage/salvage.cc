#include "storage/salvage.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "encoding/hash.h"
#include "encoding/json_object.h"
#include "storage/exporter_table.h"
#include "storage/journal_copy.h"
#include "storage/ledger.h"
#include "storage/page_scan.h"
#include "storage/payload_codec.h"
#include "storage/schema.h"

namespace auditferry {
namespace {

using Kind = RawValue::Kind;

// A run of a payload's records with their numbers.
struct Published {
  std::uint64_t first_seq;
  std::uint64_t records;
  std::uint64_t first_index;
};

class Salvage {
 public:
  Salvage(const std::string& damaged, const std::string& to, WallTime now) : path_(damaged), fresh_(to, Database::Mode::create), now_(now) {
    prepare_schema(fresh_);
    // The file is thrown away when anything fails, and synced as a whole in the end: no log of its own size.
    fresh_.query_text("PRAGMA journal_mode = MEMORY");
    fresh_.execute("PRAGMA synchronous = OFF");
  }

  SalvageReport run() {
    Transaction transaction(fresh_);
    report_.by_pages = !open_damaged();
    if (!report_.by_pages) copy_tables();
    if (report_.by_pages || !payloads_complete_ || !streams_complete_) scan_pages();
    number_records();
    settle_orphans();
    settle_streams();
    settle_meta();
    note();
    transaction.commit();
    if (fresh_.query_text("PRAGMA journal_mode = WAL") != "wal") fresh_.fail("going back to WAL");
    return std::move(report_);
  }

 private:
  // False: SQLite cannot read the table of contents.
  bool open_damaged() {
    try {
      damaged_ = std::make_unique<Database>(path_, Database::Mode::read_only);
      // Every table is there, and can be asked.
      for (const char* table : {"meta", "payload", "publication", "stream", "exporter"}) {
        Statement(*damaged_, (std::string("SELECT * FROM ") + table).c_str());
      }
      return true;
    } catch (SqliteFailure& failure) {
      if (failure.error.kind == ErrorKind::not_found || failure.error.kind == ErrorKind::permission) throw;
      damaged_.reset();
      return false;
    }
  }

  void copy_tables() {
    TableRescue meta(*damaged_, fresh_, "meta", [](const Statement& row) { return row.text(0) != "epoch" && row.text(0) != "copied_at"; });
    fresh_.execute("DELETE FROM meta WHERE key = 'last_seq'");
    fresh_.execute("DELETE FROM meta WHERE key = 'ended_cleanly'");
    meta.by_key();
    old_last_seq_ = static_cast<std::uint64_t>(fresh_.query_int("SELECT value FROM meta WHERE key = 'last_seq'"));
    report_.numbers_known = fresh_.query_int("SELECT count(*) FROM meta WHERE key = 'last_seq'") == 1;
    copy_payloads();
    const auto last = static_cast<std::int64_t>(old_last_seq_);
    publications_complete_ = keep(TableRescue(*damaged_, fresh_, "publication").by_rowid(last));
    streams_complete_ = keep(TableRescue(*damaged_, fresh_, "stream").by_rowid());
    exporters_complete_ = keep(TableRescue(*damaged_, fresh_, "exporter").by_rowid());
    for (const char* table : {"collection", "dead_letter", "gap", "quarantine", "ledger"}) {
      keep(TableRescue(*damaged_, fresh_, table).by_rowid());
    }
    for (const char* table : {"coverage", "identity", "exporter_state", "penalty"}) {
      keep(TableRescue(*damaged_, fresh_, table).by_key());
    }
    // Files of older versions have no such table.
    if (damaged_has("lateness")) keep(TableRescue(*damaged_, fresh_, "lateness").by_key());
    // Walks are dropped; where each had been, its identities are looked at again.
    keep(TableRescue(*damaged_, fresh_, "walk").by_rowid());
    TableRescue staged(*damaged_, fresh_, "staged");
    staged_complete_ = keep(staged.by_rowid());
  }

  // 13 columns as of schema version 1, 14 as of version 5.
  static bool is_stream_row(std::size_t columns) { return columns == 13 || columns == 14; }

  bool damaged_has(const std::string& table) {
    Statement find(*damaged_, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
    return find.query(table).step();
  }

  bool keep(RescuedTable table) {
    const bool complete = table.complete;
    report_.tables.push_back(std::move(table));
    return complete;
  }

  // Whose bytes still fit their hash and can be read.
  static bool usable(std::string_view body, std::string_view hash, std::int64_t records) {
    if (!is_intact(body, hash)) return false;
    const Result<DecodedPayload> decoded = decode_payload(body);
    return decoded.ok() && decoded->records.size() == static_cast<std::size_t>(records);
  }

  void copy_payloads() {
    // payload_id, stream_id, records, received, hash, body
    TableRescue payloads(*damaged_, fresh_, "payload",
                         [](const Statement& row) { return usable(row.blob(5), row.blob(4), row.integer(2)); });
    payloads_complete_ = keep(payloads.by_rowid());
  }

  // Payloads that SQLite cannot find, and, without a table of contents, the streams that they belong to.
  void scan_pages() {
    const std::int64_t oldest = oldest_wanted();
    Statement payload(fresh_, "INSERT OR IGNORE INTO payload(payload_id, stream_id, records, received, hash, body) VALUES (?, ?, ?, ?, ?, ?)");
    Statement stream(fresh_, "INSERT OR IGNORE INTO stream(stream_id, vendor, tenant, name, source) VALUES (?, ?, ?, ?, ?)");
    const Status scanned = scan_rows(path_, [&](const RawRow& row) {
      const std::vector<RawValue>& columns = row.columns;
      if (columns.size() == 6 && columns[4].kind == Kind::blob && columns[4].bytes.size() == sizeof(ShortHash) && columns[5].kind == Kind::blob) {
        if (row.rowid < oldest || !usable(columns[5].bytes, columns[4].bytes, columns[2].integer)) return;
        payload.run(row.rowid, columns[1].integer, columns[2].integer, columns[3].integer, Statement::Blob{columns[4].bytes},
                    Statement::Blob{columns[5].bytes});
      } else if ((report_.by_pages || !streams_complete_) && is_stream_row(columns.size()) && columns[1].kind == Kind::text && columns[2].kind == Kind::text &&
                 columns[3].kind == Kind::text && columns[4].kind == Kind::text) {
        stream.run(row.rowid, columns[1].bytes, columns[2].bytes, columns[3].bytes, columns[4].bytes);
      }
    });
    if (!scanned) throw SqliteFailure{scanned.error()};
  }

  // Pages that were given back still hold what was pruned from them: nothing older than what is published is wanted.
  std::int64_t oldest_wanted() {
    if (!publications_complete_ || !staged_complete_) return 0;
    return fresh_.query_int("SELECT min(id) FROM (SELECT min(payload_id) AS id FROM publication UNION ALL SELECT min(payload_id) FROM staged)");
  }

  // Publications that make no sense any more go, and records without a number get one.
  void number_records() {
    std::map<std::int64_t, std::vector<Published>> published = sound_publications();
    const std::uint64_t highest = static_cast<std::uint64_t>(fresh_.query_int(
        "SELECT max(seq) FROM (SELECT max(first_seq + records - 1) AS seq FROM publication UNION ALL SELECT max(position) FROM exporter "
        "UNION ALL SELECT max(to_seq) FROM gap)"));
    last_seq_ = std::max(old_last_seq_, highest);
    if (report_.by_pages || (!publications_complete_ && !exporters_complete_)) report_.numbers_known = false;
    find_lost();
    Statement payloads(fresh_, "SELECT payload_id, records FROM payload WHERE payload_id > ? ORDER BY payload_id LIMIT 1");
    Statement insert(fresh_, "INSERT INTO publication(first_seq, records, payload_id, first_index, at) VALUES (?, ?, ?, ?, ?)");
    for (std::int64_t id = 0; payloads.query(id).step();) {
      id = payloads.integer(0);
      const auto records = static_cast<std::uint64_t>(payloads.integer(1));
      payloads.reset();
      report_.records += records;
      std::uint64_t index = 0;
      std::vector<Published>& runs = published[id];
      std::sort(runs.begin(), runs.end(), [](const Published& a, const Published& b) { return a.first_index < b.first_index; });
      runs.push_back({0, 0, records});
      for (const Published& run : runs) {
        if (run.first_index > index) {
          const std::uint64_t missing = run.first_index - index;
          insert.run(last_seq_ + 1, missing, id, index, to_micros(now_));
          last_seq_ += missing;
          report_.renumbered += missing;
        }
        index = std::max(index, run.first_index + run.records);
      }
    }
    report_.last_seq = last_seq_;
  }

  std::map<std::int64_t, std::vector<Published>> sound_publications() {
    std::map<std::int64_t, std::vector<Published>> published;
    std::vector<std::int64_t> senseless;
    Statement rows(fresh_,
                   "SELECT p.first_seq, p.records, p.payload_id, p.first_index, b.records FROM publication p LEFT JOIN payload b USING(payload_id) "
                   "ORDER BY p.first_seq");
    std::uint64_t last = 0;
    rows.query();
    while (rows.step()) {
      const Published run{static_cast<std::uint64_t>(rows.integer(0)), static_cast<std::uint64_t>(rows.integer(1)),
                          static_cast<std::uint64_t>(rows.integer(3))};
      const std::uint64_t of_payload = rows.is_null(4) ? 0 : static_cast<std::uint64_t>(rows.integer(4));
      if (oldest_seq_ == 0) oldest_seq_ = run.first_seq;
      const bool fits = run.records > 0 && run.first_seq > last && run.first_index < of_payload && run.records <= of_payload - run.first_index;
      std::vector<Published>& runs = published[rows.integer(2)];
      const bool twice = fits && std::any_of(runs.begin(), runs.end(), [&](const Published& other) {
                           return run.first_index < other.first_index + other.records && other.first_index < run.first_index + run.records;
                         });
      if (!fits || twice) {
        senseless.push_back(rows.integer(0));
        continue;
      }
      last = run.first_seq + run.records - 1;
      runs.push_back(run);
    }
    Statement remove(fresh_, "DELETE FROM publication WHERE first_seq = ?");
    for (const std::int64_t first_seq : senseless) remove.run(first_seq);
    return published;
  }

  void find_lost() {
    // What was pruned is not lost: numbers begin with the oldest that is named, or where the first exporter stands.
    if (oldest_seq_ == 0) oldest_seq_ = last_seq_ + 1;
    if (!publications_complete_) {
      const auto position = fresh_.query_int("SELECT coalesce(min(position) + 1, 0) FROM exporter");
      if (position > 0) oldest_seq_ = std::min(oldest_seq_, static_cast<std::uint64_t>(position));
    }
    std::uint64_t next = oldest_seq_;
    Statement rows(fresh_, "SELECT first_seq, records FROM publication ORDER BY first_seq");
    rows.query();
    while (rows.step()) {
      const auto first = static_cast<std::uint64_t>(rows.integer(0));
      if (first > next) lose(next, first - 1);
      next = first + static_cast<std::uint64_t>(rows.integer(1));
    }
    if (next <= last_seq_) lose(next, last_seq_);
  }
  void lose(std::uint64_t first, std::uint64_t last) {
    report_.lost.push_back({first, last});
    report_.lost_records += last - first + 1;
  }

  // An id is given again when its row is gone: nothing may go over to another stream, collection or exporter.
  void settle_orphans() {
    fresh_.execute(
        "INSERT INTO stream(stream_id, vendor, tenant, name, source) SELECT DISTINCT stream_id, 'unknown', 'unknown', 'stream-' || stream_id, "
        "'unknown' FROM payload WHERE stream_id > 0 AND stream_id NOT IN (SELECT stream_id FROM stream)");
    // It misses nothing, so that it holds nothing back.
    Statement unknown(fresh_,
                      "INSERT INTO exporter(exporter_id, name, type, added_seq, position, dead, attached) SELECT exporter_id, 'unknown-' || "
                      "exporter_id, 'unknown', max(?1 - count(*), 0), ?1, count(*), 0 FROM dead_letter WHERE exporter_id NOT IN (SELECT "
                      "exporter_id FROM exporter) GROUP BY exporter_id");
    unknown.run(last_seq_);
    fresh_.execute("DELETE FROM exporter_state WHERE exporter_id NOT IN (SELECT exporter_id FROM exporter)");
    fresh_.execute("DELETE FROM collection WHERE stream_id NOT IN (SELECT stream_id FROM stream)");
    fresh_.execute("DELETE FROM coverage WHERE collection_id NOT IN (SELECT collection_id FROM collection)");
    fresh_.execute("DELETE FROM identity WHERE stream_id NOT IN (SELECT stream_id FROM stream)");
    fresh_.execute("DELETE FROM lateness WHERE stream_id NOT IN (SELECT stream_id FROM stream)");
    fresh_.execute("UPDATE gap SET collection_id = NULL WHERE collection_id NOT IN (SELECT collection_id FROM collection)");
    fresh_.execute("UPDATE gap SET exporter_id = NULL WHERE exporter_id NOT IN (SELECT exporter_id FROM exporter)");
  }

  // Books that balance, no walk under way, and no identity of a record that is gone.
  void settle_streams() {
    const bool anything_lost = report_.lost_records > 0 || !payloads_complete_ || !staged_complete_;
    if (anything_lost) forget_identities_of_lost();
    // What was staged has its number now, or is gone and will be fetched again.
    report_.lost_staged = static_cast<std::uint64_t>(fresh_.query_int(
        "SELECT coalesce(sum(records - published), 0) FROM staged WHERE payload_id NOT IN (SELECT payload_id FROM payload)"));
    fresh_.execute(report_.by_pages
                       ? "UPDATE stream SET journaled = (SELECT coalesce(sum(records), 0) FROM payload p WHERE p.stream_id = stream.stream_id)"
                       : "UPDATE stream SET journaled = journaled + (SELECT coalesce(sum(s.records - s.published), 0) FROM staged s JOIN payload p "
                         "USING(payload_id) WHERE p.stream_id = stream.stream_id)");
    fresh_.execute("DELETE FROM staged");
    fresh_.execute("DELETE FROM walk");
    fresh_.execute("UPDATE stream SET staged = 0");
    fresh_.execute("UPDATE stream SET fetched = duplicates + journaled + quarantined");
  }

  // Of each stream, from the oldest record or walk that the journal holds on: all but those of rescued records. What
  // is fetched again after that counts as new, at worst a second time.
  void forget_identities_of_lost() {
    fresh_.execute("CREATE TEMP TABLE rescued(stream_id INTEGER, time INTEGER, id_hash BLOB, PRIMARY KEY(stream_id, time, id_hash)) WITHOUT ROWID");
    Statement insert(fresh_, "INSERT OR IGNORE INTO rescued(stream_id, time, id_hash) VALUES (?, ?, ?)");
    Statement payloads(fresh_, "SELECT payload_id, stream_id, body FROM payload WHERE payload_id > ? ORDER BY payload_id LIMIT 1");
    for (std::int64_t id = 0; payloads.query(id).step();) {
      id = payloads.integer(0);
      const std::int64_t stream_id = payloads.integer(1);
      const Result<DecodedPayload> decoded = decode_payload(payloads.blob(2));
      payloads.reset();
      if (!decoded) continue;
      for (const Record& record : decoded->records) {
        if (record.gap) continue;
        const ShortHash hash = short_hash(record.id);
        insert.run(stream_id, to_micros(record.time), Statement::Blob{bytes_of(hash)});
      }
    }
    fresh_.execute(
        "DELETE FROM identity WHERE time >= (SELECT min(oldest) FROM (SELECT min(time) AS oldest FROM rescued r WHERE r.stream_id = "
        "identity.stream_id AND r.time > 0 UNION ALL SELECT min(from_time) FROM walk JOIN collection c USING(collection_id) WHERE c.stream_id = "
        "identity.stream_id)) AND (stream_id, time, id_hash) NOT IN (SELECT stream_id, time, id_hash FROM rescued)");
    // A stream of which nothing is left: every identity may be that of a record that is gone.
    fresh_.execute("DELETE FROM identity WHERE stream_id NOT IN (SELECT stream_id FROM rescued)");
    fresh_.execute("DROP TABLE rescued");
  }

  void settle_meta() {
    Statement put(fresh_, "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
    put.run("last_seq", last_seq_);
    put.run("ended_cleanly", std::int64_t{0});
    report_.epoch = fresh_.query_text("SELECT value FROM meta WHERE key = 'epoch'");
    // A position that no record bears out would be refused at the next start.
    Statement cap(fresh_, "UPDATE exporter SET added_seq = min(added_seq, ?1), position = min(position, ?1)");
    cap.run(last_seq_);
    for (const ExporterRow& row : ExporterTable(fresh_).load_all()) {
      if (row.books.balance(last_seq_)) continue;
      // A row that damage has garbled without breaking it: it begins anew from its position.
      Statement reset(fresh_,
                      "UPDATE exporter SET dead = ?2, added_seq = max(position - ?2, 0), delivered = 0, discarded = 0, not_selected = 0, "
                      "released = 0 WHERE exporter_id = ?1");
      reset.run(row.exporter_id, dead_letters_of(row.exporter_id));
    }
  }

  std::int64_t dead_letters_of(std::int64_t exporter_id) {
    Statement count(fresh_, "SELECT count(*) FROM dead_letter WHERE exporter_id = ?");
    count.query(exporter_id).step();
    return count.integer(0);
  }

  void note() {
    std::string lost = "[";
    for (const LostNumbers& range : report_.lost) {
      if (lost.size() > 1) lost += ',';
      lost += "[" + std::to_string(range.first) + "," + std::to_string(range.last) + "]";
    }
    std::string incomplete = "[";
    for (const RescuedTable& table : report_.tables) {
      if (table.complete) continue;
      incomplete += (incomplete.size() > 1 ? ",\"" : "\"") + table.name + "\"";
    }
    JsonObject detail;
    detail.text("epoch", report_.epoch).number("records", report_.records).number("renumbered", report_.renumbered);
    detail.value("lost", lost + "]").value("incomplete", incomplete + "]").boolean("by_pages", report_.by_pages);
    Ledger(fresh_).append(0, now_, "salvaged", detail.finish());
  }

  std::string path_;
  Database fresh_;
  WallTime now_;
  std::unique_ptr<Database> damaged_;
  SalvageReport report_;
  std::uint64_t old_last_seq_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint64_t oldest_seq_ = 0;
  bool payloads_complete_ = false;
  bool publications_complete_ = false;
  bool staged_complete_ = false;
  bool streams_complete_ = false;
  bool exporters_complete_ = false;
};

}  // namespace

Result<SalvageReport> salvage_journal(const std::string& damaged, const std::string& to, WallTime now) {
  const Result<std::string> built = begin_file_for(to);
  if (!built) return built.error();
  Result<SalvageReport> report = guarded([&]() -> Result<SalvageReport> { return Salvage(damaged, *built, now).run(); });
  if (!report) {
    remove_built(*built);
    return report;
  }
  const Status placed = put_in_place(*built, to);
  if (!placed) return placed.error();
  return report;
}

}  // namespace auditferry
