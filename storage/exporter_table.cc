#include "storage/exporter_table.h"

#include <algorithm>
#include <map>

#include "core/check.h"
#include "storage/letter_hash.h"

namespace auditferry {
namespace {

ExporterRow exporter_row(const Statement& statement) {
  auto number = [&statement](int column) { return static_cast<std::uint64_t>(statement.integer(column)); };
  ExporterRow row;
  row.exporter_id = statement.integer(0);
  row.name = statement.text(1);
  row.type = statement.text(2);
  row.books = {number(3), number(4), number(5), number(6), number(7), number(8), number(9), number(10)};
  row.when_full = statement.text(11);
  row.attached = statement.integer(12) != 0;
  row.last_error = statement.text(13);
  if (!statement.is_null(14)) row.last_delivery = from_micros(statement.integer(14));
  return row;
}

constexpr const char* select_all =
    "SELECT exporter_id, name, type, added_seq, position, delivered, dead, discarded, not_selected, released, replayed, when_full, "
    "attached, last_error, last_delivery FROM exporter ORDER BY name";

}  // namespace

ExporterTable::ExporterTable(Database& database)
    : database_(database),
      advance_(database,
               "UPDATE exporter SET position = ?3, delivered = delivered + ?4, not_selected = not_selected + ?5, released = released + ?6, "
               "dead = dead + ?7, last_error = '', last_delivery = CASE WHEN ?4 > 0 THEN ?8 ELSE last_delivery END "
               "WHERE exporter_id = ?1 AND position = ?2"),
      put_state_(database, "INSERT OR REPLACE INTO exporter_state(exporter_id, key, value) VALUES (?, ?, ?)"),
      drop_state_(database, "DELETE FROM exporter_state WHERE exporter_id = ? AND key = ?"),
      dead_letter_(database, "INSERT INTO dead_letter(exporter_id, seq, at, reason, record, letter_group, vendor, tenant, stream, payload, hash) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      begin_group_(database, "UPDATE dead_letter SET letter_group = dead_letter_id WHERE dead_letter_id = ?"),
      error_(database, "UPDATE exporter SET last_error = ? WHERE exporter_id = ?") {}

ExporterRow ExporterTable::attach(const std::string& name, const std::string& type, const std::string& when_full,
                                  std::uint64_t start) {
  Statement insert(database_, "INSERT OR IGNORE INTO exporter(name, type, added_seq, position) VALUES (?, ?, ?, ?)");
  insert.run(name, type, start, start);
  Statement update(database_, "UPDATE exporter SET type = ?, when_full = ?, attached = 1 WHERE name = ?");
  update.run(type, when_full, name);
  for (ExporterRow& row : load_all()) {
    if (row.name == name) return row;
  }
  AUDITFERRY_CHECK(false);
  return {};
}

std::vector<ExporterRow> ExporterTable::load_all() {
  Statement statement(database_, select_all);
  std::vector<ExporterRow> rows;
  statement.query();
  while (statement.step()) rows.push_back(exporter_row(statement));
  return rows;
}

ExporterState ExporterTable::load_state(std::int64_t exporter_id) {
  Statement statement(database_, "SELECT key, value FROM exporter_state WHERE exporter_id = ?");
  ExporterState state;
  statement.query(exporter_id);
  while (statement.step()) state[std::string(statement.text(0))] = statement.text(1);
  return state;
}

bool ExporterTable::advance(const PositionUpdate& update, WallTime now) {
  const std::uint64_t dead = update.dead.size();
  AUDITFERRY_CHECK(update.to - update.from == update.delivered + update.not_selected + update.released + dead);
  advance_.run(update.exporter_id, update.from, update.to, update.delivered, update.not_selected, update.released, dead, to_micros(now));
  if (database_.changes() != 1) return false;
  std::map<std::uint64_t, std::int64_t> groups;  // a group's number to the id of its first letter
  for (const DeadLetter& letter : update.dead) {
    const auto known = groups.find(letter.group);
    const std::int64_t group = known == groups.end() ? 0 : known->second;
    const ShortHash hash = letter_hash(letter.seq, letter.identity, letter.record, letter.payload);
    dead_letter_.run(update.exporter_id, letter.seq, to_micros(now), letter.reason, Statement::Blob{letter.record}, group,
                     letter.identity.vendor, letter.identity.tenant, letter.identity.stream, Statement::Blob{letter.payload},
                     Statement::Blob{bytes_of(hash)});
    if (letter.group == 0 || group != 0) continue;
    const std::int64_t first = database_.last_insert_id();
    groups[letter.group] = first;
    begin_group_.run(first);
  }
  for (const auto& [key, value] : update.state) {
    if (value.empty()) {
      drop_state_.run(update.exporter_id, key);
    } else {
      put_state_.run(update.exporter_id, key, value);
    }
  }
  return true;
}

void ExporterTable::settle_dead(std::int64_t exporter_id, bool delivered) {
  Statement settle(database_, "UPDATE exporter SET dead = dead - 1, delivered = delivered + ?2, discarded = discarded + ?3 WHERE exporter_id = ?1");
  settle.run(exporter_id, delivered ? 1 : 0, delivered ? 0 : 1);
}

void ExporterTable::add_replayed(const std::string& name, std::uint64_t records) {
  Statement add(database_, "UPDATE exporter SET replayed = replayed + ? WHERE name = ?");
  add.run(records, name);
}

void ExporterTable::set_last_error(std::int64_t exporter_id, const std::string& error) { error_.run(error, exporter_id); }

void ExporterTable::detach_others(const std::vector<std::string>& names) {
  Statement detach(database_, "UPDATE exporter SET attached = 0 WHERE exporter_id = ?");
  for (const ExporterRow& row : load_all()) {
    if (std::find(names.begin(), names.end(), row.name) == names.end()) detach.run(row.exporter_id);
  }
}

void ExporterTable::release(std::int64_t exporter_id, std::uint64_t to) {
  Statement release(database_, "UPDATE exporter SET released = released + (?2 - position), position = ?2 WHERE exporter_id = ?1 AND position < ?2");
  release.run(exporter_id, to);
}

}  // namespace auditferry
