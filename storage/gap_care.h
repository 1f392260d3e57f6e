#pragma once
// What a person does about gaps. Calls for the storage thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "storage/journal.h"

namespace auditferry {

// Empty members select everything.
struct GapSelection {
  std::vector<std::int64_t> gap_ids = {};
  std::string source = {};
  std::string stream = {};
  std::string exporter = {};
  std::optional<TimeRange> range = {};  // gaps whose own range lies within it
};

// Of open gaps, ascending.
Result<std::vector<std::int64_t>> open_gap_ids(Journal& journal, const GapSelection& selection);

// Accepts one gap, in one transaction with a row in the ledger and an entry for the exporters. False: it is
// not open, or there is none of that id.
Result<bool> accept_gap(Journal& journal, std::int64_t gap_id, const std::string& accepted_by, const std::string& reason,
                        WallTime now);

}  // namespace auditferry
