#pragma once

#include <cstdint>
#include <string_view>

#include "core/page.h"
#include "storage/sqlite.h"

namespace auditferry {

// Which records we have ever taken, about 40 bytes each, keyed by (stream, time, hash of the id), so that
// a poll touches neighbouring pages of the tree. Outlives payloads. Calls happen inside the caller's
// transaction; throws SqliteFailure.
class IdentityTable {
 public:
  enum class Seen { first_time, same_content, other_content };
  struct Answer {
    Seen seen;
    std::uint32_t revision;  // of the record as it now stands
  };

  explicit IdentityTable(Database& database);
  // Takes note of a record. Other content under a known identity becomes its next revision. A portal
  // that changes the time of a record is not caught here: identities are found by their time.
  Answer see(std::int64_t stream_id, WallTime time, std::string_view id, const ShortHash& content);
  // Forgets records whose time is before `before`, at most `limit`. Returns how many went.
  std::int64_t forget(std::int64_t stream_id, WallTime before, std::int64_t limit);

 private:
  Database& database_;
  Statement insert_;
  Statement find_;
  Statement revise_;
  Statement forget_;
};

}  // namespace auditferry
