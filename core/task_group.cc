#include "core/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
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

bool is_cancellation(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const boost::system::system_error& error) {
    return error.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

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

TaskGroup::~TaskGroup() {
  AUDITFERRY_CHECK(state_->signals.empty());
}

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
  // On the loop a cancellation reaches its task at once; from outside it would be queued, perhaps behind
  // the end of the task that it refers to.
  boost::asio::dispatch(state_->executor, [state = state_] {
    // A task may end, and erase its signal, while it is being cancelled.
    for (auto signal = state->signals.begin(); signal != state->signals.end();) {
      auto current = signal++;
      current->emit(boost::asio::cancellation_type::terminal);
    }
  });
}

Task<void> TaskGroup::join() {
  while (!state_->signals.empty()) {
    boost::system::error_code ignored;
    co_await state_->changed.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
}

bool TaskGroup::empty() const {
  return state_->signals.empty();
}

Task<bool> first_to_end(Task<void> task, Task<void> deadline) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  auto task_run = boost::asio::co_spawn(executor, std::move(task), boost::asio::deferred);
  auto deadline_run = boost::asio::co_spawn(executor, std::move(deadline), boost::asio::deferred);
  auto both = boost::asio::experimental::make_parallel_group(std::move(task_run), std::move(deadline_run));
  // Asio's own operator|| would wrap the cancellation of both into another exception, and would wait for
  // the deadline when the task fails.
  const auto [order, task_failure, deadline_failure] =
      co_await both.async_wait(boost::asio::experimental::wait_for_one(), boost::asio::use_awaitable);
  if (!task_failure) co_return true;
  if (order[0] == 0 || !is_cancellation(task_failure)) std::rethrow_exception(task_failure);
  if (deadline_failure) std::rethrow_exception(deadline_failure);
  co_return false;
}

Task<void> both(Task<void> one, Task<void> other) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  auto one_run = boost::asio::co_spawn(executor, std::move(one), boost::asio::deferred);
  auto other_run = boost::asio::co_spawn(executor, std::move(other), boost::asio::deferred);
  auto group = boost::asio::experimental::make_parallel_group(std::move(one_run), std::move(other_run));
  const auto [order, one_failure, other_failure] =
      co_await group.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
  if (one_failure) std::rethrow_exception(one_failure);
  if (other_failure) std::rethrow_exception(other_failure);
}

Task<void> with_tasks(TaskGroup& group, Task<void> body) {
  std::exception_ptr failure;
  try {
    co_await std::move(body);
  } catch (...) {
    failure = std::current_exception();
  }
  // A cancelled coroutine would be thrown out of its next co_await; this one has to wait for its tasks.
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  group.cancel();
  co_await group.join();
  co_await boost::asio::this_coro::throw_if_cancelled(true);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace auditferry
