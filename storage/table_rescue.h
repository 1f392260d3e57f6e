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
  // For tables without one: the same where the key begins with numbers; else from the front up to damage, and from the
  // end down to damage.
  RescuedTable by_key();

  const std::vector<std::string>& columns() const { return columns_; }

 private:
  struct Range {
    std::int64_t from;
    std::int64_t to;
  };
  // The numbers with which a key begins, as many as places_ has columns.
  using Place = std::vector<std::int64_t>;
  struct Stretch {
    Place from;
    Place to;
  };
  // Takes over rows until the end or an error, with `note` before each. True: to the end.
  template <class Note>
  bool read_rows(Statement& source, Note note);
  // read_rows() by rowid; `last` is the last one that was read.
  bool read(Statement& source, std::int64_t& last);
  std::int64_t highest_rowid();
  void rescue(Range range);
  // read_rows() of a stretch; `last` is the place of the last row.
  bool read_key(const Stretch& stretch, Statement& source, Place& last);
  static std::vector<Stretch> halves(const Stretch& stretch);
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
  std::vector<std::string> key_;     // the columns by which a table without a rowid is ordered
  std::vector<std::string> places_;  // the first of them that are numbers, two at most
};

}  // namespace auditferry
