#pragma once
// Putting a deadline on a task that gives a value.

#include <optional>
#include <utility>

#include "core/clock.h"
#include "core/task_group.h"

namespace auditferry {
namespace detail {

template <class T>
Task<void> store_outcome(Task<T> task, std::optional<T>& outcome) {
  outcome.emplace(co_await std::move(task));
}

}  // namespace detail

// The task's value, or nothing when `limit` passed first; then the task has been cancelled and has ended.
template <class T>
Task<std::optional<T>> within(Clock& clock, Duration limit, Task<T> task) {
  std::optional<T> outcome;
  Task<void> stored = detail::store_outcome(std::move(task), outcome);
  Task<void> deadline = clock.sleep(limit);
  co_await first_to_end(std::move(stored), std::move(deadline));
  co_return outcome;
}

}  // namespace auditferry
