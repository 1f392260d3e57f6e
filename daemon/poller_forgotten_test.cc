// What the portal forgets before it was asked for is a gap; what it never had is none.

#include <gtest/gtest.h>

#include <utility>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration day = hours(24);

// These tests last for days.
struct Unhurried : PollerFixture {
  template <class... Arguments>
  explicit Unhurried(Arguments&&... arguments) : PollerFixture(std::forward<Arguments>(arguments)...) {
    stream_.poll_every = minutes(5);
  }
};

class Forgotten : public testing::Test {
 protected:
  // Everything that the portal ever showed and the journal does not hold lies inside a gap.
  static void expect_nothing_lost_in_silence(PollerFixture& fixture, WallTime since = WallTime()) {
    const JournalSnapshot snapshot = fixture.snapshot();
    const std::set<std::string> got = fixture.ids();
    const WallTime start = *fixture.collection(snapshot).start;
    std::size_t missing = 0;
    // What came last may not have been polled yet.
    const WallTime polled = fixture.loop_.clock().now() - minutes(10);
    for (const RecordInfo& record : fixture.portal_.all_records("audit")) {
      if (record.created < std::max(start, since) || record.created > polled || got.count(record.id) > 0) continue;
      ++missing;
      const bool told = std::any_of(snapshot.gaps.begin(), snapshot.gaps.end(),
                                    [&record](const GapRow& gap) { return gap.range && gap.range->contains(record.created); });
      if (!told) ADD_FAILURE() << "lost in silence: " << record.id;
    }
    missing_ = missing;
  }
  static std::size_t missing_;
};
std::size_t Forgotten::missing_ = 0;

PortalOptions remembering(Duration retention, double rate = 0.01, Duration history = hours(24)) {
  PortalOptions options = audit_only(rate, history);
  options.streams[SandboxLog::audit].retention = retention;
  return options;
}

Faults always_failing() {
  RandomFault always;
  always.rate = 1;
  always.fault = status_fault(503);
  Faults faults;
  faults.random.push_back(always);
  return faults;
}

void stand_still(PollerFixture& fixture, Duration duration) {
  fixture.stop();
  fixture.loop_.run_until_idle(duration);
  fixture.open();
}

// History is slow: the second stop comes before the first one's hole is closed.
TEST_F(Forgotten, ASecondStandstillBeforeHistoryIsCompleteIsToldToo) {
  for (const Duration between : {Duration(minutes(4)), Duration(minutes(30))}) {
    Unhurried fixture(remembering(hours(72)));
    fixture.run_for(hours(2));
    fixture.source_.requests_per_minute = 4;
    stand_still(fixture, 5 * day);
    fixture.run_for(between);
    stand_still(fixture, 5 * day);
    fixture.source_.requests_per_minute = 6000;
    fixture.restart();
    fixture.run_for(hours(3));
    expect_nothing_lost_in_silence(fixture);
    EXPECT_GT(missing_, 1000u);
    for (const GapRow& gap : fixture.snapshot().gaps) EXPECT_EQ(gap.type, "forgotten");
  }
}

// Live polls come before history, and show what stands behind what was forgotten; wherever a crash comes, the gap ends
// before it.
TEST_F(Forgotten, TheGapEndsBeforeWhatPollsHadShownWhereverACrashComes) {
  std::size_t gaps = 0;
  for (std::uint64_t crash = 1; crash <= 12; ++crash) {
    PollerFixture fixture(remembering(hours(72), 0));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.stream_.slice = hours(24);
    fixture.restart();
    fixture.portal_.add("audit", fixture.loop_.clock().now() - minutes(30));
    fixture.run_for(hours(1));
    fixture.stop();
    fixture.loop_.run_until_idle(5 * day);
    const WallTime shown = fixture.loop_.clock().now() - minutes(4);
    fixture.portal_.add("audit", shown);
    fixture.http_.set_latency(seconds(1));
    fixture.open();
    const std::uint64_t before = fixture.requests();
    for (int i = 0; i < 1000 && fixture.requests() < before + crash; ++i) fixture.run_for(std::chrono::milliseconds(100));
    fixture.portal_.add("audit", fixture.loop_.clock().now());
    fixture.restart();
    fixture.run_for(hours(1));
    for (const GapRow& gap : fixture.snapshot().gaps) {
      ++gaps;
      EXPECT_LE(gap.range->to, shown) << "after " << crash << " requests: " << gap.why;
    }
    expect_nothing_lost_in_silence(fixture);
  }
  EXPECT_EQ(gaps, 12u);
}

TEST_F(Forgotten, AStandstillIsNoticedWithOldestFirst) {
  Unhurried fixture(remembering(hours(48)));
  fixture.source_.catch_up = CatchUp::oldest_first;
  fixture.run_for(hours(2));
  stand_still(fixture, 5 * day);
  fixture.run_for(hours(3));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GT(missing_, 1000u);
  ASSERT_EQ(fixture.gaps().size(), 1u);
}

// One poll takes in all of the hole, because slices are long.
TEST_F(Forgotten, AStandstillIsNoticedWhereOnePollTakesItIn) {
  Unhurried fixture(remembering(hours(48)));
  fixture.stream_.slice = 30 * day;
  fixture.restart();
  fixture.run_for(hours(2));
  stand_still(fixture, 5 * day);
  fixture.run_for(hours(3));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GT(missing_, 1000u);
  ASSERT_EQ(fixture.gaps().size(), 1u);
}

// The log reaches as far back as the portal remembers, and reading it takes days: meanwhile it forgets.
TEST_F(Forgotten, WhatGoesWhileTheFirstHistoryIsReadIsAGap) {
  Unhurried fixture(remembering(10 * day, 0.03, 12 * day));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, 10 * day - minutes(1)};
  fixture.source_.requests_per_minute = 60;
  fixture.restart();
  fixture.run_for(seconds(20));
  fixture.source_.requests_per_minute = 6000;
  stand_still(fixture, hours(20));
  fixture.run_for(hours(3));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GT(missing_, 500u);
  ASSERT_EQ(fixture.gaps().size(), 1u);
  EXPECT_LT(fixture.snapshot().gaps[0].range->to - fixture.snapshot().gaps[0].range->from, hours(24));
}

// Begins where nothing is shown any more: what is forgotten from then on is told, what was before is not known.
TEST_F(Forgotten, AStartBeforeTheLogIsNoGapButWhatGoesAfterItIs) {
  for (const StartSetting::Kind kind : {StartSetting::Kind::ago, StartSetting::Kind::oldest}) {
    PollerFixture fixture(remembering(10 * day, 0.01, 20 * day));
    fixture.stream_.start = {kind, {}, 40 * day};
    fixture.source_.requests_per_minute = 30;
    fixture.restart();
    // What the portal shows of it at first; an hour for the walks.
    const WallTime remembered = fixture.loop_.clock().now() - 10 * day + hours(1);
    fixture.run_for(minutes(3));
    stand_still(fixture, 3 * day);
    fixture.source_.requests_per_minute = 6000;
    fixture.restart();
    fixture.run_for(hours(3));
    const JournalSnapshot snapshot = fixture.snapshot();
    expect_nothing_lost_in_silence(fixture, remembered);
    EXPECT_GT(missing_, 0u);
    for (const GapRow& gap : snapshot.gaps) EXPECT_EQ(gap.type, "forgotten");
  }
}

// A query that is changed begins coverage anew, and nothing of it is known yet.
TEST_F(Forgotten, WhatGoesWhileAChangedQueryReadsItsHistoryIsAGap) {
  Unhurried fixture(remembering(10 * day, 0.03, 12 * day));
  fixture.run_for(hours(1));
  fixture.stop();
  fixture.stream_.query = "api_call LIKE '%'";
  fixture.stream_.start = {StartSetting::Kind::ago, {}, 10 * day - minutes(1)};
  fixture.source_.requests_per_minute = 60;
  fixture.open();
  fixture.run_for(seconds(20));
  fixture.source_.requests_per_minute = 6000;
  stand_still(fixture, hours(20));
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u) << fixture.poller_->status().problem;
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten");
}

// An answer that is empty because of a narrower query is not one that has been forgotten.
TEST_F(Forgotten, ANarrowerQueryThatMatchesLittleIsNoGap) {
  Unhurried fixture(audit_only(0.01, 20 * day));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, 10 * day};
  fixture.run_for(hours(2));
  fixture.stop();
  fixture.stream_.query = "user_id = 'seldom@example.com'";
  const auto come = [&fixture](Duration ago) {
    fixture.portal_.add("audit", fixture.loop_.clock().now() - ago, {{"user_id", "\"seldom@example.com\""}});
  };
  come(minutes(1));
  fixture.open();
  fixture.run_for(hours(2));
  stand_still(fixture, 3 * day);
  come(hours(30));
  fixture.run_for(hours(3));
  EXPECT_EQ(fixture.gaps(), std::vector<std::string>());
}

TEST_F(Forgotten, AYoungLogIsNoGap) {
  for (const Duration age : {Duration(hours(1)), Duration(hours(30)), Duration(4 * day)}) {
    Unhurried fixture(audit_only(0.01, age));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, 30 * day};
    fixture.run_for(minutes(20));
    stand_still(fixture, 2 * day);
    fixture.run_for(hours(3));
    fixture.expect_everything();
  }
}

// A log of which little comes: nothing for months is no reason to tell of a gap.
TEST_F(Forgotten, AQuietLogIsNoGap) {
  Unhurried fixture;
  fixture.stream_.profile.max_window = 5 * day;
  const WallTime then = fixture.loop_.clock().now();
  fixture.portal_.make("audit", 5, then - minutes(5), then - minutes(1));
  fixture.run_for(hours(2));
  stand_still(fixture, 30 * day);
  fixture.portal_.make("audit", 5, then + 28 * day, then + 29 * day);
  fixture.run_for(hours(3));
  fixture.expect_everything();
}

// While the portal does not answer the question, the verdict waits; a restart does not forget it.
TEST_F(Forgotten, TheVerdictWaitsForAnAnswer) {
  Unhurried fixture(remembering(hours(48)));
  fixture.run_for(hours(2));
  stand_still(fixture, 5 * day);
  fixture.http_.set_latency(std::chrono::milliseconds(300));
  for (int round = 0; round < 40; ++round) {
    fixture.run_for(std::chrono::milliseconds(700));
    fixture.restart();
  }
  fixture.run_for(hours(3));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GE(fixture.gaps().size(), 1u);
}

TEST_F(Forgotten, ASecondStandstillOfAFollowedLogIsToldToo) {
  PortalOptions options = steady(0.01, hours(24));
  for (const SandboxLog log : {SandboxLog::okta, SandboxLog::github}) options.streams[log].retention = hours(72);
  Unhurried fixture(options, "okta", "audit");
  fixture.run_for(hours(2));
  const WallTime first = fixture.loop_.clock().now();
  stand_still(fixture, 5 * day);
  // Long enough for a page, too short for the question about the first standstill.
  fixture.http_.set_latency(std::chrono::milliseconds(500));
  fixture.run_for(std::chrono::milliseconds(700));
  fixture.http_.set_latency({});
  const WallTime second = fixture.loop_.clock().now();
  stand_still(fixture, 5 * day);
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  for (const WallTime inside : {first + day, second + day}) {
    EXPECT_TRUE(std::any_of(snapshot.gaps.begin(), snapshot.gaps.end(), [inside](const GapRow& gap) { return gap.range->contains(inside); }));
  }
}

// The first look comes days after the stream began: what was there in between is not known, and the portal no longer tells.
TEST_F(Forgotten, WhatGoesBeforeTheFirstLookIsAGap) {
  Unhurried fixture(remembering(hours(48)));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.portal_.set_faults(always_failing());
  fixture.restart();
  fixture.run_for(minutes(2));
  EXPECT_TRUE(fixture.ids().empty());
  stand_still(fixture, 5 * day);
  fixture.portal_.set_faults({});
  fixture.run_for(hours(3));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GT(missing_, 1000u);
  EXPECT_EQ(fixture.gaps().size(), 1u);
}

TEST_F(Forgotten, WhatGoesBeforeTheFirstLookAtAFollowedLogIsAGap) {
  PortalOptions options = steady(0.01, hours(24));
  options.streams[SandboxLog::okta].retention = hours(48);
  Unhurried fixture(options, "okta", "audit");
  const WallTime begun = fixture.loop_.clock().now();
  fixture.portal_.set_faults(always_failing());
  fixture.run_for(minutes(2));
  stand_still(fixture, 5 * day);
  fixture.portal_.set_faults({});
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_TRUE(snapshot.gaps[0].range->contains(begun + day));
  EXPECT_FALSE(snapshot.gaps[0].range->contains(begun + 4 * day));
}

// A log of which nothing was shown before: without `retention` an empty past says nothing, with it all that is older may
// have been there.
TEST_F(Forgotten, WhereRetentionIsKnownAQuietPastIsNoProof) {
  for (const bool known : {false, true}) {
    Unhurried fixture;
    fixture.stream_.profile.max_window = 5 * day;
    if (known) fixture.stream_.retention = hours(48);
    fixture.restart();
    fixture.run_for(hours(2));
    const WallTime then = fixture.loop_.clock().now();
    stand_still(fixture, 5 * day);
    fixture.portal_.make("audit", 5, then + 4 * day, then + 5 * day - minutes(5));
    fixture.run_for(hours(3));
    EXPECT_EQ(fixture.gaps().size(), known ? 1u : 0u);
    EXPECT_EQ(fixture.ids().size(), 5u);
  }
}

// What could not be read before the standstill is not shown by the empty answer that a reread gets after it.
TEST_F(Forgotten, AGapThatTheStandstillFollowsIsNotHealedByNothing) {
  Unhurried fixture(remembering(hours(48), 0.05));
  fixture.stream_.reread = {hours(1)};
  fixture.restart();
  fixture.run_for(hours(2));
  fixture.record_unread_gap({fixture.shown_to(), fixture.shown_to() + minutes(4)});
  stand_still(fixture, 5 * day);
  fixture.run_for(hours(8));
  expect_nothing_lost_in_silence(fixture);
  EXPECT_GT(missing_, 1000u);
}

// The same gap, and the portal still shows what was before it: the reread has shown the gap's time after all.
TEST_F(Forgotten, AnOldGapIsHealedWhereThePortalStillShowsWhatWasBeforeIt) {
  Unhurried fixture(remembering(30 * day, 0.05));
  fixture.stream_.reread = {hours(1)};
  fixture.restart();
  fixture.run_for(hours(2));
  fixture.record_unread_gap({fixture.shown_to(), fixture.shown_to() + minutes(4)});
  stand_still(fixture, hours(40));
  fixture.run_for(hours(8));
  EXPECT_EQ(fixture.snapshot().gaps.size(), 0u);
  expect_nothing_lost_in_silence(fixture);
  EXPECT_EQ(missing_, 0u);
}

// Nor does a backfill that finds nothing heal what the portal has forgotten; one that finds a part of it heals none of it.
TEST_F(Forgotten, ABackfillHealsNoGapWhoseTimeThePortalHasForgotten) {
  Unhurried fixture(remembering(hours(48), 0.05, hours(28)));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {};
  fixture.restart();
  fixture.run_for(minutes(5));
  const WallTime start = *fixture.collection(fixture.snapshot()).start;
  const TimeRange unread{start - hours(2), start - hours(1)};
  fixture.record_unread_gap(unread);
  fixture.run_for(hours(22) + minutes(30));
  ASSERT_TRUE(fixture.poller_->begin_backfill(unread).ok());
  fixture.run_for(minutes(10));
  ASSERT_TRUE(fixture.poller_->backfill()->ended);
  EXPECT_GT(fixture.poller_->backfill()->fetched, 0u) << "half of the gap was still there";
  EXPECT_EQ(fixture.poller_->backfill()->open_gaps, 1u);
  fixture.run_for(hours(2));
  ASSERT_TRUE(fixture.poller_->begin_backfill(unread).ok());
  fixture.run_for(hours(1));
  EXPECT_EQ(fixture.poller_->backfill()->fetched, 0u);
  EXPECT_EQ(fixture.poller_->backfill()->open_gaps, 1u);
}

// A dozen gaps, an hour from each other, and one backfill over all of them.
class ManyOldGaps : public Forgotten {
 protected:
  explicit ManyOldGaps(Duration retention = 30 * day) : fixture_(remembering(retention, 0.05, 3 * day)) {
    fixture_.stream_.start = {StartSetting::Kind::ago, {}, minutes(5)};
    fixture_.stream_.reread = {};
    fixture_.restart();
    fixture_.run_for(minutes(5));
    // Before the stream begins, so that nothing has shown that time.
    const WallTime first = *fixture_.collection(fixture_.snapshot()).start - hours(40);
    for (int i = 0; i < 12; ++i) gaps_.push_back({first + hours(i), first + hours(i) + minutes(4)});
    for (const TimeRange& gap : gaps_) fixture_.record_unread_gap(gap);
    fixture_.restart();
  }
  // How often it was asked whether anything is from before one of them.
  std::size_t questions() {
    std::size_t count = 0;
    for (const SeenRequest& request : fixture_.portal_.seen_requests()) {
      const auto asks_before = [&request](const TimeRange& gap) {
        return request.body.find("\"end_time\":" + std::to_string(to_micros(gap.from) / 1'000'000) + ",") != std::string::npos;
      };
      count += static_cast<std::size_t>(std::count_if(gaps_.begin(), gaps_.end(), asks_before));
    }
    return count;
  }
  void backfill() {
    ASSERT_TRUE(fixture_.poller_->begin_backfill({gaps_.front().from, gaps_.back().to}).ok());
    fixture_.run_for(minutes(10));
    ASSERT_TRUE(fixture_.poller_->backfill()->ended);
  }

  PollerFixture fixture_;
  std::vector<TimeRange> gaps_;
};

class ManyForgottenGaps : public ManyOldGaps {
 protected:
  ManyForgottenGaps() : ManyOldGaps(hours(34) + minutes(40)) {}
};

TEST_F(ManyOldGaps, AreProvedByWhatThePortalShowsFromBeforeTheFirst) {
  backfill();
  EXPECT_EQ(fixture_.snapshot().gaps.size(), 0u);
  EXPECT_GT(questions(), 0u);
  EXPECT_LE(questions(), 4u);
}

// The portal remembers what came after the first half of them.
TEST_F(ManyForgottenGaps, StayAsFarAsThePortalHasForgottenTheirTime) {
  backfill();
  EXPECT_EQ(fixture_.snapshot().gaps.size(), 6u);
  EXPECT_GT(questions(), 0u);
  EXPECT_LE(questions(), 4u);
}

}  // namespace
}  // namespace auditferry
