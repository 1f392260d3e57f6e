#include "core/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/check.h"

namespace auditferry {

struct TaskGroup::State {
  explicit State(Executor executor_in) : executor(std::move(executor_in)), changed(executor) {
    changed.expires_at(boost::asio::steady_timer::time_point::max());
  }
  Executor executor;
  std::list<boost::asio::cancellation_signal> signals;
  // Never expires: cancelling it wakes the joiner.
  boost::asio::steady_timer changed;
};

namespace {

void report_unless_cancelled(const std::string& name, std::exception_ptr exception) {
  if (!exception) return;
  try {
    std::rethrow_exception(exception);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) return;
    std::fprintf(stderr, "task %s ended by an exception: %s\n", name.c_str(), error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "task %s ended by an exception: %s\n", name.c_str(), error.what());
  }
  std::abort();
}

}  // namespace

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() { AUDITFERRY_CHECK(state_->signals.empty()); }

void TaskGroup::spawn(std::string name, Task<void> task) {
  auto signal = state_->signals.emplace(state_->signals.end());
  auto done = [state = state_, signal, name = std::move(name)](std::exception_ptr exception) {
    report_unless_cancelled(name, exception);
    state->signals.erase(signal);
    state->changed.cancel();
  };
  boost::asio::co_spawn(state_->executor, std::move(task),
                        boost::asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void TaskGroup::cancel() {
  // A task may end, and erase its signal, while it is being cancelled.
  for (auto signal = state_->signals.begin(); signal != state_->signals.end();) {
    auto current = signal++;
    current->emit(boost::asio::cancellation_type::terminal);
  }
}

Task<void> TaskGroup::join() {
  while (!state_->signals.empty()) {
    boost::system::error_code ignored;
    co_await state_->changed.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
}

bool TaskGroup::empty() const { return state_->signals.empty(); }

Task<bool> first_to_end(Task<void> task, Task<void> deadline) {
  using namespace boost::asio::experimental::awaitable_operators;
  const auto outcome = co_await (std::move(task) || std::move(deadline));
  co_return outcome.index() == 0;
}

}  // namespace auditferry
