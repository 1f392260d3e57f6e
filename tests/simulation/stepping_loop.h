#pragma once
// The loop of the simulation: one thread, virtual time, one handler at a time, so that the process can die
// between any two of them.

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>

#include "core/blocking_executor.h"
#include "core/random.h"
#include "tests/support/test_loop.h"

namespace auditferry::simulation {

class SteppingLoop {
 public:
  SteppingLoop() : clock_(context_.get_executor()) {}

  Executor executor() { return context_.get_executor(); }
  FakeClock& clock() { return clock_; }

  // Lets time pass until `until` (FakeClock::slept) or until `dead` says so, which is asked after each handler.
  // True: it did.
  bool run(Duration until, const std::function<bool()>& dead);
  // Runs the task to its end. False: it needs more than `limit` of virtual time, or waits for nothing.
  bool finish(Task<void> task, Duration limit);

 private:
  boost::asio::io_context context_;
  FakeClock clock_;
};

// Does blocking jobs in their order, each a random moment of virtual time after it was posted: what else
// happens meanwhile differs from seed to seed.
class SlowExecutor final : public BlockingExecutor {
 public:
  // `slowest` is read at each job; the longest moment.
  SlowExecutor(SteppingLoop& loop, Random& random, const Duration& slowest) : loop_(loop), random_(random), slowest_(slowest) {}
  void post(std::function<void()> job) override;

 private:
  void begin();
  Task<void> work();
  SteppingLoop& loop_;
  Random& random_;
  const Duration& slowest_;
  std::deque<std::function<void()>> jobs_;
  bool working_ = false;
};

}  // namespace auditferry::simulation
