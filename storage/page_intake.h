#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "storage/identity_table.h"
#include "storage/journal_types.h"
#include "storage/lateness.h"

namespace auditferry {

// What the journal makes of a page: which records are new, which changed, which it has.
struct PageIntake {
  std::vector<Record> fresh;     // ascending by (time, id), revisions included; views into the page and `names`
  std::deque<std::string> names; // ids that were made here ("#n" added)
  std::uint64_t duplicates = 0;
  std::uint64_t revisions = 0;
  std::uint64_t late = 0;
  Duration latest{};
  std::map<int, std::uint64_t> lateness;  // late records by lateness_step()
  std::optional<WallTime> first_time;  // of all records with a time
  std::optional<WallTime> last_time;
};

// Takes note of every record's identity, inside the caller's transaction. ErrorKind::invalid when many
// records of the page share an id but not their content: then the field is not an id. Throws
// SqliteFailure.
Result<PageIntake> take_in(IdentityTable& identities, const PageToStore& page);

}  // namespace auditferry
