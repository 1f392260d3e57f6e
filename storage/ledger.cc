#include "storage/ledger.h"

#include "encoding/hash.h"

namespace auditferry {
namespace {

constexpr std::size_t hash_bytes = 32;

std::string hash_of(const LedgerRow& row, const std::string& previous_hash) {
  std::string text = previous_hash;
  text += std::to_string(row.chain) + "\n" + std::to_string(row.number) + "\n" + std::to_string(to_micros(row.first_at)) + "\n" +
          std::to_string(to_micros(row.at)) + "\n" + std::to_string(row.repeats) + "\n" + row.kind + "\n" + row.detail;
  const Sha256 hash = sha256(text);
  return std::string(reinterpret_cast<const char*>(hash.data()), hash.size());
}

constexpr const char* columns = "chain, number, first_at, at, repeats, kind, detail, hash";

LedgerRow ledger_row(const Statement& statement) {
  LedgerRow row;
  row.chain = statement.integer(0);
  row.number = statement.integer(1);
  row.first_at = from_micros(statement.integer(2));
  row.at = from_micros(statement.integer(3));
  row.repeats = statement.integer(4);
  row.kind = statement.text(5);
  row.detail = statement.text(6);
  row.hash = statement.blob(7);
  return row;
}

std::string anchor_key(std::int64_t chain) { return "ledger_anchor_" + std::to_string(chain); }

std::string read_anchor(Database& database, std::int64_t chain) {
  Statement statement(database, "SELECT value FROM meta WHERE key = ?");
  const std::string key = anchor_key(chain);
  return statement.query(key).step() ? std::string(statement.blob(0)) : std::string(hash_bytes, '\0');
}

}  // namespace

Ledger::Ledger(Database& database)
    : database_(database),
      last_(database, "SELECT chain, number, first_at, at, repeats, kind, detail, hash FROM ledger WHERE chain = ? ORDER BY number DESC LIMIT 1"),
      before_(database, "SELECT hash FROM ledger WHERE chain = ? AND number = ?"),
      insert_(database, "INSERT INTO ledger(chain, number, first_at, at, repeats, kind, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      replace_(database, "UPDATE ledger SET at = ?, repeats = ?, detail = ?, hash = ? WHERE chain = ? AND number = ?") {}

std::string Ledger::anchor(std::int64_t chain) { return read_anchor(database_, chain); }

std::optional<LedgerRow> Ledger::last(std::int64_t chain) {
  if (!last_.query(chain).step()) return std::nullopt;
  LedgerRow row = ledger_row(last_);
  last_.reset();
  return row;
}

void Ledger::insert(LedgerRow row, const std::string& previous_hash) {
  row.hash = hash_of(row, previous_hash);
  insert_.run(row.chain, row.number, to_micros(row.first_at), to_micros(row.at), row.repeats, row.kind, row.detail,
              Statement::Blob{row.hash});
}

void Ledger::append(std::int64_t chain, WallTime at, const std::string& kind, const std::string& detail) {
  const std::optional<LedgerRow> previous = last(chain);
  LedgerRow row{chain, previous ? previous->number + 1 : 1, at, at, 1, kind, detail, {}};
  insert(std::move(row), previous ? previous->hash : anchor(chain));
}

void Ledger::append_repeating(std::int64_t chain, WallTime at, const std::string& kind, const std::string& detail) {
  std::optional<LedgerRow> row = last(chain);
  if (!row || row->kind != kind) return append(chain, at, kind, detail);
  std::string previous_hash = anchor(chain);
  if (before_.query(chain, row->number - 1).step()) {
    previous_hash = before_.blob(0);
    before_.reset();
  }
  row->at = at;
  row->repeats += 1;
  row->detail = detail;
  row->hash = hash_of(*row, previous_hash);
  replace_.run(to_micros(row->at), row->repeats, row->detail, Statement::Blob{row->hash}, chain, row->number);
}

std::int64_t Ledger::prune(WallTime before, std::int64_t limit) {
  Statement oldest(database_, "SELECT chain, number, hash FROM ledger WHERE at < ? ORDER BY at LIMIT ?");
  Statement newer(database_, "SELECT 1 FROM ledger WHERE chain = ? AND number > ? LIMIT 1");
  Statement remove(database_, "DELETE FROM ledger WHERE chain = ? AND number <= ?");
  Statement keep_anchor(database_, "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
  std::int64_t removed = 0;
  oldest.query(to_micros(before), limit);
  while (oldest.step()) {
    const std::int64_t chain = oldest.integer(0);
    const std::int64_t number = oldest.integer(1);
    const std::string hash(oldest.blob(2));
    // The last row of a chain stays, so that numbering goes on from it.
    const bool has_newer = newer.query(chain, number).step();
    newer.reset();
    if (!has_newer) continue;
    remove.run(chain, number);
    removed += database_.changes();
    const std::string key = anchor_key(chain);
    keep_anchor.run(key, Statement::Blob{hash});
  }
  return removed;
}

void read_ledger(Database& database, const LedgerFilter& filter, const std::function<void(const LedgerRow&)>& visit) {
  // A part at a time, and none of it under way while `visit` prints, perhaps into a pager: an open reader would
  // keep the log of a running daemon from being taken in.
  const std::string sql = std::string("SELECT ") + columns +
                          " FROM ledger WHERE (?1 < 0 OR chain = ?1) AND first_at <= ?3 AND (at, chain, number) > (?2, ?4, ?5) "
                          "ORDER BY at, chain, number LIMIT 1000";
  Statement statement(database, sql.c_str());
  std::int64_t at = filter.from ? to_micros(*filter.from) : INT64_MIN;
  std::int64_t chain = INT64_MIN;
  std::int64_t number = INT64_MIN;
  for (;;) {
    std::vector<LedgerRow> rows;
    statement.query(filter.chain ? *filter.chain : std::int64_t{-1}, at, filter.to ? to_micros(*filter.to) : INT64_MAX, chain, number);
    while (statement.step()) rows.push_back(ledger_row(statement));
    statement.reset();
    if (rows.empty()) return;
    at = to_micros(rows.back().at);
    chain = rows.back().chain;
    number = rows.back().number;
    for (const LedgerRow& row : rows) visit(row);
  }
}

ChainVerdict verify_ledger(Database& database, std::int64_t chain) {
  const std::string sql = std::string("SELECT ") + columns + " FROM ledger WHERE chain = ? ORDER BY number";
  Statement statement(database, sql.c_str());
  statement.query(chain);
  ChainVerdict verdict;
  std::string previous_hash = read_anchor(database, chain);
  std::optional<std::int64_t> number;
  while (statement.step()) {
    LedgerRow row = ledger_row(statement);
    const bool follows = !number || row.number == *number + 1;
    if (!follows || row.hash != hash_of(row, previous_hash)) {
      verdict.broken = std::move(row);
      return verdict;
    }
    number = row.number;
    previous_hash = row.hash;
    ++verdict.rows;
  }
  return verdict;
}

}  // namespace auditferry
