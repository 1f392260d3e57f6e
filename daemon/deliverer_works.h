#pragma once
// Inside of Deliverer, for its .cc files.

#include "daemon/deliverer.h"

namespace auditferry {

struct Deliverer::Works {
  explicit Works(const Executor& loop) : changed(loop), care_wanted(loop), writes(loop), helpers(loop) {}
  Bell changed;
  Bell care_wanted;
  TaskGroup writes;
  TaskGroup helpers;
};

// After a failure of the journal, which is no exporter's fault.
inline constexpr Duration storage_retry = std::chrono::seconds(2);

}  // namespace auditferry
