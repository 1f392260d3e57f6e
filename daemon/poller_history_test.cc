// History: its slices, its share of the budget, and where `oldest` begins.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::optional<WallTime> bound(const SeenRequest& request, const std::string& key) {
  const std::size_t at = request.body.find("\"" + key + "\":");
  if (at == std::string::npos) return std::nullopt;
  return from_micros(std::stoll(request.body.substr(at + key.size() + 3)) * 1'000'000);
}

// The windows of the walks that end in the past, as they were asked for: without the units on both sides.
std::vector<TimeRange> slices(PollerFixture& fixture) {
  std::vector<TimeRange> slices;
  for (const SeenRequest& request : fixture.portal_.seen_requests()) {
    const auto from = bound(request, "start_time");
    const auto to = bound(request, "end_time");
    if (!from || !to || *from == *to || request.at - *to < minutes(5) || request.body.find("\"cursor\":") != std::string::npos) continue;
    if (!slices.empty() && *from == slices.back().from - seconds(1)) continue;  // the same slice by time again
    slices.push_back({*from + seconds(1), *to - seconds(1)});
  }
  return slices;
}

TEST(PollerHistory, SlicesShrinkWhenFullAndGrowWhenEmpty) {
  PollerFixture fixture;
  const WallTime now = fixture.loop_.clock().now();
  fixture.stream_.profile.page_size = 1000;
  fixture.stream_.slice = hours(4);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(60)};
  fixture.restart();
  // One that is older shows that the log begins before. The first slice holds more than fifty thousand; the
  // next two some; then nothing until shortly before now.
  fixture.portal_.make("audit", 1, now - hours(61), now - hours(61));
  fixture.portal_.make("audit", 50'500, now - hours(60) + minutes(1), now - hours(57), 150);
  fixture.portal_.make("audit", 10, now - hours(55), now - hours(53));
  fixture.portal_.make("audit", 1, now - minutes(30), now - minutes(30));
  ASSERT_TRUE(fixture.run_once().ok());
  EXPECT_EQ(fixture.ids().size(), 50'511u);
  std::vector<Duration> lengths;
  for (const TimeRange& slice : slices(fixture)) {
    if (slice.from >= now - hours(60)) lengths.push_back(slice.to - slice.from);
  }
  const auto near = [&lengths](std::size_t index, Duration wanted) {
    return index < lengths.size() && std::chrono::abs(lengths[index] - wanted) < Duration(seconds(10));
  };
  ASSERT_EQ(lengths.size(), 8u);
  EXPECT_TRUE(near(0, hours(4)));
  EXPECT_TRUE(near(1, hours(2)));  // the one before was full
  EXPECT_TRUE(near(2, hours(2)));
  EXPECT_TRUE(near(3, hours(2)));
  EXPECT_TRUE(near(4, hours(4)));  // the one before was empty
  EXPECT_TRUE(near(5, hours(8)));
  EXPECT_TRUE(near(6, hours(16)));
}

TEST(PollerHistory, SlicesThatHaveGrownKeepWithinMaxWindow) {
  PortalOptions options;
  options.dialect.max_window = hours(24 * 3);
  PollerFixture fixture(options);
  fixture.stream_.profile.max_window = hours(24 * 3);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24 * 200)};
  const WallTime now = fixture.loop_.clock().now();
  fixture.portal_.make("audit", 10, now - hours(24 * 150), now - minutes(30));
  ASSERT_TRUE(fixture.run_once(hours(24)).ok());
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_EQ(fixture.portal_.stats().by_status[400], 0u);
  // And they do grow: 200 slices of a day would be as many requests.
  EXPECT_LT(fixture.requests(), 170u);
}

// Sixty requests a minute: live_first leaves every other one, and polls stay on time.
TEST(PollerHistory, TakesHalfOfTheBudgetBesideLivePolls) {
  for (const CatchUp catch_up : {CatchUp::live_first, CatchUp::oldest_first}) {
    PortalOptions options = audit_only(0.25, hours(12));
    options.page_limit = 5;
    PollerFixture fixture(options);
    fixture.source_.requests_per_minute = 60;
    fixture.source_.catch_up = catch_up;
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.restart();
    fixture.run_for(minutes(20));
    std::uint64_t live = 0;
    std::uint64_t history = 0;
    for (const SeenRequest& request : fixture.portal_.seen_requests()) {
      const auto to = bound(request, "end_time");
      if (!to || bound(request, "start_time") == to) continue;  // the proof of the range
      ++(request.at - *to < minutes(1) ? live : history);
    }
    if (catch_up == CatchUp::live_first) {
      // Forty polls of twenty minutes; history pays twice for each of its requests.
      EXPECT_GE(live, 40u);
      EXPECT_LE(history, (20 * 60 - live) / 2 + 15);
      EXPECT_GE(history, 400u);
      const JournalSnapshot snapshot = fixture.snapshot();
      const WallTime now = fixture.loop_.clock().now();
      EXPECT_TRUE(std::any_of(fixture.collection(snapshot).coverage.begin(), fixture.collection(snapshot).coverage.end(),
                              [now](const CoverageInterval& interval) { return interval.range.to > now - minutes(2); }));
    } else {
      EXPECT_GE(history, 1100u);
      EXPECT_EQ(live, 0u);
    }
  }
}

// "Anything in [0, T]?": half of what is left with each question.
TEST(PollerHistory, OldestFindsTheBeginningWithAHandfulOfQuestions) {
  for (const double rate : {0.001, 0.02}) {
    const Duration age = hours(24 * 30);
    PollerFixture fixture(audit_only(rate, age));
    fixture.stream_.start.kind = StartSetting::Kind::oldest;
    fixture.http_.set_latency(std::chrono::milliseconds(100));
    fixture.restart();
    const WallTime begun = fixture.loop_.clock().now() - age;
    const auto start_is_known = [&fixture] {
      const JournalSnapshot snapshot = fixture.snapshot();
      return !snapshot.streams.empty() && fixture.collection(snapshot).start.has_value();
    };
    for (int i = 0; i < 1000 && !start_is_known(); ++i) fixture.run_for(std::chrono::milliseconds(50));
    EXPECT_GE(fixture.requests(), 3u);
    EXPECT_LE(fixture.requests(), 18u);
    const JournalSnapshot snapshot = fixture.snapshot();
    const WallTime start = *fixture.collection(snapshot).start;
    EXPECT_LE(start, begun + minutes(30));
    EXPECT_GT(start, begun - hours(25));
  }
}

// A record each ten years, twenty years back: no slice by slice through what is empty.
TEST(PollerHistory, OldestNeverStepsThroughEmptyYears) {
  PollerFixture fixture;
  fixture.stream_.start.kind = StartSetting::Kind::oldest;
  const WallTime now = fixture.loop_.clock().now();
  for (const int years : {0, 10, 19}) fixture.portal_.add("audit", now - hours(24 * 365 * years) - hours(24));
  ASSERT_TRUE(fixture.run_once().ok());
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_LT(fixture.requests(), 60u);
}

}  // namespace
}  // namespace auditferry
