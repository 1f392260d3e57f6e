#include "tests/support/test_loop.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>

namespace auditferry {

struct FakeClock::Sleeper {
  Sleeper(Executor executor, Duration due_in, std::uint64_t order_in) : timer(std::move(executor)), due(due_in), order(order_in) {
    timer.expires_at(boost::asio::steady_timer::time_point::max());
  }
  boost::asio::steady_timer timer;  // never expires by itself: waking is cancelling
  Duration due;
  std::uint64_t order;
  bool woken = false;
};

FakeClock::FakeClock(Executor executor)
    : executor_(std::move(executor)), start_(std::chrono::sys_days(std::chrono::year(2025) / 11 / 23) + std::chrono::hours(10)) {}

FakeClock::~FakeClock() = default;

Task<void> FakeClock::sleep(Duration duration) {
  auto sleeper = std::make_shared<Sleeper>(executor_, elapsed_ + std::max(duration, Duration::zero()), next_order_++);
  sleepers_.push_back(sleeper);
  boost::system::error_code error;
  co_await sleeper->timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  std::erase(sleepers_, sleeper);
  if (!sleeper->woken) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

bool FakeClock::advance_to_next(Duration limit) {
  Sleeper* next = nullptr;
  for (const auto& sleeper : sleepers_) {
    if (sleeper->woken) continue;
    if (!next || sleeper->due < next->due || (sleeper->due == next->due && sleeper->order < next->order)) next = sleeper.get();
  }
  if (!next || next->due > limit) return false;
  elapsed_ = std::max(elapsed_, next->due);
  next->woken = true;
  next->timer.cancel();
  return true;
}

void LoopExecutor::post(std::function<void()> job) { boost::asio::post(executor_, std::move(job)); }

TestLoop::TestLoop() : clock_(context_.get_executor()), blocking_(context_.get_executor()) {}
TestLoop::~TestLoop() = default;

Executor TestLoop::executor() { return context_.get_executor(); }

void TestLoop::drain() {
  context_.restart();
  while (context_.poll() > 0) context_.restart();
}

void TestLoop::run(Task<void> task, Duration limit) {
  bool ended = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(context_, std::move(task), [&ended, &failure](std::exception_ptr exception) {
    ended = true;
    failure = exception;
  });
  const Duration until = clock_.slept() + limit;
  drain();
  while (!ended) {
    if (!clock_.advance_to_next(until)) throw std::runtime_error("TestLoop: the task waits for something that will not happen");
    drain();
  }
  if (failure) std::rethrow_exception(failure);
}

void TestLoop::run_until_idle(Duration duration) {
  const Duration until = clock_.slept() + duration;
  drain();
  while (clock_.advance_to_next(until)) drain();
  clock_.advance_to(until);
}

}  // namespace auditferry
