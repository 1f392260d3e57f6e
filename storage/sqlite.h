#pragma once
// A thin C++ face for SQLite. Inside storage/ a failed call throws SqliteFailure, so that a transaction
// rolls back by leaving its scope; the public classes of this folder turn it into an Error. Nothing
// outside storage/ includes this header.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace auditferry {

// Thrown in storage/ only, and caught by its public classes.
struct SqliteFailure {
  Error error;
};

// One connection; used by one thread at a time.
class Database {
 public:
  enum class Mode { create, read_only };
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements that give no rows.
  void execute(const char* sql);
  // The first column of the first row.
  std::int64_t query_int(const char* sql);
  std::string query_text(const char* sql);
  int changes() const;
  std::int64_t last_insert_id() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() { return handle_; }
  [[noreturn]] void fail(std::string_view doing) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// A prepared statement. Text and blob arguments of run() and query() must stay valid until the statement
// is reset or run again.
class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds in order and runs to the end; for statements without rows.
  template <class... Arguments>
  void run(const Arguments&... arguments) {
    query(arguments...);
    while (step()) {
    }
    reset();
  }
  // Binds in order; then step() gives the rows.
  template <class... Arguments>
  Statement& query(const Arguments&... arguments) {
    reset();
    int index = 0;
    (bind(++index, arguments), ...);
    return *this;
  }
  // False when there are no more rows; the statement is then reset.
  bool step();
  void reset();

  sqlite3_stmt* handle() const { return handle_; }
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  // Valid until the next step() or reset().
  std::string_view text(int column) const;
  std::string_view blob(int column) const;

  struct Blob {
    std::string_view bytes;
  };
  void bind(int index, std::int64_t value);
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, unsigned value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, Blob value);
  void bind(int index, std::nullptr_t);

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  // Durable when it returns (synchronous=FULL).
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

// Runs `job`, turning SqliteFailure into an Error. `Job` returns a Result.
template <class Job>
auto guarded(Job&& job) -> decltype(job()) {
  try {
    return job();
  } catch (SqliteFailure& failure) {
    return std::move(failure.error);
  }
}

}  // namespace auditferry
