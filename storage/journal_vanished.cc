// The part of Journal that finds out which of its records a portal no longer shows.

#include "encoding/hash.h"
#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/journal_parts.h"
#include "storage/met_records.h"

namespace auditferry {
namespace {

// So many are named in one row of the ledger.
constexpr std::size_t most_named = 100;

struct KnownRecord {
  std::int64_t time = 0;
  std::string id_hash;
};

std::string named(const std::vector<KnownRecord>& records) {
  std::string text = "[";
  for (std::size_t i = 0; i < records.size() && i < most_named; ++i) {
    if (i > 0) text += ',';
    text += JsonObject().text("time", format_rfc3339_micros(from_micros(records[i].time))).text("id_sha256", hex(records[i].id_hash)).finish();
  }
  return text + "]";
}

void mark(Database& database, std::int64_t stream_id, const std::vector<KnownRecord>& records, std::optional<WallTime> gone) {
  Statement update(database, "UPDATE identity SET gone = ?1 WHERE stream_id = ?2 AND time = ?3 AND id_hash = ?4");
  for (const KnownRecord& record : records) {
    if (gone) {
      update.run(to_micros(*gone), stream_id, record.time, Statement::Blob{record.id_hash});
    } else {
      update.run(nullptr, stream_id, record.time, Statement::Blob{record.id_hash});
    }
  }
}

}  // namespace

Result<Vanished> Journal::note_vanished(std::int64_t stream_id, TimeRange window, MetRecords met, WallTime now) {
  if (!met.complete()) return Vanished();
  met.sort();
  return in_transaction(*parts_, [&]() -> Result<Vanished> {
    Database& database = *parts_->database;
    Statement ways(database, "SELECT count(*) FROM collection WHERE stream_id = ?");
    ways.query(stream_id).step();
    // What was fetched with another query may not fit the present one.
    const bool one_way = ways.integer(0) == 1;
    ways.reset();
    if (!one_way) return Vanished();
    std::vector<KnownRecord> vanished;
    std::vector<KnownRecord> back;
    Statement known(database, "SELECT time, id_hash, gone FROM identity WHERE stream_id = ? AND time > ? AND time < ? ORDER BY time, id_hash");
    known.query(stream_id, to_micros(window.from), to_micros(window.to));
    while (known.step()) {
      const bool is_met = met.has(known.blob(1));
      const bool was_gone = !known.is_null(2);
      if (is_met == was_gone) (is_met ? back : vanished).push_back({known.integer(0), std::string(known.blob(1))});
    }
    known.reset();
    if (vanished.empty() && back.empty()) return Vanished();
    mark(database, stream_id, vanished, now);
    mark(database, stream_id, back, std::nullopt);
    Statement count(database, "UPDATE stream SET vanished = vanished + ?2 WHERE stream_id = ?1");
    count.run(stream_id, static_cast<std::int64_t>(vanished.size()));
    JsonObject detail;
    detail.text("from", format_rfc3339_micros(window.from)).text("to", format_rfc3339_micros(window.to));
    detail.number("vanished", vanished.size()).number("shown_again", back.size());
    detail.value("records", named(vanished)).value("records_shown_again", named(back));
    parts_->ledger.append(stream_id, now, "vanished", detail.finish());
    return Vanished{vanished.size(), back.size()};
  });
}

}  // namespace auditferry
