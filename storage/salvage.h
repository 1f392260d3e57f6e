#pragma once
// Rescues what can be read of a damaged journal into a new one, and says exactly what could not be.

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "storage/table_rescue.h"

namespace auditferry {

struct LostNumbers {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct SalvageReport {
  std::uint64_t records = 0;     // rescued, gap entries included
  std::uint64_t renumbered = 0;  // of these: had no number that could be read, and got a new one at the end
  std::uint64_t last_seq = 0;    // of the new journal
  // Numbers that no rescued record has, ascending, from the oldest number that was still kept. A record that was
  // renumbered is rescued all the same: so many records are gone as there are numbers here, less `renumbered`
  // (which also holds records that never had a number).
  std::vector<LostNumbers> lost;
  std::uint64_t lost_records = 0;  // in `lost`
  std::uint64_t lost_staged = 0;   // had no number yet: no coverage claims them, they are fetched again
  bool numbers_known = true;       // false: which numbers had been given could not be read; others than those in `lost` may be
  bool by_pages = false;           // the table of contents is damaged: only records and the names of streams were rescued
  std::vector<RescuedTable> tables;
  std::string epoch;
};

// Reads the journal at `damaged`, of the present schema version or an older one, and leaves it as it is. `to` must
// not exist; it appears when it is whole. The new journal has an epoch of its own and a row "salvaged" in its
// ledger. Records that were being fetched get their numbers; walks under way are dropped, so that their time is
// walked again; identities of records that are gone are forgotten, so that they can be fetched again. Lost numbers
// are found by the exporters that miss them when they come to them, and become gaps of theirs.
Result<SalvageReport> salvage_journal(const std::string& damaged, const std::string& to, WallTime now);

}  // namespace auditferry
