#include "core/task_group.h"

#include <gtest/gtest.h>

#include "core/run_blocking.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Task<void> sleep_and_count(Clock& clock, Duration duration, int& count) {
  co_await clock.sleep(duration);
  ++count;
}

TEST(TaskGroup, JoinWaitsForEveryTask) {
  TestLoop loop;
  TaskGroup group(loop.executor());
  int count = 0;
  group.spawn("one", sleep_and_count(loop.clock(), seconds(5), count));
  group.spawn("two", sleep_and_count(loop.clock(), hours(5), count));
  loop.run(group.join());
  EXPECT_EQ(count, 2);
  EXPECT_EQ(loop.clock().slept(), Duration(hours(5)));
}

TEST(TaskGroup, CancelEndsSleepersBeforeTheirTime) {
  TestLoop loop;
  TaskGroup group(loop.executor());
  int count = 0;
  group.spawn("one", sleep_and_count(loop.clock(), hours(1), count));
  loop.run_until_idle(Duration::zero());
  group.cancel();
  loop.run(group.join());
  EXPECT_EQ(count, 0);
  EXPECT_EQ(loop.clock().slept(), Duration::zero());
}

Task<void> add_on(BlockingExecutor& executor, int& sum) {
  sum += co_await run_blocking(executor, [] { return 40; });
  co_await run_blocking(executor, [&sum] { sum += 2; });
}

TEST(RunBlocking, GivesTheJobsResultBackOnTheLoop) {
  TestLoop loop;
  int sum = 0;
  loop.run(add_on(loop.blocking(), sum));
  EXPECT_EQ(sum, 42);
}

Task<void> long_task(Clock& clock, bool& ended) {
  co_await clock.sleep(hours(2));
  ended = true;
}

Task<void> race(Clock& clock, bool& ended, bool& first) {
  first = co_await first_to_end(long_task(clock, ended), clock.sleep(seconds(1)));
}

TEST(FirstToEnd, CancelsTheSlowerTask) {
  TestLoop loop;
  bool ended = false;
  bool first = true;
  loop.run(race(loop.clock(), ended, first));
  EXPECT_FALSE(ended);
  EXPECT_FALSE(first);
  EXPECT_EQ(loop.clock().slept(), Duration(seconds(1)));
}

Task<void> endless_race(Clock& clock, bool& ended) {
  auto task = long_task(clock, ended);
  auto deadline = clock.sleep(hours(1));
  co_await first_to_end(std::move(task), std::move(deadline));
}

TEST(FirstToEnd, CanBeCancelledFromOutside) {
  TestLoop loop;
  TaskGroup group(loop.executor());
  bool ended = false;
  group.spawn("race", endless_race(loop.clock(), ended));
  loop.run_until_idle(seconds(1));
  group.cancel();
  loop.run(group.join());
  EXPECT_FALSE(ended);
  EXPECT_EQ(loop.clock().slept(), Duration(seconds(1)));
}

Task<void> failing_task() {
  throw std::runtime_error("broken");
  co_return;
}

Task<void> failing_race(Clock& clock) {
  auto task = failing_task();
  auto deadline = clock.sleep(hours(1));
  co_await first_to_end(std::move(task), std::move(deadline));
}

TEST(FirstToEnd, PassesAFailureOnAtOnce) {
  TestLoop loop;
  EXPECT_THROW(loop.run(failing_race(loop.clock())), std::runtime_error);
  EXPECT_EQ(loop.clock().slept(), Duration::zero());
}

Task<void> run_both(Clock& clock, int& count) {
  Task<void> one = sleep_and_count(clock, hours(1), count);
  Task<void> other = sleep_and_count(clock, hours(2), count);
  co_await both(std::move(one), std::move(other));
}

TEST(Both, RunsAtTheSameTimeAndWaitsForTheSlower) {
  TestLoop loop;
  int count = 0;
  loop.run(run_both(loop.clock(), count));
  EXPECT_EQ(count, 2);
  EXPECT_EQ(loop.clock().slept(), Duration(hours(2)));
}

TEST(Both, IsCancelledAsAWhole) {
  TestLoop loop;
  TaskGroup group(loop.executor());
  int count = 0;
  group.spawn("both", run_both(loop.clock(), count));
  loop.run_until_idle(Duration(std::chrono::minutes(90)));
  group.cancel();
  loop.run(group.join());
  EXPECT_EQ(count, 1);
}

Task<void> body_with_a_task(TaskGroup& inner, Clock& clock, int& count) {
  inner.spawn("inner", sleep_and_count(clock, hours(1), count));
  co_await clock.sleep(hours(3));
}

TEST(WithTasks, ACancelledBodyTakesItsTasksWithIt) {
  TestLoop loop;
  TaskGroup outer(loop.executor());
  TaskGroup inner(loop.executor());
  int count = 0;
  outer.spawn("outer", with_tasks(inner, body_with_a_task(inner, loop.clock(), count)));
  loop.run_until_idle(seconds(1));
  outer.cancel();
  loop.run(outer.join());
  EXPECT_TRUE(inner.empty());
  EXPECT_EQ(count, 0);
}

TEST(WithTasks, ABodyThatEndsCancelsWhatIsLeft) {
  TestLoop loop;
  TaskGroup inner(loop.executor());
  int count = 0;
  inner.spawn("long", sleep_and_count(loop.clock(), hours(100), count));
  loop.run(with_tasks(inner, body_with_a_task(inner, loop.clock(), count)));
  EXPECT_TRUE(inner.empty());
  EXPECT_EQ(count, 1);
  EXPECT_EQ(loop.clock().slept(), Duration(hours(3)));
}

}  // namespace
}  // namespace auditferry
