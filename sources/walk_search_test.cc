// Records that cannot be read: each is a small gap, and everything around it is shown.

#include <gtest/gtest.h>

#include <random>

#include "sources/walk_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using namespace walk_fixture;

// Every record has been shown, or it is one of those that cannot be read, or shares a second with one or stands
// beside two of them, and then in a gap and in nothing that counts as shown. `restarts`: what it takes for a neighbour may be in a gap, too.
void expect_small_gaps(const FakeLog& log, const Walked& walked, TimeRange window, const std::string& what, bool restarts = false) {
  std::set<std::int64_t> bad_seconds;
  for (const FakeRecord& record : log.records) {
    if (log.unreadable.count(record.id)) bad_seconds.insert(record.second);
  }
  for (const FakeRecord& record : log.records) {
    const WallTime time = from_micros(record.second * 1'000'000);
    if (!window.contains(time) || walked.ids.count(record.id)) continue;
    const auto near = std::count_if(bad_seconds.begin(), bad_seconds.end(), [&record](std::int64_t bad) { return std::abs(bad - record.second) <= 3; });
    const bool beside_two = near > 1 || (log.exclusive && near > 0 && bad_seconds.size() > 1);
    EXPECT_TRUE(restarts || beside_two || bad_seconds.count(record.second)) << what << ": lost " << record.id << " at " << record.second - base;
    EXPECT_TRUE(std::any_of(walked.gaps.begin(), walked.gaps.end(), [time](const WalkGap& gap) { return gap.range.contains(time); }))
        << what << ": no gap holds " << record.id << " at " << record.second - base;
    for (const TimeRange& range : walked.covered) {
      EXPECT_FALSE(range.from < time && time < range.to) << what << ": shown without " << record.id << " at " << record.second - base;
    }
  }
  for (const WalkGap& gap : walked.gaps) {
    EXPECT_TRUE(gap.unreadable);
    EXPECT_LE(gap.range.to - gap.range.from, std::chrono::seconds(4)) << what;
    EXPECT_TRUE(restarts || std::any_of(bad_seconds.begin(), bad_seconds.end(), [&gap](std::int64_t second) {
      const WallTime time = from_micros(second * 1'000'000);
      return gap.range.from - std::chrono::seconds(1) <= time && time <= gap.range.to;
    })) << what << ": a gap of nothing";
  }
}

TEST(WalkSearch, OneRecordIsLostAndNoOther) {
  for (const int bad : {0, 1, 57, 100, 298, 299}) {
    FakeLog log = even_log(300);
    log.unreadable = {std::to_string(bad)};
    const TimeRange window{at(0), at(299)};
    const Walked walked = walk_all(log, {}, window);
    EXPECT_EQ(walked.ids.size(), 299u) << bad;
    EXPECT_EQ(walked.gaps.size(), 1u) << bad;
    EXPECT_LT(walked.requests, 60) << bad;
    expect_small_gaps(log, walked, window, std::to_string(bad));
  }
}

// Hours of silence above and below it.
TEST(WalkSearch, ARecordInAQuietLogIsFoundByItsTime) {
  for (const std::int64_t quiet : {30, 3'600, 80'000}) {
    FakeLog log;
    log.records = {{base, "first", 1}, {base + quiet, "bad", 2}, {base + 2 * quiet, "last", 3}};
    log.unreadable = {"bad"};
    const TimeRange window{at(-10), at(2 * quiet + 10)};
    const Walked walked = walk_all(log, {}, window);
    EXPECT_EQ(walked.ids, (std::set<std::string>{"first", "last"}));
    EXPECT_EQ(walked.gaps.size(), 1u);
    EXPECT_LT(walked.requests, 80);
    expect_small_gaps(log, walked, window, std::to_string(quiet));
  }
}

TEST(WalkSearch, WhereNothingCanBeReadTheWalkEndsSoon) {
  for (const bool ignores_start : {false, true}) {
    // Two hundred pages: one request for each of them would be too many.
    FakeLog log = even_log(20'000);
    log.ignores_start = ignores_start;
    for (const FakeRecord& record : log.records) log.unreadable.insert(record.id);
    const Walked walked = walk_all(log, {}, {at(0), at(19'999)});
    EXPECT_LT(walked.requests, 200);
    EXPECT_LE(walked.gaps.size(), 4u);
    EXPECT_TRUE(walked.ids.empty());
    expect_nothing_passed_over(log, walked, "all");
  }
}

TEST(WalkSearch, AServerThatIgnoresTheEndOfTheRangeMakesItNoEndlessWalk) {
  FakeLog log = even_log(500);
  log.ignores_end = true;
  log.unreadable = {"250"};
  const Walked walked = walk_all(log, {}, {at(0), at(499)});
  EXPECT_LT(walked.requests, 2000);
  for (int i = 251; i < 500; ++i) EXPECT_TRUE(walked.ids.count(std::to_string(i))) << i;
  for (const TimeRange& range : walked.covered) EXPECT_FALSE(range.contains(at(249)));
}

// The same record, met by a walk of another window: the same gap.
TEST(WalkSearch, ItsGapDoesNotDependOnTheWindow) {
  std::set<std::pair<std::int64_t, std::int64_t>> gaps;
  for (const int end : {150, 151, 152, 153, 160, 299}) {
    FakeLog log = even_log(300);
    log.unreadable = {"150"};
    const Walked walked = walk_all(log, {}, {at(0), at(end) + Duration(400'000)});
    ASSERT_EQ(walked.gaps.size(), 1u) << end;
    gaps.insert({to_micros(walked.gaps[0].range.from), to_micros(walked.gaps[0].range.to)});
  }
  EXPECT_EQ(gaps.size(), 1u);
}

// Any log in order of time, any of its records unreadable, cursors that fail, restarts after every page.
TEST(WalkSearch, WhatCanBeReadIsShownWhereverTheOthersStand) {
  for (std::uint64_t seed = 1; seed <= rounds(250u, 50u); ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t bound) { return static_cast<int>(random() % bound); };
    FakeLog log;
    const int count = 1 + below(400);
    const int spread = 1 + below(2000);
    for (int i = 0; i < count; ++i) log.records.push_back({base + below(static_cast<std::uint64_t>(spread)), std::to_string(i), 0});
    std::sort(log.records.begin(), log.records.end(), [](const FakeRecord& a, const FakeRecord& b) { return a.second < b.second; });
    for (int i = 0; i < count; ++i) log.records[static_cast<std::size_t>(i)].event = i;
    const int bad = 1 + below(4);
    for (int i = 0; i < bad; ++i) log.unreadable.insert(log.records[static_cast<std::size_t>(below(static_cast<std::uint64_t>(count)))].id);
    log.exclusive = below(3) == 0;
    log.server_page_limit = static_cast<std::uint32_t>(20 + below(200));
    const TimeRange window{at(below(50)), at(60 + below(2000)) + Duration(below(1'000'000))};
    const bool restarts = below(2) == 0;
    const Walked walked = walk_all(log, {}, window, restarts);
    expect_small_gaps(log, walked, window, "seed " + std::to_string(seed), restarts);
  }
}

// By event: what stands above the record may be older than it. Gaps may be wider then, but nothing passes for shown.
TEST(WalkSearch, InALogByEventNothingUnreadPassesForShown) {
  for (std::uint64_t seed = 1; seed <= rounds(60u, 15u); ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t bound) { return static_cast<int>(random() % bound); };
    FakeLog log = even_log(50 + below(400));
    for (FakeRecord& record : log.records) record.second -= below(20) == 0 ? below(40) : 0;
    for (int i = 0; i < 3; ++i) log.unreadable.insert(std::to_string(below(log.records.size())));
    const TimeRange window{at(-50), at(500)};
    const Walked walked = walk_all(log, {}, window, below(2) == 0);
    EXPECT_LT(walked.requests, 2000) << seed;
    for (const FakeRecord& record : log.records) {
      const WallTime time = from_micros(record.second * 1'000'000);
      if (walked.ids.count(record.id)) continue;
      for (const TimeRange& range : walked.covered) EXPECT_FALSE(range.from < time && time < range.to) << seed << ": " << record.id;
    }
  }
}

// Small pages are for the trouble alone, also where it was over before anything was lost.
TEST(WalkSearch, PagesGrowAgainBehindTheTrouble) {
  for (const int failures : {1, 5, 7}) {
    FakeLog log = even_log(3000);
    NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(2999)});
    std::set<std::string> ids;
    for (int request = 0; !walk.done(); ++request) {
      ASSERT_LT(request, 250) << failures;
      const FakeLog::Answer answer = log.ask(walk.next_request());
      if (request >= 3 && request < 3 + failures) {
        walk.on_unreadable("not JSON");
      } else {
        walk.on_page(answer.page);
        for (const PageRecord& record : answer.page.records) ids.insert(record.id);
      }
      if (request % 20 == 10) walk = std::move(NewestFirstWalk::resume({}, walk.state())).value();
    }
    EXPECT_EQ(ids.size(), 3000u) << failures;
  }
}

TEST(WalkSearch, AWalkThatIsCutMeanwhileCoversNothingBelow) {
  FakeLog log = even_log(300);
  log.unreadable = {"150"};
  for (int requests = 1; requests < 30; ++requests) {
    NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(299)});
    Walked walked;
    for (int request = 0; request < requests && !walk.done(); ++request) {
      const FakeLog::Answer answer = log.ask(walk.next_request());
      if (answer.unreadable) {
        walk.on_unreadable("not JSON");
        continue;
      }
      walk.on_page(answer.page);
      for (const PageRecord& record : answer.page.records) walked.ids.insert(record.id);
    }
    walk.cut();
    walked.covered = walk.covered();
    expect_nothing_passed_over(log, walked, std::to_string(requests) + " requests");
  }
}

// Our clock was ahead when the window was planned, and answers are bad now and then.
TEST(WalkSearch, WhatThePortalHasNotLivedThroughIsNoGap) {
  std::mt19937 random(5);
  std::size_t gaps = 0;
  for (int round = 0; round < 200; ++round) {
    NewestFirstWalk walk = NewestFirstWalk::begin(WalkRules(), {at(0), at(1'000)});
    for (int i = 0; i < 1'000 && !walk.done(); ++i) {
      walk.clip(at(100));
      if (random() % 4 == 0) {
        walk.on_page(Page());
      } else {
        walk.on_unreadable("no");
      }
      for (const WalkGap& gap : walk.take_gaps()) {
        ++gaps;
        EXPECT_LT(gap.range.from, at(100));
      }
    }
    EXPECT_TRUE(walk.done());
    for (const TimeRange& range : walk.covered()) EXPECT_LE(range.to, at(100));
  }
  EXPECT_GT(gaps, 0u);
}

}  // namespace
}  // namespace auditferry
