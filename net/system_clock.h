#pragma once

#include "core/clock.h"

namespace auditferry {

// The system's time: the only place in the program that asks for it or waits for it. now() and
// steady_now() may be called from any thread; sleep() runs on the executor of the coroutine that awaits it.
class SystemClock final : public Clock {
 public:
  WallTime now() override;
  SteadyTime steady_now() override;
  Task<void> sleep(Duration duration) override;
};

}  // namespace auditferry
