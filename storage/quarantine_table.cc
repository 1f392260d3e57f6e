#include "storage/quarantine_table.h"

#include <optional>
#include <string>

#include "encoding/compress.h"

namespace auditferry {
namespace {

constexpr int compression_level = 3;
// Far above max_page_bytes: only a damaged row claims more.
constexpr std::uint64_t largest_body = std::uint64_t{1} << 30;

std::string_view view_of(const Sha256& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

}  // namespace

Sha256 quarantine_mark(const QuarantineItem& item) { return sha256(item.body.empty() ? item.why : item.body); }

QuarantineTable::QuarantineTable(Database& database)
    : database_(database),
      insert_(database, "INSERT OR IGNORE INTO quarantine(stream_id, at, why, records, body, sha256) VALUES (?, ?, ?, ?, ?, ?)"),
      find_(database, "SELECT 1 FROM quarantine WHERE stream_id = ? AND sha256 = ?"),
      prune_(database,
             "DELETE FROM quarantine WHERE quarantine_id IN (SELECT quarantine_id FROM quarantine WHERE stream_id = ? AND at < ? ORDER BY at "
             "LIMIT ?)") {}

bool QuarantineTable::keep(std::int64_t stream_id, const QuarantineItem& item, WallTime now) {
  // Asked first, so that a large body is not compressed in vain at every walk.
  if (holds(stream_id, item)) return false;
  const Sha256 mark = quarantine_mark(item);
  const std::string body = zstd_compress(item.body, compression_level);
  insert_.run(stream_id, to_micros(now), item.why, item.records, Statement::Blob{body}, Statement::Blob{view_of(mark)});
  return database_.changes() == 1;
}

bool QuarantineTable::holds(std::int64_t stream_id, const QuarantineItem& item) {
  const Sha256 mark = quarantine_mark(item);
  const bool found = find_.query(stream_id, Statement::Blob{view_of(mark)}).step();
  find_.reset();
  return found;
}

std::int64_t QuarantineTable::prune(std::int64_t stream_id, WallTime before, std::int64_t limit) {
  prune_.run(stream_id, to_micros(before), limit);
  return database_.changes();
}

std::vector<std::int64_t> damaged_quarantine(Database& database) {
  std::vector<std::int64_t> damaged;
  // Some have no hash: they could not be read when the file was brought up to date, or were salvaged from an older one.
  Statement items(database, "SELECT quarantine_id, why, body, sha256 FROM quarantine ORDER BY quarantine_id");
  items.query();
  while (items.step()) {
    Result<std::string> body = zstd_decompress(items.blob(2), largest_body);
    bool intact = body.ok();
    if (intact && !items.is_null(3)) {
      QuarantineItem item;
      item.why = items.text(1);
      item.body = std::move(body).value();
      const Sha256 mark = quarantine_mark(item);
      intact = view_of(mark) == items.blob(3);
    }
    if (!intact) damaged.push_back(items.integer(0));
  }
  return damaged;
}

void mark_quarantine(Database& database) {
  Statement next(database, "SELECT quarantine_id, stream_id, why, body FROM quarantine WHERE quarantine_id > ? ORDER BY quarantine_id LIMIT 1");
  Statement known(database, "SELECT 1 FROM quarantine WHERE stream_id = ? AND sha256 = ?");
  Statement set(database, "UPDATE quarantine SET sha256 = ? WHERE quarantine_id = ?");
  Statement remove(database, "DELETE FROM quarantine WHERE quarantine_id = ?");
  std::int64_t id = 0;
  while (next.query(id).step()) {
    id = next.integer(0);
    const std::int64_t stream_id = next.integer(1);
    QuarantineItem item;
    item.why = next.text(2);
    Result<std::string> body = zstd_decompress(next.blob(3), largest_body);
    next.reset();
    // A body that was damaged on the disk is kept as it is; it is just not recognised again.
    if (!body) continue;
    item.body = std::move(body).value();
    const Sha256 mark = quarantine_mark(item);
    const bool repeated = known.query(stream_id, Statement::Blob{view_of(mark)}).step();
    known.reset();
    if (repeated) {
      remove.run(id);
    } else {
      set.run(Statement::Blob{view_of(mark)}, id);
    }
  }
}

}  // namespace auditferry
