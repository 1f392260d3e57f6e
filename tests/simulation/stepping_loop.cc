#include "tests/simulation/stepping_loop.h"

#include <boost/asio/co_spawn.hpp>

namespace auditferry::simulation {

bool SteppingLoop::run(Duration until, const std::function<bool()>& dead) {
  for (;;) {
    context_.restart();
    while (context_.poll_one() > 0) {
      if (dead()) return true;
    }
    if (!clock_.advance_to_next(until)) break;
  }
  clock_.advance_to(until);
  return false;
}

bool SteppingLoop::finish(Task<void> task, Duration limit) {
  bool ended = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(context_, std::move(task), [&ended, &failure](std::exception_ptr exception) {
    ended = true;
    failure = exception;
  });
  const Duration until = clock_.slept() + limit;
  while (!ended) {
    context_.restart();
    while (!ended && context_.poll_one() > 0) {
    }
    if (!ended && !clock_.advance_to_next(until)) return false;
  }
  if (failure) std::rethrow_exception(failure);
  // What the task's end has set in motion.
  context_.restart();
  while (context_.poll_one() > 0) {
  }
  return true;
}

void SlowExecutor::post(std::function<void()> job) {
  jobs_.push_back(std::move(job));
  if (!working_) begin();
}

// The only task that no group owns: it ends by itself with its last job, and whoever waits for a job waits for it.
void SlowExecutor::begin() {
  working_ = true;
  boost::asio::co_spawn(loop_.executor(), work(), [](std::exception_ptr exception) {
    if (exception) std::rethrow_exception(exception);
  });
}

Task<void> SlowExecutor::work() {
  while (!jobs_.empty()) {
    co_await loop_.clock().sleep(random_.jitter(slowest_));
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
  }
  working_ = false;
}

}  // namespace auditferry::simulation
