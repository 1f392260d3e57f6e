// Backfills: beside polls and alone, of logs in both orders, and what cannot be shown any more.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class BackfillWorld : public PollerFixture {
 public:
  explicit BackfillWorld(PortalOptions options = steady(0.2, hours(8)), const std::string& vendor = "apptego") : PollerFixture(std::move(options), vendor) {
    stream_.start = {StartSetting::Kind::ago, {}, minutes(10)};
  }
  TimeRange window(Duration from_ago, Duration to_ago) { return {begun_ - from_ago, begun_ - to_ago}; }
  // Until it has ended.
  const Backfill& backfill(TimeRange window, Duration limit = hours(2)) {
    const Status begun = poller_->begin_backfill(window);
    EXPECT_TRUE(begun.ok()) << begun.error().message;
    for (Duration passed{}; passed < limit && !poller_->backfill()->ended; passed += seconds(10)) loop_.run_until_idle(seconds(10));
    EXPECT_TRUE(poller_->backfill()->ended);
    return *poller_->backfill();
  }
  void run_alone() { group_->spawn("backfills", poller_->run_backfills()); }
  std::set<std::string> made_in(TimeRange window) {
    std::set<std::string> ids;
    for (const RecordInfo& record : portal_.all_records(log_name_)) {
      if (window.contains(record.created)) ids.insert(record.id);
    }
    return ids;
  }
  void expect_collected(TimeRange window) {
    const std::set<std::string> got = ids();
    const std::set<std::string> wanted = made_in(window);
    EXPECT_GT(wanted.size(), 100u);
    for (const std::string& id : wanted) EXPECT_TRUE(got.count(id)) << id;
  }
  std::vector<TimeRange> backfilled() {
    std::vector<TimeRange> ranges;
    const JournalSnapshot now = snapshot();
    for (const CoverageInterval& interval : collection(now).coverage) {
      if (interval.how == "backfill") ranges.push_back(interval.range);
    }
    return ranges;
  }
  std::vector<GapRow> gaps() { return snapshot().gaps; }

  const WallTime begun_ = loop_.clock().now();
};

class Orders : public testing::TestWithParam<const char*> {};

TEST_P(Orders, AWindowFromBeforeTheStartIsShownBesidePolls) {
  BackfillWorld world(steady(0.2, hours(8)), GetParam());
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(4), hours(3));
  const std::uint64_t before = world.snapshot().last_seq;
  const Backfill& done = world.backfill(window);
  EXPECT_FALSE(done.error) << done.error->message;
  EXPECT_EQ(done.open_gaps, 0u);
  EXPECT_EQ(done.late, 0u) << "nothing had been there before";
  world.expect_collected(window);
  EXPECT_GE(done.fresh, world.made_in(window).size());
  EXPECT_GE(world.snapshot().last_seq, before + done.fresh);
  ASSERT_EQ(world.backfilled().size(), 1u);
  EXPECT_LE(world.backfilled()[0].from, window.from);
  EXPECT_GE(world.backfilled()[0].to, window.to);
  // Polls went on meanwhile and do so now.
  world.run_for(minutes(5));
  const JournalSnapshot after = world.snapshot();
  EXPECT_GT(world.collection(after).watermark.value(), world.loop_.clock().now() - minutes(2));
  // Once more: everything is known.
  const Backfill& again = world.backfill(window);
  EXPECT_FALSE(again.error);
  EXPECT_GE(again.fetched, world.made_in(window).size());
  EXPECT_EQ(again.fresh, 0u);
  world.ids();  // fails where one comes twice
}

TEST_P(Orders, WithoutADaemonOnlyTheWindowIsAskedFor) {
  BackfillWorld world(steady(0.2, hours(8)), GetParam());
  world.run_alone();
  const TimeRange window = world.window(hours(4), hours(3));
  const Backfill& done = world.backfill(window);
  EXPECT_FALSE(done.error) << done.error->message;
  world.expect_collected(window);
  EXPECT_FALSE(world.snapshot().streams.at(0).collections.at(0).start) << "where polls begin is for the daemon to say";
  world.restart();
  world.run_for(minutes(30));
  world.expect_collected({world.begun_, world.loop_.clock().now() - minutes(2)});
  world.ids();
}

// Without Okta, whose cursor shows late records as they come.
class LateRecords : public testing::TestWithParam<const char*> {};

TEST_P(LateRecords, ThatNoPollSawAreFoundAndCountedLate) {
  BackfillWorld world(steady(0.2, hours(8)), GetParam());
  world.stream_.start.ago = hours(3);
  world.stream_.reread.clear();
  world.run_for(hours(1));
  const TimeRange window = world.window(hours(2), hours(1));
  const std::string id = world.portal_.add(world.log_name_, window.from + minutes(30));
  world.run_for(minutes(30));
  ASSERT_FALSE(world.ids().count(id)) << "beyond overlap, and nothing is reread";
  const Backfill& done = world.backfill(window);
  EXPECT_EQ(done.fresh, 1u);
  EXPECT_EQ(done.late, 1u);
  EXPECT_TRUE(world.ids().count(id));
  const JournalSnapshot after = world.snapshot();
  std::uint64_t late = 0;
  for (const auto& [step, records] : after.streams.at(0).lateness) late += records;
  EXPECT_EQ(late, after.streams.at(0).books.late);
}

TEST_P(Orders, WhatThePortalHasForgottenBecomesAGapOnce) {
  BackfillWorld world(steady(0.2, hours(8)), GetParam());
  world.run_for(minutes(5));
  ASSERT_FALSE(world.backfill(world.window(hours(6), hours(5))).error);
  world.portal_.set_retention(world.log_name_, hours(2));
  const TimeRange window = world.window(hours(4), hours(3));
  for (int i = 0; i < 2; ++i) {
    const Backfill& done = world.backfill(window);
    EXPECT_FALSE(done.error);
    EXPECT_EQ(done.open_gaps, 1u);
    ASSERT_EQ(world.gaps().size(), 1u);
    EXPECT_EQ(world.gaps()[0].type, "forgotten");
    EXPECT_EQ(world.gaps()[0].range->from, window.from);
    EXPECT_EQ(world.gaps()[0].range->to, window.to);
  }
  // What was collected while the portal had it is no gap.
  EXPECT_EQ(world.backfill(world.window(hours(6), hours(5))).open_gaps, 0u);
  EXPECT_EQ(world.gaps().size(), 1u);
}

TEST_P(Orders, AfterOneThatWasGivenUpAnotherWindowIsWalkedAsAWhole) {
  BackfillWorld world(steady(0.2, hours(8)), GetParam());
  world.http_.set_latency(seconds(1));
  world.run_for(minutes(5));
  ASSERT_TRUE(world.poller_->begin_backfill(world.window(hours(2), hours(1))).ok());
  for (int i = 0; i < 600 && world.poller_->backfill()->fetched < 200; ++i) world.loop_.run_until_idle(seconds(1));
  world.poller_->end_backfill(Error{ErrorKind::invalid, "given up"});
  const TimeRange window = world.window(hours(4), hours(3));
  const Backfill& done = world.backfill(window);
  EXPECT_FALSE(done.error) << done.error->message;
  world.expect_collected(window);
}

INSTANTIATE_TEST_SUITE_P(OfVendors, LateRecords, testing::Values("apptego", "github"));
INSTANTIATE_TEST_SUITE_P(OfVendors, Orders, testing::Values("apptego", "okta", "github"));

TEST(PollerBackfill, WhatRetentionSaysIsForgottenIsNotAskedForAndBecomesAGap) {
  BackfillWorld world;
  world.stream_.retention = hours(2);
  world.portal_.set_retention("audit", hours(2));
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(4), hours(1));
  const Backfill& done = world.backfill(window);
  EXPECT_FALSE(done.error);
  EXPECT_EQ(done.open_gaps, 1u);
  world.expect_collected({world.loop_.clock().now() - hours(2) + minutes(5), window.to});
  ASSERT_EQ(world.gaps().size(), 1u);
  EXPECT_EQ(world.gaps()[0].range->from, window.from);
  EXPECT_LE(world.gaps()[0].range->to, world.loop_.clock().now() - hours(2));
  ASSERT_EQ(world.backfilled().size(), 1u);
  EXPECT_GE(world.backfilled()[0].from, world.gaps()[0].range->to - minutes(1)) << "an empty answer is no proof";
}

TEST(PollerBackfill, HealsAGapThatAWalkCouldNotShow) {
  BackfillWorld world;
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(2), hours(1));
  const std::int64_t collection_id = world.collection(world.snapshot()).collection_id;
  ASSERT_TRUE(world.journal_->record_gap(collection_id, {"unreadable", TimeRange{window.from + minutes(5), window.to - minutes(5)}, "x"}, world.begun_).value());
  const Backfill& done = world.backfill(window);
  EXPECT_EQ(done.open_gaps, 0u);
  EXPECT_TRUE(world.gaps().empty());
  world.expect_collected(window);
}

TEST(PollerBackfill, APageThatCannotBeReadBecomesAGapOfTheWindow) {
  BackfillWorld world;
  world.http_.set_latency(std::chrono::milliseconds(50));
  world.run_alone();
  ScriptedFault fault;
  fault.target = "audit";
  fault.times = 1'000'000;
  fault.fault.kind = FaultKind::malformed;
  const TimeRange window = world.window(hours(2), hours(1));
  const Status begun = world.poller_->begin_backfill(window);
  ASSERT_TRUE(begun.ok());
  for (int i = 0; i < 6000 && !world.poller_->backfill()->examined; ++i) world.loop_.run_until_idle(std::chrono::milliseconds(10));
  world.portal_.add_fault(fault);
  for (int i = 0; i < 600 && world.gaps().empty(); ++i) world.loop_.run_until_idle(std::chrono::milliseconds(100));
  world.portal_.set_faults({});
  for (int i = 0; i < 600 && !world.poller_->backfill()->ended; ++i) world.loop_.run_until_idle(seconds(10));
  ASSERT_TRUE(world.poller_->backfill()->ended);
  EXPECT_FALSE(world.poller_->backfill()->error);
  EXPECT_GE(world.poller_->backfill()->open_gaps, 1u);
}

TEST(PollerBackfill, ALongWindowIsWalkedInSlicesAndOnlyOneAtATime) {
  BackfillWorld world(steady(0.05, hours(60)));
  world.stream_.slice = hours(6);
  world.http_.set_latency(std::chrono::milliseconds(50));
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(48), hours(2));
  ASSERT_TRUE(world.poller_->begin_backfill(window).ok());
  EXPECT_FALSE(world.poller_->begin_backfill(window).ok());
  bool halfway = false;
  for (int i = 0; i < 3600 && !world.poller_->backfill()->ended; ++i) {
    world.loop_.run_until_idle(std::chrono::milliseconds(500));
    const Backfill& now = *world.poller_->backfill();
    halfway = halfway || (now.reached > window.from && now.reached < window.to);
  }
  EXPECT_TRUE(halfway);
  world.expect_collected(window);
  EXPECT_EQ(world.poller_->backfill()->reached, window.to);
}

TEST(PollerBackfill, WhatACrashLeftOfASliceIsWalkedToItsEnd) {
  PortalOptions options = steady(2, hours(3));
  options.page_limit = 50;
  BackfillWorld world(options);
  world.http_.set_latency(std::chrono::milliseconds(50));
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(2), hours(1));
  ASSERT_TRUE(world.poller_->begin_backfill(window).ok());
  for (int i = 0; i < 6000 && world.poller_->backfill()->fetched < 500; ++i) world.loop_.run_until_idle(std::chrono::milliseconds(10));
  world.restart();
  const JournalSnapshot left = world.snapshot();
  ASSERT_EQ(world.collection(left).walks.size(), 1u);
  EXPECT_EQ(world.collection(left).walks[0].how, "backfill");
  world.run_for(minutes(30));
  EXPECT_TRUE(world.collection(world.snapshot()).walks.empty());
  EXPECT_EQ(world.snapshot().streams[0].books.staged, 0u);
  world.expect_collected(window);
}

TEST(PollerBackfill, AnEmptyLogProvesNothing) {
  BackfillWorld world(steady(0, seconds(0)));
  world.portal_.stop_making();
  world.run_alone();
  const Backfill& done = world.backfill(world.window(hours(2), hours(1)));
  ASSERT_TRUE(done.error.has_value());
  EXPECT_NE(done.error->message.find("no record at all"), std::string::npos) << done.error->message;
  EXPECT_TRUE(world.backfilled().empty());
}

TEST(PollerBackfill, WithoutADaemonAPortalThatDoesNotAnswerIsGivenUp) {
  BackfillWorld world;
  world.portal_.add_fault({"", 0, 1'000'000, status_fault(503)});
  world.run_alone();
  const Backfill& done = world.backfill(world.window(hours(2), hours(1)), hours(6));
  ASSERT_TRUE(done.error.has_value());
  EXPECT_EQ(done.error->kind, ErrorKind::unavailable);
  EXPECT_NE(done.error->message.find("503"), std::string::npos) << done.error->message;
}

TEST(PollerBackfill, BesidePollsItWaitsForThePortal) {
  BackfillWorld world;
  world.run_for(minutes(5));
  world.portal_.add_fault({"", 0, 1'000'000, status_fault(503)});
  const TimeRange window = world.window(hours(2), hours(1));
  ASSERT_TRUE(world.poller_->begin_backfill(window).ok());
  world.loop_.run_until_idle(hours(3));
  ASSERT_FALSE(world.poller_->backfill()->ended);
  world.portal_.set_faults({});
  world.loop_.run_until_idle(hours(1));
  EXPECT_TRUE(world.poller_->backfill()->ended);
  EXPECT_FALSE(world.poller_->backfill()->error);
  world.expect_collected(window);
}

TEST(PollerBackfill, AStreamThatIsStoppedIsNotBackfilled) {
  BackfillWorld world;
  world.run_for(minutes(5));
  world.portal_.set_token_revoked(sandbox_token_key, true);
  world.loop_.run_until_idle(minutes(10));
  const Backfill& done = world.backfill(world.window(hours(2), hours(1)));
  ASSERT_TRUE(done.error.has_value());
  EXPECT_EQ(done.error->message, world.poller_->status().problem);
}

TEST(PollerBackfill, WithoutADaemonWhatOnlyAnOperatorCanSolveIsToldAtOnce) {
  BackfillWorld world;
  world.portal_.set_token_revoked(sandbox_token_key, true);
  world.run_alone();
  const Backfill& done = world.backfill(world.window(hours(2), hours(1)), seconds(20));
  ASSERT_TRUE(done.error.has_value());
  EXPECT_EQ(done.error->kind, ErrorKind::invalid);
}

TEST(PollerBackfill, NothingIsAskedDuringAPenalty) {
  BackfillWorld world;
  world.run_for(minutes(5));
  const TimeRange window = world.window(hours(2), hours(1));
  ASSERT_TRUE(world.poller_->begin_backfill(window).ok());
  world.portal_.add_fault({"audit", 1, 1, rate_limit_fault(seconds(900))});
  world.loop_.run_until_idle(hours(1));
  EXPECT_TRUE(world.poller_->backfill()->ended);
  EXPECT_FALSE(world.poller_->backfill()->error);
  EXPECT_EQ(world.portal_.stats().by_status[429], 1u);
  EXPECT_EQ(world.portal_.stats().during_penalty, 0u);
  world.expect_collected(window);
}

TEST(PollerBackfill, AFullJournalHoldsItUpOrEndsItWithoutADaemon) {
  BackfillWorld beside;
  beside.run_for(minutes(5));
  beside.poller_->hold(Poller::Room::low);
  ASSERT_TRUE(beside.poller_->begin_backfill(beside.window(hours(2), hours(1))).ok());
  beside.loop_.run_until_idle(hours(1));
  EXPECT_FALSE(beside.poller_->backfill()->ended);
  EXPECT_EQ(beside.poller_->backfill()->fetched, 0u);

  BackfillWorld alone;
  alone.poller_->hold(Poller::Room::low);
  alone.run_alone();
  const Backfill& done = alone.backfill(alone.window(hours(2), hours(1)));
  ASSERT_TRUE(done.error.has_value());
  EXPECT_EQ(done.error->kind, ErrorKind::no_space);
}

TEST(PollerBackfill, AWindowReachesNoFurtherThanThePresent) {
  BackfillWorld world;
  world.run_for(minutes(5));
  const Backfill& done = world.backfill({world.begun_ - hours(1), world.begun_ + hours(100)});
  EXPECT_FALSE(done.error);
  EXPECT_LE(done.window.to, world.loop_.clock().now());
  ASSERT_EQ(world.backfilled().size(), 1u);
  EXPECT_LE(world.backfilled()[0].to, world.loop_.clock().now());
}

}  // namespace
}  // namespace auditferry
