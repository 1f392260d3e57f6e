#pragma once
// The bytes of what could not be taken as it came, each once: an overlap walk, a reread and a restart meet the
// same oversized record or the same unreadable answer again.

#include <cstdint>
#include <vector>

#include "core/time.h"
#include "encoding/hash.h"
#include "storage/journal_types.h"
#include "storage/sqlite.h"

namespace auditferry {

// By what an item is known within its stream: the SHA-256 of its bytes, or of the reason where there are none.
Sha256 quarantine_mark(const QuarantineItem& item);

// Calls happen inside the caller's transaction; throws SqliteFailure.
class QuarantineTable {
 public:
  explicit QuarantineTable(Database& database);
  // Keeps the item, compressed. False, and nothing kept: the stream's quarantine holds it already.
  bool keep(std::int64_t stream_id, const QuarantineItem& item, WallTime now);
  bool holds(std::int64_t stream_id, const QuarantineItem& item);
  // Removes what a stream kept before `before`, at most `limit` items. Returns how many went; what is met after
  // that counts as new.
  std::int64_t prune(std::int64_t stream_id, WallTime before, std::int64_t limit);

 private:
  Database& database_;
  Statement insert_;
  Statement find_;
  Statement prune_;
};

// The items whose bytes are not those by whose hash they are known, by their ids. Throws SqliteFailure.
std::vector<std::int64_t> damaged_quarantine(Database& database);

// Schema version 3: gives the rows of older versions their hash, and removes all but the first of equal ones.
void mark_quarantine(Database& database);

}  // namespace auditferry
