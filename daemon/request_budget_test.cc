#include "daemon/request_budget.h"

#include <gtest/gtest.h>

#include "core/task_group.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Task<void> ask_often(RequestBudget& budget, int times, double cost, std::vector<SteadyTime>& asked, Clock& clock) {
  for (int i = 0; i < times; ++i) {
    co_await budget.acquire(cost);
    asked.push_back(clock.steady_now());
  }
}

TEST(RequestBudget, KeepsToItsRateAfterABurst) {
  TestLoop loop;
  RequestBudget budget(loop.clock(), 60);
  std::vector<SteadyTime> asked;
  loop.run(ask_often(budget, 130, 1, asked, loop.clock()));
  // A burst of ten, then one a second.
  EXPECT_GE(loop.clock().slept(), Duration(seconds(119)));
  EXPECT_LE(loop.clock().slept(), Duration(seconds(122)));
}

TEST(RequestBudget, HistoryAtDoubleCostGetsHalf) {
  TestLoop loop;
  RequestBudget budget(loop.clock(), 60);
  std::vector<SteadyTime> asked;
  loop.run(ask_often(budget, 65, 2, asked, loop.clock()));
  EXPECT_GE(loop.clock().slept(), Duration(seconds(119)));
}

TEST(RequestBudget, NobodyAsksDuringAPenaltyAndAShorterOneDoesNotEndIt) {
  TestLoop loop;
  RequestBudget budget(loop.clock(), 6000);
  std::vector<SteadyTime> asked;
  budget.penalize(minutes(10));
  budget.penalize(seconds(1));
  TaskGroup group(loop.executor());
  for (int i = 0; i < 5; ++i) group.spawn("asker", ask_often(budget, 3, 1, asked, loop.clock()));
  loop.run(group.join());
  ASSERT_EQ(asked.size(), 15u);
  for (const SteadyTime time : asked) EXPECT_GE(time.time_since_epoch(), Duration(minutes(10)));
  EXPECT_GE(budget.throttled(), Duration(minutes(10)));
}

TEST(RequestBudget, SpreadsWhatTheServerHasLeftOverTheTimeUntilItsReset) {
  TestLoop loop;
  RequestBudget budget(loop.clock(), 6000);
  budget.note_remaining(4, seconds(100));
  std::vector<SteadyTime> asked;
  loop.run(ask_often(budget, 5, 1, asked, loop.clock()));
  EXPECT_GE(loop.clock().slept(), Duration(seconds(80)));
}

TEST(RequestBudget, ASlowBudgetStillGivesWayInTheEnd) {
  TestLoop loop;
  RequestBudget budget(loop.clock(), 1);
  std::vector<SteadyTime> asked;
  loop.run(ask_often(budget, 3, 2, asked, loop.clock()));
  EXPECT_EQ(asked.size(), 3u);
}

}  // namespace
}  // namespace auditferry
