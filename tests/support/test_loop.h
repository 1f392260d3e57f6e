#pragma once
// One deterministic loop with virtual time: everything that a test starts runs here, in one thread, and
// hours of waiting pass in microseconds.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "core/blocking_executor.h"
#include "core/clock.h"
#include "core/task.h"

namespace auditferry {

// Time moves only when the loop has nothing else to do.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Executor executor);
  ~FakeClock() override;

  WallTime now() override { return start_ + wall_offset_ + elapsed_; }
  SteadyTime steady_now() override { return SteadyTime(elapsed_); }
  Task<void> sleep(Duration duration) override;

  // Lets the wall clock jump; steady time is not touched.
  void jump_wall(Duration by) { wall_offset_ += by; }
  // Virtual time that has passed.
  Duration slept() const { return elapsed_; }
  // Moves to the next sleeper's time if that is not after `limit`, and wakes it. False: nothing to wake.
  bool advance_to_next(Duration limit);
  void advance_to(Duration elapsed) { if (elapsed > elapsed_) elapsed_ = elapsed; }

 private:
  struct Sleeper;
  Executor executor_;
  WallTime start_;
  Duration wall_offset_{};
  Duration elapsed_{};
  std::uint64_t next_order_ = 0;
  std::vector<std::shared_ptr<Sleeper>> sleepers_;
};

// Runs blocking jobs on the loop itself, one after the other.
class LoopExecutor final : public BlockingExecutor {
 public:
  explicit LoopExecutor(Executor executor) : executor_(std::move(executor)) {}
  void post(std::function<void()> job) override;

 private:
  Executor executor_;
};

class TestLoop {
 public:
  TestLoop();
  ~TestLoop();

  Executor executor();
  FakeClock& clock() { return clock_; }
  BlockingExecutor& blocking() { return blocking_; }

  // Runs until the task has ended, letting time pass. Throws what the task threw; fails the test by
  // throwing std::runtime_error when nothing is left that could wake it, or after `limit` of virtual time.
  void run(Task<void> task, Duration limit = std::chrono::hours(24 * 400));
  // Lets at most `duration` of virtual time pass.
  void run_until_idle(Duration duration);

 private:
  void drain();
  boost::asio::io_context context_;
  FakeClock clock_;
  LoopExecutor blocking_;
};

}  // namespace auditferry
