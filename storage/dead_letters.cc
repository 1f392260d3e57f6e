#include "storage/dead_letters.h"

#include <algorithm>

#include "encoding/json_object.h"
#include "storage/journal_parts.h"
#include "storage/letter_hash.h"
#include "storage/payload_codec.h"
#include "storage/snapshot.h"

namespace auditferry {
namespace {

constexpr const char* select_letters =
    "SELECT d.dead_letter_id, d.exporter_id, e.name, d.seq, d.at, d.reason, d.letter_group, d.record, "
    "d.vendor, d.tenant, d.stream, d.payload, d.hash "
    "FROM dead_letter d JOIN exporter e USING(exporter_id) WHERE (?1 = '' OR e.name = ?1) AND (?2 = 0 OR "
    "d.dead_letter_id = ?2) "
    "ORDER BY d.dead_letter_id";

// Without a hash: of an older version, and taken for what it says.
bool is_as_stored(const DeadLetterRow& row, std::string_view payload, std::string_view hash) {
  return hash.empty() || hash == bytes_of(letter_hash(row.seq, row.identity, row.bytes, payload));
}

// The record's views point into the row's own memory, which moves with it.
void decode(DeadLetterRow& row, std::string_view payload) {
  if (payload.empty()) return;
  Result<DecodedPayload> decoded = decode_payload(payload);
  row.damaged = !decoded || decoded->records.size() != 1;
  if (row.damaged) return;
  auto identity =
      std::make_shared<const std::string>(row.identity.vendor + row.identity.tenant + row.identity.stream);
  const std::string_view all = *identity;
  Record record = decoded->records.front();
  record.seq = row.seq;
  record.vendor = all.substr(0, row.identity.vendor.size());
  record.tenant = all.substr(row.identity.vendor.size(), row.identity.tenant.size());
  record.stream = all.substr(row.identity.vendor.size() + row.identity.tenant.size());
  row.batch.records.push_back(record);
  row.batch.storage.push_back(decoded->text);
  row.batch.storage.push_back(std::move(identity));
}

DeadLetterRow letter_row(const Statement& statement) {
  DeadLetterRow row;
  row.letter_id = statement.integer(0);
  row.exporter_id = statement.integer(1);
  row.exporter = statement.text(2);
  row.seq = static_cast<std::uint64_t>(statement.integer(3));
  row.at = from_micros(statement.integer(4));
  row.reason = statement.text(5);
  row.group = statement.integer(6);
  row.bytes = statement.blob(7);
  row.identity = {std::string(statement.text(8)), std::string(statement.text(9)),
                  std::string(statement.text(10))};
  row.batch.last_seq = row.seq;
  row.damaged = !is_as_stored(row, statement.blob(11), statement.blob(12));
  if (!row.damaged) decode(row, statement.blob(11));
  return row;
}

bool wanted(const DeadLetterFilter& filter, std::int64_t letter_id) {
  const std::vector<std::int64_t>& ids = filter.letter_ids;
  return ids.empty() || std::find(ids.begin(), ids.end(), letter_id) != ids.end();
}

}  // namespace

void for_each_letter(Database& database, const DeadLetterFilter& filter, const std::function<void(const DeadLetterRow&)>& visit) {
  Statement statement(database, select_letters);
  // One row at a time, so that nothing is held open while it is shown.
  Statement ids(database, "SELECT dead_letter_id FROM dead_letter WHERE dead_letter_id > ? ORDER BY dead_letter_id LIMIT 1");
  for (std::int64_t id = 0; ids.query(id).step();) {
    id = ids.integer(0);
    ids.reset();
    if (!wanted(filter, id)) continue;
    if (!statement.query(filter.exporter, id).step()) continue;
    const DeadLetterRow row = letter_row(statement);
    statement.reset();
    visit(row);
  }
}

Status JournalReader::dead_letters(const DeadLetterFilter& filter,
                                   const std::function<void(const DeadLetterRow&)>& visit) {
  return guarded([&]() -> Status {
    for_each_letter(*database_, filter, visit);
    return {};
  });
}

Result<std::vector<std::int64_t>> dead_letter_ids(Journal& journal, const DeadLetterFilter& filter) {
  return guarded([&]() -> Result<std::vector<std::int64_t>> {
    Statement statement(journal.database(),
                        "SELECT d.dead_letter_id FROM dead_letter d JOIN exporter e USING(exporter_id) WHERE "
                        "?1 = '' OR e.name = ?1 ORDER BY 1");
    std::vector<std::int64_t> ids;
    statement.query(filter.exporter);
    while (statement.step()) {
      if (wanted(filter, statement.integer(0))) ids.push_back(statement.integer(0));
    }
    return ids;
  });
}

Result<std::optional<DeadLetterRow>> find_dead_letter(Journal& journal, std::int64_t letter_id) {
  return guarded([&]() -> Result<std::optional<DeadLetterRow>> {
    Statement statement(journal.database(), select_letters);
    if (!statement.query("", letter_id).step()) return std::optional<DeadLetterRow>();
    return std::optional<DeadLetterRow>(letter_row(statement));
  });
}

Result<std::uint64_t> dead_letters_since(Journal& journal, std::int64_t exporter_id, WallTime since) {
  return guarded([&]() -> Result<std::uint64_t> {
    Statement statement(journal.database(),
                        "SELECT count(*) FROM dead_letter WHERE exporter_id = ? AND at > ?");
    statement.query(exporter_id, to_micros(since)).step();
    return static_cast<std::uint64_t>(statement.integer(0));
  });
}

Result<bool> Journal::settle_dead_letter(std::int64_t letter_id, bool delivered, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<bool> {
    Statement find(
        *parts_->database,
        "SELECT d.exporter_id, e.name, d.seq, d.reason FROM dead_letter d JOIN exporter e USING(exporter_id) "
        "WHERE d.dead_letter_id = ?");
    if (!find.query(letter_id).step()) return false;
    const std::int64_t exporter_id = find.integer(0);
    JsonObject detail;
    detail.text("exporter", find.text(1)).number("dead_letter", static_cast<std::uint64_t>(letter_id));
    detail.number("seq", static_cast<std::uint64_t>(find.integer(2))).text("reason", find.text(3));
    find.reset();
    Statement remove(*parts_->database, "DELETE FROM dead_letter WHERE dead_letter_id = ?");
    remove.run(letter_id);
    parts_->exporters.settle_dead(exporter_id, delivered);
    parts_->ledger.append(0, now, delivered ? "dead_letter_delivered" : "dead_letter_discarded",
                          detail.finish());
    return true;
  });
}

Result<bool> settle_dead_letter(Journal& journal, std::int64_t letter_id, LetterEnd end, WallTime now) {
  return journal.settle_dead_letter(letter_id, end == LetterEnd::delivered, now);
}

Status keep_dead_letter(Journal& journal, std::int64_t letter_id, const std::string& reason) {
  return guarded([&]() -> Status {
    Statement update(journal.database(), "UPDATE dead_letter SET reason = ? WHERE dead_letter_id = ?");
    kill_point("commit.before", "keep_dead_letter");
    update.run(reason, letter_id);
    kill_point("commit.after", "keep_dead_letter");
    return {};
  });
}

}  // namespace auditferry
