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

}  // namespace auditferry
