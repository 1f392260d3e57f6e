#pragma once

#include "core/task.h"
#include "core/time.h"

namespace auditferry {

// The only source of time. The system's is in net/system_clock.h; tests drive a virtual one.
// Used on the loop thread only.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock, which may jump either way.
  virtual WallTime now() = 0;
  // Never jumps back; every wait and deadline is measured on it.
  virtual SteadyTime steady_now() = 0;
  // Returns after `duration` of steady time (at once when it is not positive). Cancellable.
  virtual Task<void> sleep(Duration duration) = 0;
};

}  // namespace auditferry
