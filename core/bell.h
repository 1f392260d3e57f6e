#pragma once

#include <memory>

#include "core/clock.h"
#include "core/task.h"

namespace auditferry {

// Wakes coroutines that wait for something to happen. Loop thread only; it outlives its waiters.
class Bell {
 public:
  explicit Bell(Executor executor);
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  // Wakes everybody who waits now.
  void ring();
  // Returns at the next ring. Cancellable. Between a check and this call nothing else runs, so no ring
  // is missed.
  Task<void> wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns at the next ring, or when `limit` has passed.
Task<void> ring_or_time(Bell& bell, Clock& clock, Duration limit);

}  // namespace auditferry
