#include "storage/journal_copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/journal_parts.h"
#include "storage/salvage_in_place.h"
#include "storage/schema.h"

namespace auditferry {
namespace {

constexpr int pages_per_step = 1024;

Error file_error(const std::string& doing, const std::string& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  const bool rights = code == EACCES || code == EPERM || code == EROFS;
  const ErrorKind kind = full ? ErrorKind::no_space : rights ? ErrorKind::permission : ErrorKind::io;
  return Error{kind, "cannot " + doing + " " + path + ": " + std::strerror(code) +
                         (full ? "; free space on that disk, or name another file" : "; name a file in a folder that this user may write to")};
}

Error taken(const std::string& path) {
  return Error{ErrorKind::busy, path + " exists and is not overwritten: name a file that does not exist"};
}

int sync_path(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return errno;
  const int code = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return code;
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The pages of one moment: the read transaction is held until the last of them, so that a busy writer cannot make
// the copy begin anew.
void copy_pages(Database& source, const std::string& to) {
  Database target(to, Database::Mode::create);
  // The file is thrown away when anything fails, and synced as a whole in the end.
  target.execute("PRAGMA journal_mode = OFF");
  target.execute("PRAGMA synchronous = OFF");
  sqlite3_backup* backup = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (!backup) target.fail("beginning a copy");
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, pages_per_step);
  const int end = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE || end != SQLITE_OK) target.fail("copying");
}

void mark_and_check(const std::string& copy, WallTime now) {
  Database database(copy, Database::Mode::create);
  const std::string finding = database.query_text("PRAGMA quick_check(1)");
  if (finding != "ok") {
    throw SqliteFailure{Error{ErrorKind::corrupt, "the journal is damaged (" + finding +
                                                      "), and no copy of it was kept; run 'auditferry journal check', then 'auditferry journal "
                                                      "salvage', which rescues what can be read"}};
  }
  Statement put(database, "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
  put.run("copied_at", to_micros(now));
  // Whatever happens to the file until it is used: it is looked at again then.
  put.run("ended_cleanly", std::int64_t{0});
  database.query_int("PRAGMA wal_checkpoint(TRUNCATE)");
}

CopyReport copy_into(const std::string& from, const std::string& to, WallTime now) {
  CopyReport report;
  {
    Database source(from, Database::Mode::read_only);
    // Any version that this program can bring up to date.
    const std::int64_t version = source.query_int("PRAGMA user_version");
    if (version < 1 || version > schema_version) check_schema(source);
    source.execute("BEGIN");
    report.epoch = source.query_text("SELECT value FROM meta WHERE key = 'epoch'");
    report.last_seq = static_cast<std::uint64_t>(source.query_int("SELECT value FROM meta WHERE key = 'last_seq'"));
    copy_pages(source, to);
    source.execute("COMMIT");
  }
  mark_and_check(to, now);
  return report;
}

}  // namespace

void remove_built(const std::string& path) {
  for (const char* end : {"", "-wal", "-shm", "-journal"}) unlink((path + end).c_str());
}

Result<std::string> begin_file_for(const std::string& to) {
  struct stat about {};
  if (lstat(to.c_str(), &about) == 0) return taken(to);
  std::string built = to + ".part-XXXXXX";
  const int descriptor = mkstemp(built.data());  // 0600
  if (descriptor < 0) return file_error("create", to, errno);
  close(descriptor);
  return built;
}

Status put_in_place(const std::string& built, const std::string& to) {
  int code = sync_path(built, O_RDONLY);
  // link() refuses a name that is taken, which rename() would replace.
  if (code == 0 && link(built.c_str(), to.c_str()) != 0) code = errno;
  remove_built(built);
  if (code == EEXIST) return taken(to);
  if (code != 0) return file_error("write", to, code);
  return sync_folder_of(to);
}

Status sync_folder_of(const std::string& path) {
  const int code = sync_path(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (code != 0) return file_error("write", path, code);
  return {};
}

Result<CopyReport> copy_journal(const std::string& from, const std::string& to, WallTime now) {
  // The journal may be without its log.
  if (Status whole = refuse_unfinished_salvage(from); !whole) return whole.error();
  const Result<std::string> built = begin_file_for(to);
  if (!built) return built.error();
  Result<CopyReport> report = guarded([&]() -> Result<CopyReport> { return copy_into(from, *built, now); });
  if (!report) {
    remove_built(*built);
    return report;
  }
  const Status placed = put_in_place(*built, to);
  if (!placed) return placed.error();
  std::error_code ignored;
  report->bytes = std::filesystem::file_size(to, ignored);
  return report;
}

Result<std::optional<RecognisedCopy>> Journal::recognise_copy(WallTime now) {
  auto recognised = in_transaction(*parts_, [&]() -> Result<std::optional<RecognisedCopy>> {
    Database& database = *parts_->database;
    Statement find(database, "SELECT value FROM meta WHERE key = 'copied_at'");
    if (!find.query().step()) return std::optional<RecognisedCopy>();
    RecognisedCopy copy{from_micros(find.integer(0)), parts_->epoch, random_epoch()};
    find.reset();
    Statement renew(database, "UPDATE meta SET value = ? WHERE key = 'epoch'");
    renew.run(copy.epoch);
    database.execute("DELETE FROM meta WHERE key = 'copied_at'");
    JsonObject positions;
    for (const ExporterRow& row : parts_->exporters.load_all()) positions.number(row.name, row.books.position);
    JsonObject detail;
    detail.text("copied_at", format_rfc3339(copy.copied_at)).text("epoch_before", copy.epoch_before).text("epoch", copy.epoch);
    detail.number("last_seq", parts_->last_seq).value("positions", positions.finish());
    parts_->ledger.append(0, now, "restored", detail.finish());
    return std::optional<RecognisedCopy>(std::move(copy));
  });
  if (recognised.ok() && recognised->has_value()) parts_->epoch = (*recognised)->epoch;
  return recognised;
}

Result<std::optional<RecognisedCopy>> recognise_copy(Journal& journal, WallTime now) { return journal.recognise_copy(now); }

}  // namespace auditferry
