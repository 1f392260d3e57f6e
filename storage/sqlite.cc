#include "storage/sqlite.h"

#include <sqlite3.h>

namespace auditferry {
namespace {

// `code` may be an extended one.
ErrorKind kind_of(int code) {
  // The memory that connections share (-shm) cannot grow. A reader needs it too.
  if (code == SQLITE_IOERR_SHMSIZE) return ErrorKind::no_space;
  switch (code & 0xff) {
    case SQLITE_FULL: return ErrorKind::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorKind::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorKind::corrupt;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ErrorKind::permission;
    case SQLITE_CANTOPEN: return ErrorKind::not_found;
    default: return ErrorKind::io;
  }
}

const char* advice(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::no_space: return "free space on that disk; nothing is lost, and work goes on by itself";
    case ErrorKind::busy: return "another process holds it; end that process or wait for it";
    case ErrorKind::corrupt:
      return "the file is kept as it is; run 'auditferry journal check', then 'auditferry journal salvage' (docs/journal.md)";
    case ErrorKind::permission: return "check the owner and mode of the state_dir";
    case ErrorKind::not_found: return "check that daemon.state_dir exists and can be written";
    default: return "check the disk and the kernel's log";
  }
}

}  // namespace

Database::Database(const std::string& path, Mode mode) : path_(path) {
  const int flags = mode == Mode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  // A failed open may leave a handle whose message and memory are ours.
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const ErrorKind kind = kind_of(code);
    Error error{kind, "cannot open the journal " + path_ + ": " + (handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)) +
                          "; " + advice(kind)};
    sqlite3_close_v2(handle_);
    throw SqliteFailure{std::move(error)};
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("running a statement");
}

std::int64_t Database::query_int(const char* sql) {
  Statement statement(*this, sql);
  return statement.query().step() ? statement.integer(0) : 0;
}

std::string Database::query_text(const char* sql) {
  Statement statement(*this, sql);
  return statement.query().step() ? std::string(statement.text(0)) : std::string();
}

int Database::changes() const { return sqlite3_changes(handle_); }
std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

void Database::fail(std::string_view doing) const {
  const ErrorKind kind = kind_of(sqlite3_extended_errcode(handle_));
  throw SqliteFailure{Error{kind, "the journal " + path_ + " failed while " + std::string(doing) + ": " + sqlite3_errmsg(handle_) +
                                      "; " + advice(kind)}};
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr) != SQLITE_OK) {
    database.fail("preparing a statement");
  }
}

Statement::~Statement() { sqlite3_finalize(handle_); }

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    // Resetting keeps the connection's error message, which fail() reads.
    sqlite3_reset(handle_);
    database_.fail("reading or writing");
  }
  sqlite3_reset(handle_);
  return false;
}

void Statement::reset() { sqlite3_reset(handle_); }

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return bytes ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))) : std::string_view();
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return bytes ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))) : std::string_view();
}

void Statement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(handle_, index, value) != SQLITE_OK) database_.fail("binding a number");
}

void Statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL; an empty text is a text.
  const char* bytes = value.data() ? value.data() : "";
  if (sqlite3_bind_text64(handle_, index, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) database_.fail("binding a text");
}

void Statement::bind(int index, Blob value) {
  const char* bytes = value.bytes.data() ? value.bytes.data() : "";
  if (sqlite3_bind_blob64(handle_, index, bytes, value.bytes.size(), SQLITE_STATIC) != SQLITE_OK) database_.fail("binding bytes");
}

void Statement::bind(int index, std::nullptr_t) {
  if (sqlite3_bind_null(handle_, index) != SQLITE_OK) database_.fail("binding NULL");
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // SQLite has already rolled back by itself after some errors (disk full, I/O).
  if (open_ && !sqlite3_get_autocommit(database_.handle())) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace auditferry
