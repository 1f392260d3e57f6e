#include "storage/identity_table.h"

#include "core/check.h"
#include "encoding/hash.h"

namespace auditferry {
namespace {

// Enough to tell two contents of one id apart; the id's own hash is the 16 bytes that must not collide.
constexpr std::size_t content_bytes = 8;

}  // namespace

IdentityTable::IdentityTable(Database& database)
    : database_(database),
      insert_(database, "INSERT OR IGNORE INTO identity(stream_id, time, id_hash, content, revision) VALUES (?, ?, ?, ?, 1)"),
      find_(database, "SELECT content, revision FROM identity WHERE stream_id = ? AND time = ? AND id_hash = ?"),
      revise_(database, "UPDATE identity SET content = ?, revision = ? WHERE stream_id = ? AND time = ? AND id_hash = ?"),
      forget_(database,
              "DELETE FROM identity WHERE (stream_id, time, id_hash) IN (SELECT stream_id, time, id_hash FROM identity WHERE stream_id = ? AND "
              "time < ? ORDER BY time, id_hash LIMIT ?)") {}

IdentityTable::Answer IdentityTable::see(std::int64_t stream_id, WallTime time, std::string_view id, const ShortHash& content) {
  const ShortHash id_hash = short_hash(id);
  const std::string_view content_part = bytes_of(content).substr(0, content_bytes);
  insert_.run(stream_id, to_micros(time), Statement::Blob{bytes_of(id_hash)}, Statement::Blob{content_part});
  if (database_.changes() == 1) return {Seen::first_time, 1};
  const bool found = find_.query(stream_id, to_micros(time), Statement::Blob{bytes_of(id_hash)}).step();
  AUDITFERRY_CHECK(found);
  const auto revision = static_cast<std::uint32_t>(find_.integer(1));
  const bool same = find_.blob(0) == content_part;
  find_.reset();
  if (same) return {Seen::same_content, revision};
  revise_.run(Statement::Blob{content_part}, revision + 1, stream_id, to_micros(time), Statement::Blob{bytes_of(id_hash)});
  return {Seen::other_content, revision + 1};
}

std::int64_t IdentityTable::forget(std::int64_t stream_id, WallTime before, std::int64_t limit) {
  forget_.run(stream_id, to_micros(before), limit);
  return database_.changes();
}

}  // namespace auditferry
