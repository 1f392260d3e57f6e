#pragma once
// co_await run_blocking(executor, job): runs job on the blocking executor and resumes on the loop with
// its result. A started job cannot be called back: cancelling the waiting coroutine takes effect at its
// next co_await, after the job has ended, so references that the job uses stay valid.

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/blocking_executor.h"
#include "core/task.h"

namespace auditferry {
namespace detail {

struct StartBlocking {
  template <class Handler>
  void operator()(Handler handler, BlockingExecutor* executor, std::function<void()> job) const {
    auto loop = boost::asio::get_associated_executor(handler);
    // std::function wants copies, and completion handlers can only be moved: share it.
    auto shared = std::make_shared<Handler>(std::move(handler));
    auto guard = std::make_shared<boost::asio::executor_work_guard<decltype(loop)>>(loop);
    executor->post([shared, guard, loop, job = std::move(job)]() mutable {
      job();
      job = nullptr;
      boost::asio::post(loop, [shared = std::move(shared), guard = std::move(guard)]() mutable {
        Handler moved = std::move(*shared);
        shared.reset();
        guard.reset();
        std::move(moved)();
      });
    });
  }
};

}  // namespace detail

// `job` must not throw.
template <class Job>
Task<std::invoke_result_t<Job>> run_blocking(BlockingExecutor& executor, Job job) {
  using Value = std::invoke_result_t<Job>;
  if constexpr (std::is_void_v<Value>) {
    std::function<void()> wrapped = [&job] { job(); };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        detail::StartBlocking{}, boost::asio::use_awaitable, &executor, std::move(wrapped));
  } else {
    std::optional<Value> value;
    std::function<void()> wrapped = [&job, &value] { value.emplace(job()); };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        detail::StartBlocking{}, boost::asio::use_awaitable, &executor, std::move(wrapped));
    co_return std::move(*value);
  }
}

}  // namespace auditferry
