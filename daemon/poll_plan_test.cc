#include "daemon/poll_plan.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime planned_at = from_micros(1'763'890'000'000'000);

// A stream that has been shown from its start until a minute ago.
struct Scene {
  StreamSettings settings;
  CatchUp catch_up = CatchUp::live_first;
  WallTime start = planned_at - hours(24 * 30);
  WallTime edge = planned_at;
  Duration slice = hours(24);
  bool poll_due = true;
  std::vector<CoverageInterval> coverage = {{{start, planned_at - minutes(1)}, "poll", planned_at}};
  PollerNotes notes;

  Scene() {
    settings.reread.clear();
    notes.overlap_at = planned_at - minutes(1);
  }
  std::optional<PlannedWalk> plan() const { return plan_walk({settings, catch_up, start, edge, slice, poll_due, coverage, notes}); }
};

TEST(PollPlan, APollBeginsALittleBeforeWhatHasBeenShown) {
  Scene scene;
  const std::optional<PlannedWalk> plan = scene.plan();
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->how, "poll");
  EXPECT_EQ(plan->window.from, planned_at - minutes(1) - seconds(5));
  EXPECT_EQ(plan->window.to, planned_at);
  EXPECT_FALSE(plan->whole_overlap);
}

TEST(PollPlan, TheWholeOverlapIsDueAfterHalfOfIt) {
  Scene scene;
  scene.notes.overlap_at = planned_at - minutes(5);
  EXPECT_EQ(scene.plan()->window.from, planned_at - minutes(10));
  EXPECT_TRUE(scene.plan()->whole_overlap);
  scene.notes.overlap_at = planned_at + hours(1);  // noted while the clock was ahead
  EXPECT_TRUE(scene.plan()->whole_overlap);
}

// A record that came late just before a stop is not missed because of it.
TEST(PollPlan, AfterAStopTheOverlapBeforeItIsWalkedToo) {
  Scene scene;
  const WallTime stopped = planned_at - hours(3);
  scene.coverage = {{{scene.start, stopped}, "poll", stopped}};
  scene.notes.overlap_at = stopped - minutes(2);
  EXPECT_EQ(scene.plan()->window, (TimeRange{stopped - minutes(7), planned_at}));
  EXPECT_TRUE(scene.plan()->whole_overlap);
  // After a long one history begins there, once: what it has walked itself needs no second look.
  const WallTime long_ago = planned_at - hours(72);
  scene.coverage = {{{scene.start, long_ago}, "poll", long_ago}};
  scene.notes.overlap_at = long_ago;
  EXPECT_EQ(scene.plan()->window, (TimeRange{planned_at - minutes(10), planned_at}));
  scene.poll_due = false;
  EXPECT_EQ(scene.plan()->window, (TimeRange{long_ago - minutes(10), long_ago + hours(24)}));
  scene.coverage.push_back({{long_ago, long_ago + hours(24)}, "history", planned_at});
  EXPECT_EQ(scene.plan()->window, (TimeRange{long_ago + hours(24), long_ago + hours(48)}));
}

TEST(PollPlan, NothingIsDueBetweenPolls) {
  Scene scene;
  scene.poll_due = false;
  EXPECT_FALSE(scene.plan());
}

TEST(PollPlan, LiveFirstPollsBeforeHistoryAndOldestFirstAfterIt) {
  Scene scene;
  scene.coverage = {{{scene.start, planned_at - hours(48)}, "poll", planned_at}};
  EXPECT_EQ(scene.plan()->how, "poll");
  EXPECT_EQ(scene.plan()->window.from, planned_at - minutes(10));
  scene.poll_due = false;
  EXPECT_EQ(scene.plan()->how, "history");
  EXPECT_EQ(scene.plan()->window, (TimeRange{planned_at - hours(48) - minutes(10), planned_at - hours(24)}));
  scene.poll_due = true;
  scene.catch_up = CatchUp::oldest_first;
  EXPECT_EQ(scene.plan()->how, "history");
}

// Our clock was two hours ahead and has been put right.
TEST(PollPlan, AClockThatIsPutBackPlansNoWindowThatEndsBeforeItBegins) {
  Scene scene;
  scene.coverage = {{{scene.start, planned_at + hours(2)}, "poll", planned_at}};
  for (const Duration ahead : {Duration(seconds(1)), Duration(seconds(4)), Duration(seconds(5)), Duration(minutes(30)), Duration(hours(2))}) {
    scene.edge = planned_at + hours(2) - ahead;
    const std::optional<PlannedWalk> plan = scene.plan();
    ASSERT_TRUE(plan);
    EXPECT_LT(plan->window.from, plan->window.to) << ahead.count();
    EXPECT_EQ(plan->window.to, scene.edge);
  }
  // What has come since the clock was put back is asked for, though that time counts as shown.
  EXPECT_EQ(scene.plan()->window.from, planned_at - minutes(10));
  scene.edge = scene.start - hours(1);
  EXPECT_FALSE(scene.plan());
}

// With what a request asks wider no window is longer than the profile allows.
TEST(PollPlan, NoWindowIsLongerThanMaxWindow) {
  Scene scene;
  scene.settings.profile.max_window = hours(6);
  const Duration limit = hours(6) - seconds(4);
  EXPECT_EQ(longest_window(scene.settings.profile), limit);
  scene.slice = hours(24 * 8);  // it has grown
  scene.settings.slice = hours(24 * 30);
  scene.settings.overlap = hours(12);
  scene.notes.overlap_at.reset();
  for (const Duration shown : {Duration(minutes(1)), Duration(hours(5)), Duration(hours(6)), Duration(hours(48))}) {
    for (const bool due : {true, false}) {
      scene.poll_due = due;
      scene.coverage = {{{scene.start, planned_at - shown}, "poll", planned_at}};
      const std::optional<PlannedWalk> plan = scene.plan();
      if (!plan) continue;
      EXPECT_LE(plan->window.to - plan->window.from, limit) << plan->how << " " << shown.count();
    }
  }
  scene.coverage = {{{scene.start, planned_at}, "poll", planned_at}};
  scene.settings.reread = {hours(24 * 10)};
  scene.poll_due = false;
  const std::optional<PlannedWalk> reread = scene.plan();
  ASSERT_TRUE(reread);
  EXPECT_EQ(reread->how, "reread");
  EXPECT_LE(reread->window.to - reread->window.from, limit);
}

TEST(PollPlan, ARereadWaitsForItsDelayAndForItsTimeToBeShown) {
  Scene scene;
  scene.poll_due = false;
  scene.settings.reread = {hours(1)};
  scene.notes.reread[hours(1)] = planned_at - hours(1) - minutes(6);
  const std::optional<PlannedWalk> plan = scene.plan();
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->how, "reread");
  EXPECT_EQ(plan->window, (TimeRange{planned_at - hours(1) - minutes(6), planned_at - hours(1)}));
  scene.notes.reread[hours(1)] = planned_at - hours(1) - minutes(4);
  EXPECT_FALSE(scene.plan());
  scene.notes.reread[hours(1)] = planned_at - hours(1) - minutes(6);
  scene.coverage = {{{scene.start, planned_at - hours(2)}, "poll", planned_at}, {{planned_at - hours(1) - minutes(3), planned_at}, "poll", planned_at}};
  EXPECT_EQ(scene.plan()->how, "history");
}

TEST(PollPlan, WithoutTakesTimeOutOfCoverage) {
  const std::vector<CoverageInterval> coverage = {{{planned_at, planned_at + hours(10)}, "poll", planned_at}, {{planned_at + hours(20), planned_at + hours(30)}, "history", planned_at}};
  const std::vector<CoverageInterval> left =
      without(coverage, {{planned_at - hours(1), planned_at + hours(1)}, {planned_at + hours(2), planned_at + hours(3)}, {planned_at + hours(9), planned_at + hours(25)}});
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0].range, (TimeRange{planned_at + hours(1), planned_at + hours(2)}));
  EXPECT_EQ(left[1].range, (TimeRange{planned_at + hours(3), planned_at + hours(9)}));
  EXPECT_EQ(left[2].range, (TimeRange{planned_at + hours(25), planned_at + hours(30)}));
  EXPECT_EQ(left[2].how, "history");
  EXPECT_TRUE(without(coverage, {{planned_at, planned_at + hours(30)}}).empty());
  EXPECT_EQ(without(coverage, {}).size(), 2u);
}

}  // namespace
}  // namespace auditferry
