#pragma once
// The rescued journal takes the place of the damaged one, safely against a crash at every step.

#include <functional>
#include <optional>
#include <string>

#include "core/result.h"
#include "storage/salvage.h"

namespace auditferry {

struct SalvagedInPlace {
  std::optional<SalvageReport> report;  // nothing: an earlier salvage had been interrupted, and was brought to its end
  std::string damaged;                  // where the damaged journal is kept, with its log
};

// Rescues what can be read of `journal` and puts it in its place; the damaged file and its write-ahead log are kept as
// JOURNAL.damaged-N. The caller holds the folder. From the moment the rescued journal is whole until it is in its place
// it is JOURNAL.salvaged, and refuse_unfinished_salvage() lets nobody open the journal: for a moment it is without its
// log. Interrupted, it is given again. `after_step` is called after each step of the change of places, for tests.
Result<SalvagedInPlace> salvage_in_place(const std::string& journal, WallTime now, const std::function<void()>& after_step = {});

// ErrorKind::busy, with what to do, while the place of `journal` is being changed.
Status refuse_unfinished_salvage(const std::string& journal);

}  // namespace auditferry
