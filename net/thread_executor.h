#pragma once

#include <memory>

#include "core/blocking_executor.h"

namespace auditferry {

// Threads that run jobs in the order in which they were posted (with one thread: one after the other).
// The destructor runs what is still waiting and joins the threads, so jobs must be bounded: name look-ups
// are not, and have threads of their own (net/resolver.h). A job that throws ends the process.
class ThreadExecutor final : public BlockingExecutor {
 public:
  explicit ThreadExecutor(unsigned threads = 1);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(std::function<void()> job) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
