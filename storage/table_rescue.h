#pragma once
// Carries the rows of one table from a damaged journal to a new one, around what cannot be read.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/sqlite.h"

namespace auditferry {

struct RescuedTable {
  std::string name;
  std::uint64_t rows = 0;
  bool complete = true;  // every row of the table was read
};

// Columns that both have are carried over, each row as it is. Throws SqliteFailure for what fails in `fresh`; a
// row that `fresh` does not take (it breaks a rule of the table) is left out, and the table not complete.
class TableRescue {
 public:
  // `accept` may refuse a row (nothing: takes all); it sees the damaged row in the columns of `columns()`.
  using Accept = std::function<bool(const Statement& row)>;
  TableRescue(Database& damaged, Database& fresh, std::string table, Accept accept = nullptr);

  // For tables with a rowid: everything between and around damaged pages. `highest`: no rowid is larger; 0: not known.
  RescuedTable by_rowid(std::int64_t highest = 0);
  // For tables without one: from the front up to damage, and from the end down to damage.
  RescuedTable from_both_ends();

  const std::vector<std::string>& columns() const { return columns_; }

 private:
  struct Range {
    std::int64_t from;
    std::int64_t to;
  };
  // Reads until the end or an error; `last` is the last rowid that was read. True: to the end.
  bool read(Statement& source, std::int64_t& last);
  std::int64_t highest_rowid();
  void rescue(Range range);
  void put(const Statement& row);

  Database& damaged_;
  Database& fresh_;
  Accept accept_;
  std::vector<std::string> columns_;
  std::deque<Range> left_;
  std::unique_ptr<Statement> insert_;
  std::unique_ptr<Statement> up_;
  std::unique_ptr<Statement> down_;
  std::uint64_t read_ = 0;
  RescuedTable result_;
  std::vector<std::string> key_;  // the columns by which a table without a rowid is ordered
};

}  // namespace auditferry
