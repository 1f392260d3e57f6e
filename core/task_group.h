#pragma once

#include <list>
#include <memory>
#include <string>

#include "core/task.h"

namespace auditferry {

// The only place where coroutines are started. Every task that was spawned has ended when join()
// returns, and a group must be joined before it is destroyed. Loop thread only.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task`. Being cancelled ends it quietly; any other exception that leaves it is a broken
  // invariant and ends the process with the task's name.
  void spawn(std::string name, Task<void> task);
  // Asks every task to end at its next co_await. Tasks spawned later are not affected.
  void cancel();
  // Waits until no task is left. Cancelling the waiter does not cancel the tasks.
  Task<void> join();
  bool empty() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Runs `task`, giving it at most until `deadline` finishes first; returns true if the task ended.
// The loser is cancelled and awaited. What either of them throws leaves it, a cancellation from outside too.
Task<bool> first_to_end(Task<void> task, Task<void> deadline);

// Runs both at the same time and returns when both have ended. What either throws leaves it then.
Task<void> both(Task<void> one, Task<void> other);

// Runs `body`, and ends only when no task of `group` is left: however `body` ends, also by a cancellation
// from outside, the tasks are then cancelled and awaited. What `body` throws leaves it after that.
Task<void> with_tasks(TaskGroup& group, Task<void> body);

}  // namespace auditferry
