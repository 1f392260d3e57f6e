#pragma once

#include <functional>

namespace auditferry {

// Runs jobs that block (SQLite, fsync, name look-ups) away from the loop thread. Jobs of one executor
// that has one thread run in the order in which they were posted. Jobs that were posted before
// destruction are run before the destructor returns. Thread-safe.
class BlockingExecutor {
 public:
  virtual ~BlockingExecutor() = default;
  virtual void post(std::function<void()> job) = 0;
};

}  // namespace auditferry
