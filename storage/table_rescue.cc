#include "storage/table_rescue.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

namespace auditferry {
namespace {

// Where neither the table nor SQLite's own notes say it.
constexpr std::int64_t guessed_highest = 1 << 20;
// Stretches that are looked into without a row that can be read: bounds the time when a page is damaged that leads
// to much of the table.
constexpr int most_failures = 20'000;
// Keys are far sparser than rowids, so that a single bad page could be halved for ever; what can be read between two of
// them shows after a few dozen.
constexpr int most_failures_by_key = 2'000;

// Of a key, the first columns that are numbers, as far as they are: two suffice for every table.
std::vector<std::string> leading_numbers(Database& database, const std::string& table, const std::vector<std::string>& key) {
  std::vector<std::string> numbers;
  Statement type(database, "SELECT type FROM pragma_table_info(?) WHERE name = ?");
  for (const std::string& column : key) {
    if (numbers.size() == 2 || !type.query(table, column).step() || type.text(0) != "INTEGER") break;
    numbers.push_back(column);
  }
  return numbers;
}

std::vector<std::string> columns_of(Database& database, const std::string& table, bool key_only) {
  Statement about(database, ("PRAGMA table_info(" + table + ")").c_str());
  std::vector<std::pair<std::int64_t, std::string>> found;
  about.query();
  while (about.step()) {
    if (!key_only || about.integer(5) > 0) found.emplace_back(key_only ? about.integer(5) : about.integer(0), about.text(1));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [order, name] : found) names.push_back(std::move(name));
  return names;
}

std::string joined(const std::vector<std::string>& names, const std::string& after_each = "") {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name + after_each;
  return text;
}

}  // namespace

TableRescue::TableRescue(Database& damaged, Database& fresh, std::string table, Accept accept)
    : damaged_(damaged), fresh_(fresh), accept_(std::move(accept)) {
  result_.name = std::move(table);
  const std::vector<std::string> old_columns = columns_of(damaged_, result_.name, false);
  for (const std::string& name : columns_of(fresh_, result_.name, false)) {
    if (std::find(old_columns.begin(), old_columns.end(), name) != old_columns.end()) columns_.push_back(name);
  }
  key_ = columns_of(fresh_, result_.name, true);
  places_ = leading_numbers(fresh_, result_.name, key_);
  const std::vector<std::string> places(columns_.size(), "?");
  const std::string sql = "INSERT OR IGNORE INTO " + result_.name + "(" + joined(columns_) + ") VALUES (" + joined(places) + ")";
  insert_ = std::make_unique<Statement>(fresh_, sql.c_str());
}

void TableRescue::put(const Statement& row) {
  if (accept_ && !accept_(row)) {
    result_.complete = false;
    return;
  }
  insert_->reset();
  for (int i = 0; i < static_cast<int>(columns_.size()); ++i) {
    sqlite3_bind_value(insert_->handle(), i + 1, sqlite3_column_value(row.handle(), i));
  }
  insert_->step();
  if (fresh_.changes() == 1) ++result_.rows;
}

template <class Note>
bool TableRescue::read_rows(Statement& source, Note note) {
  for (;;) {
    bool row = false;
    try {
      row = source.step();
    } catch (SqliteFailure&) {
      return false;
    }
    if (!row) return true;
    note();
    put(source);
  }
}

bool TableRescue::read(Statement& source, std::int64_t& last) {
  return read_rows(source, [&] {
    ++read_;
    last = source.integer(static_cast<int>(columns_.size()));
  });
}

// From the front to the first damage, from the end to the last; what is left between is halved.
void TableRescue::rescue(Range range) {
  std::int64_t last = range.from - 1;
  if (read(up_->query(range.from, range.to), last)) return;
  range.from = last + 1;
  last = range.to + 1;
  if (range.from <= range.to) read(down_->query(range.from, range.to), last);
  range.to = last - 1;
  if (range.from > range.to) return;
  result_.complete = false;
  if (range.from == range.to) return;
  const std::int64_t middle = range.from + (range.to - range.from) / 2;
  left_.push_back({range.from, middle});
  left_.push_back({middle + 1, range.to});
}

std::int64_t TableRescue::highest_rowid() {
  const std::string last = "SELECT max(rowid) FROM " + result_.name;
  const std::string given = "SELECT seq FROM sqlite_sequence WHERE name = '" + result_.name + "'";
  for (const std::string& sql : {given, last}) {
    try {
      if (const std::int64_t highest = damaged_.query_int(sql.c_str()); highest > 0) return highest;
    } catch (SqliteFailure&) {
    }
  }
  return guessed_highest;
}

RescuedTable TableRescue::by_rowid(std::int64_t highest) {
  if (highest <= 0) highest = highest_rowid();
  left_.push_back({0, highest});
  const std::string with_rowid = "SELECT " + joined(columns_) + ", rowid FROM " + result_.name + " WHERE rowid BETWEEN ? AND ? ORDER BY rowid";
  up_ = std::make_unique<Statement>(damaged_, with_rowid.c_str());
  down_ = std::make_unique<Statement>(damaged_, (with_rowid + " DESC").c_str());
  // Widest first: what the limit leaves undone are the smallest stretches.
  int failures = 0;
  while (!left_.empty() && failures < most_failures) {
    const Range range = left_.front();
    left_.pop_front();
    const std::uint64_t before = read_;
    rescue(range);
    failures = read_ > before ? 0 : failures + 1;
  }
  return result_;
}

bool TableRescue::read_key(const Stretch& stretch, Statement& source, Place& last) {
  source.reset();
  int index = 0;
  for (const Place& place : {stretch.from, stretch.to}) {
    for (const std::int64_t number : place) source.bind(++index, number);
  }
  return read_rows(source, [&] {
    for (std::size_t i = 0; i < last.size(); ++i) last[i] = source.integer(static_cast<int>(columns_.size() + i));
  });
}

std::vector<TableRescue::Stretch> TableRescue::halves(const Stretch& stretch) {
  for (std::size_t i = 0; i < stretch.from.size(); ++i) {
    if (stretch.from[i] == stretch.to[i]) continue;
    Stretch front = stretch;
    Stretch back = stretch;
    front.to[i] = std::midpoint(stretch.from[i], stretch.to[i]);
    back.from[i] = front.to[i] + 1;
    for (std::size_t rest = i + 1; rest < stretch.from.size(); ++rest) {
      front.to[rest] = std::numeric_limits<std::int64_t>::max();
      back.from[rest] = std::numeric_limits<std::int64_t>::min();
    }
    return {front, back};
  }
  return {};
}

RescuedTable TableRescue::by_key() {
  const std::string place = places_.empty() ? "" : "(" + joined(places_) + ")";
  const std::string value = places_.empty() ? "" : "(" + joined(std::vector<std::string>(places_.size(), "?")) + ")";
  const std::string select = "SELECT " + joined(columns_) + (places_.empty() ? "" : ", " + joined(places_)) + " FROM " + result_.name +
                             (places_.empty() ? "" : " WHERE " + place + " >= " + value + " AND " + place + " <= " + value) + " ORDER BY ";
  Statement up(damaged_, (select + joined(key_)).c_str());
  Statement down(damaged_, (select + joined(key_, " DESC")).c_str());
  std::deque<Stretch> left{{Place(places_.size(), std::numeric_limits<std::int64_t>::min()), Place(places_.size(), std::numeric_limits<std::int64_t>::max())}};
  int failures = 0;
  while (!left.empty() && failures < most_failures_by_key) {
    Stretch stretch = std::move(left.front());
    left.pop_front();
    const std::uint64_t before = result_.rows;
    // Rows of one place may lie on both sides of damage: the places at the ends stay in.
    Stretch rest = stretch;
    if (read_key(stretch, up, rest.from)) continue;
    result_.complete = false;
    read_key(stretch, down, rest.to);
    failures = result_.rows > before ? 0 : failures + 1;
    for (Stretch& half : halves(rest)) left.push_back(std::move(half));
  }
  return result_;
}

}  // namespace auditferry
