#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/exporter.h"

namespace auditferry {

// A WriteOutcome sorted by what has to happen to each record of the write; indices are ascending, and
// every record is in exactly one place.
struct Judgement {
  std::size_t delivered = 0;
  std::vector<std::size_t> again;      // to be sent again as they are
  std::vector<std::size_t> unnamed;    // refused with the batch as a whole, two or more: halve them
  std::vector<RecordOutcome> refused;  // single records: by name, or because they were alone
  bool group = false;                  // some of this batch are poison and nobody says which: all of them
  Verdict trouble = Verdict::delivered;  // pause before retry; what is to be waited for
  std::string reason;                  // of the trouble, the refusal or the group
};

// Pure. `count` is the number of records that were written. What an exporter says of records that were
// not in the batch is not listened to.
Judgement judge(std::size_t count, const WriteOutcome& outcome);

// Two halves, the first the larger. Precondition: two or more.
std::pair<std::vector<std::size_t>, std::vector<std::size_t>> halve(const std::vector<std::size_t>& indices);

}  // namespace auditferry
