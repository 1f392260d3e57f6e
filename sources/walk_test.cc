#include "sources/walk.h"

#include <gtest/gtest.h>

#include <random>

#include "sources/walk_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using std::chrono::seconds;
using namespace walk_fixture;

TEST(NewestFirstWalk, ShowsAWindowOfManyPages) {
  FakeLog log = even_log(1000);
  const TimeRange window{at(100), at(899)};
  const Walked walked = walk_all(log, {}, window);
  EXPECT_TRUE(includes(walked.ids, ids_within(log, window)));
  EXPECT_TRUE(whole(walked, window));
  EXPECT_TRUE(walked.gaps.empty());
  EXPECT_LE(walked.requests, 10);
}

TEST(NewestFirstWalk, AnEmptyAnswerWithoutCursorShowsTheWindow) {
  FakeLog log;
  const Walked walked = walk_all(log, {}, {at(0), at(10)});
  EXPECT_TRUE(whole(walked, {at(0), at(10)}));
  EXPECT_EQ(walked.requests, 1);
}

TEST(NewestFirstWalk, AsksOneUnitWiderOnBothSides) {
  const NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(10) + std::chrono::milliseconds(300), at(20) + std::chrono::milliseconds(1)});
  EXPECT_EQ(walk.next_request().from, at(9));
  EXPECT_EQ(walk.next_request().to, at(22));
}

TEST(NewestFirstWalk, ExclusiveBoundsLoseNothingAtTheEdges) {
  FakeLog log = even_log(300);
  log.exclusive = true;
  const TimeRange window{at(0), at(299)};
  EXPECT_EQ(walk_all(log, {}, window).ids.size(), 300u);
}

struct Disguise {
  const char* name;
  FakeLog::Cursor cursor;
  bool has_ids;
};

// Each disguise of an expired cursor, at every single cursor request and at all of them.
class CursorDisguise : public testing::TestWithParam<Disguise> {
 protected:
  WalkRules rules() {
    WalkRules rules;
    rules.has_ids = GetParam().has_ids;
    return rules;
  }
};

TEST_P(CursorDisguise, LosesNothingWhereverItStrikes) {
  const TimeRange window{at(0), at(999)};
  for (int nth = 1; nth <= 12; ++nth) {
    for (const bool restarts : {false, true}) {
      FakeLog log = even_log(1000);
      log.cursor_rule = [nth](int n) { return n == nth ? GetParam().cursor : FakeLog::Cursor::good; };
      const Walked walked = walk_all(log, rules(), window, restarts);
      EXPECT_TRUE(includes(walked.ids, ids_within(log, window))) << nth << " " << restarts << " found " << walked.ids.size();
      EXPECT_TRUE(whole(walked, window)) << nth;
      EXPECT_TRUE(walked.gaps.empty()) << nth;
      EXPECT_TRUE(walked.equal.empty()) << nth << ": " << *walked.equal.begin();
    }
  }
}

TEST_P(CursorDisguise, LosesNothingWhenNoCursorEverWorks) {
  const TimeRange window{at(0), at(999)};
  FakeLog log = even_log(1000);
  log.cursor_rule = [](int) { return GetParam().cursor; };
  const Walked walked = walk_all(log, rules(), window);
  EXPECT_TRUE(includes(walked.ids, ids_within(log, window))) << walked.ids.size();
  EXPECT_TRUE(whole(walked, window));
  EXPECT_TRUE(walked.equal.empty()) << *walked.equal.begin();
}

TEST_P(CursorDisguise, AsksForLargerPagesWhenOneSecondIsLargerThanAPage) {
  FakeLog log;
  for (int i = 0; i < 700; ++i) log.records.push_back({base + (i < 50 ? 0 : i < 650 ? 5 : 9), std::to_string(i), i});
  log.cursor_rule = [](int) { return GetParam().cursor; };
  const TimeRange window{at(0), at(10)};
  const Walked walked = walk_all(log, rules(), window);
  EXPECT_EQ(walked.ids.size(), 700u);
  EXPECT_TRUE(walked.gaps.empty());
  EXPECT_TRUE(walked.equal.empty()) << *walked.equal.begin();
}

TEST_P(CursorDisguise, RecordsAGapWhenThePileIsLargerThanAnyPageAndGoesOnBelow) {
  FakeLog log;
  log.server_page_limit = 200;
  WalkRules rules = this->rules();
  rules.max_page_size = 400;
  for (int i = 0; i < 1000; ++i) log.records.push_back({base + (i < 100 ? i / 20 : i < 900 ? 50 : 90), std::to_string(i), i});
  log.cursor_rule = [](int) { return GetParam().cursor; };
  const TimeRange window{at(0), at(100)};
  const Walked walked = walk_all(log, rules, window);
  ASSERT_GE(walked.gaps.size(), 1u);
  EXPECT_TRUE(walked.gaps.back().range.contains(at(50)));
  EXPECT_LE(walked.gaps.back().range.to - walked.gaps.back().range.from, Duration(seconds(2)));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(walked.ids.count(std::to_string(i))) << i;
  for (const TimeRange& range : walked.covered) EXPECT_FALSE(range.from < at(50) && at(50) < range.to);
  EXPECT_TRUE(walked.equal.empty()) << *walked.equal.begin();
}

TEST(NewestFirstWalk, AnOutlierAtTheEndOfAPageIsNotWhereTheWalkGoesOn) {
  FakeLog log = even_log(101);
  log.records.push_back({base + 40, "outlier", 97});
  for (FakeRecord& record : log.records) record.event += record.event >= 97 && record.id != "outlier" ? 1 : 0;
  std::sort(log.records.begin(), log.records.end(), [](const FakeRecord& a, const FakeRecord& b) { return a.event < b.event; });
  log.cursor_rule = [](int) { return FakeLog::Cursor::refused; };
  WalkRules rules;
  rules.page_size = 4;  // 100, 99, 98 (97 is event 98), 40
  rules.max_page_size = 8;
  const TimeRange window{at(0), at(100)};
  const Walked walked = walk_all(log, rules, window);
  expect_nothing_passed_over(log, walked, "outlier");
  EXPECT_TRUE(walked.gaps.empty());
}

// By event, one record in a hundred up to three minutes older than its neighbours, no cursor ever works.
TEST_P(CursorDisguise, PassesNothingOverInALogThatIsNearlyInOrder) {
  std::size_t gaps = 0;
  for (std::uint64_t seed = 1; seed <= rounds(60u, 10u); ++seed) {
    std::mt19937_64 random(seed);
    FakeLog log = even_log(3000, 1 + static_cast<int>(seed % 5));
    for (FakeRecord& record : log.records) {
      if (random() % 100 == 0) record.second -= static_cast<std::int64_t>(random() % 180);
    }
    log.cursor_rule = [](int) { return GetParam().cursor; };
    WalkRules rules = this->rules();
    rules.page_size = seed % 2 == 0 ? 100 : 20;
    const TimeRange window{at(10), at(560)};
    // A process that dies after every page never notices that the first page comes again and again, nor gets below a
    // rise without ids.
    const bool tells = GetParam().has_ids && (GetParam().cursor == FakeLog::Cursor::refused || GetParam().cursor == FakeLog::Cursor::empty);
    const Walked walked = walk_all(log, rules, window, tells && seed % 3 == 0);
    gaps += walked.gaps.size();
    expect_nothing_passed_over(log, walked, "seed " + std::to_string(seed));
    EXPECT_TRUE(walked.equal.empty()) << seed << ": " << *walked.equal.begin();
  }
  EXPECT_LT(gaps, 60u);
}

// A pile just below the window's beginning shows at its lower end, because requests ask one unit wider.
TEST(NewestFirstWalk, APileBelowTheWindowIsNoGapOfIt) {
  FakeLog log;
  for (int i = 0; i < 3000; ++i) log.records.push_back({base + 50, std::to_string(i), i});
  for (int i = 0; i < 100; ++i) log.records.push_back({base + 52 + i, "n" + std::to_string(i), 3000 + i});
  log.server_page_limit = 60;
  log.cursor_rule = [](int) { return FakeLog::Cursor::refused; };
  for (const int millis : {300, 1000, 1500}) {
    const TimeRange window{at(50) + std::chrono::milliseconds(millis), at(151)};
    const Walked walked = walk_all(log, {}, window);
    EXPECT_TRUE(walked.gaps.empty()) << millis;
    EXPECT_TRUE(whole(walked, window)) << millis;
  }
  const Walked walked = walk_all(log, {}, {at(50), at(151)});
  ASSERT_EQ(walked.gaps.size(), 1u);
  EXPECT_EQ(walked.covered, (std::vector<TimeRange>{{at(51), at(151)}}));
}

std::vector<Disguise> disguises() {
  std::vector<Disguise> all;
  for (const bool has_ids : {true, false}) {
    all.push_back({has_ids ? "refused" : "refused_without_ids", FakeLog::Cursor::refused, has_ids});
    all.push_back({has_ids ? "empty" : "empty_without_ids", FakeLog::Cursor::empty, has_ids});
    all.push_back({has_ids ? "first_page" : "first_page_without_ids", FakeLog::Cursor::first_page_again, has_ids});
    all.push_back({has_ids ? "same" : "same_without_ids", FakeLog::Cursor::same_again, has_ids});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Disguises, CursorDisguise, testing::ValuesIn(disguises()),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

TEST(NewestFirstWalk, ConfirmsAnEmptyPageBehindACursorWithFewRequests) {
  FakeLog log = even_log(7, 7);
  log.cursor_after_last_page = true;
  const Walked walked = walk_all(log, {}, {at(-10), at(10)});
  EXPECT_TRUE(whole(walked, {at(-10), at(10)}));
  EXPECT_TRUE(walked.gaps.empty());
  EXPECT_LE(walked.requests, 6);
}

TEST(NewestFirstWalk, StopsBelowTheWindowOnlyWhenTheStartBoundIsIgnored) {
  FakeLog log = even_log(5000);
  log.ignores_start = true;
  const TimeRange window{at(4000), at(4999)};
  const Walked walked = walk_all(log, {}, window);
  EXPECT_TRUE(includes(walked.ids, ids_within(log, window)));
  EXPECT_LE(walked.requests, 13);
}

// By event: a full page of the unit that requests ask for below the window, and one of the window behind it.
TEST(NewestFirstWalk, APageBelowTheWindowIsNotTheEndWhereTheStartBoundIsKept) {
  FakeLog log;
  log.records.push_back({base + 105, "behind", 0});
  for (int i = 1; i <= 200; ++i) log.records.push_back({base + 99, std::to_string(i), i});
  for (const PagingKind paging : {PagingKind::cursor, PagingKind::offset}) {
    WalkRules rules;
    rules.paging = paging;
    const TimeRange window{at(100), at(200)};
    const Walked walked = walk_all(log, rules, window);
    EXPECT_TRUE(walked.ids.count("behind"));
    EXPECT_TRUE(whole(walked, window));
  }
}

TEST(NewestFirstWalk, KeepsWhatAServerSendsThatIgnoresTheEndBound) {
  FakeLog log = even_log(1000);
  log.ignores_end = true;
  const TimeRange window{at(100), at(400)};
  const Walked walked = walk_all(log, {}, window);
  EXPECT_TRUE(includes(walked.ids, ids_within(log, window)));
  EXPECT_TRUE(walked.ids.count("999"));
}

TEST(NewestFirstWalk, DisorderIsWalkedInNarrowerSlicesAndNotResumedByTime) {
  // By event the newest half comes last: a cursor that fails after the first half would hide it if the
  // walk went on from the times it has seen.
  FakeLog log;
  for (int i = 0; i < 1000; ++i) log.records.push_back({base + (i < 500 ? 4000 + i : i - 500), std::to_string(i), i});
  int failures = 0;
  log.cursor_rule = [&failures](int n) { return n == 7 && failures++ == 0 ? FakeLog::Cursor::refused : FakeLog::Cursor::good; };
  const TimeRange window{at(0), at(5000)};
  const Walked walked = walk_all(log, {}, window);
  EXPECT_TRUE(walked.disorder);
  EXPECT_TRUE(includes(walked.ids, ids_within(log, window))) << walked.ids.size();
}

TEST(NewestFirstWalk, OffsetPagingSurvivesDeletionsBetweenPages) {
  FakeLog log = even_log(1000);
  WalkRules rules;
  rules.paging = PagingKind::offset;
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(999)});
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 200);
    const FakeLog::Answer answer = log.ask(walk.next_request());
    walk.on_page(answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
    // The forty newest go after the third page: the next page begins forty records too low.
    if (request == 2) log.records.resize(960);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(NewestFirstWalk, EqualRecordsWithoutIdsAreNumberedWithinAnAttempt) {
  FakeLog log;
  for (int i = 0; i < 5; ++i) log.records.push_back({base, "same", i});
  WalkRules rules;
  rules.has_ids = false;
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(1)});
  EXPECT_EQ(walk.on_page(log.ask(walk.next_request()).page), (std::vector<std::uint32_t>{1, 2, 3, 4, 5}));
}

// Also where ids were expected: a resumed attempt would count the next one as the first.
TEST(NewestFirstWalk, EqualRecordsAreAllThereAfterACrashBetweenThem) {
  FakeLog log;
  for (int i = 0; i < 300; ++i) log.records.push_back({base + i / 2, std::to_string(i / 2), i});
  for (const bool has_ids : {true, false}) {
    WalkRules rules;
    rules.has_ids = has_ids;
    rules.page_size = 25;  // every other page ends between two equal ones
    NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(200)});
    std::set<std::pair<std::string, std::uint32_t>> got;
    int requests = 0;
    for (; !walk.done(); ++requests) {
      ASSERT_LT(requests, 100);
      FakeLog::Answer answer = log.ask(walk.next_request());
      for (PageRecord& record : answer.page.records) record.has_id = false;
      const std::vector<std::uint32_t> numbers = walk.on_page(answer.page);
      for (std::size_t i = 0; i < numbers.size(); ++i) got.insert({answer.page.records[i].id, numbers[i]});
      walk = std::move(NewestFirstWalk::resume(rules, walk.state())).value();
    }
    EXPECT_EQ(got.size(), 300u) << has_ids;
  }
}

TEST(NewestFirstWalk, ALogThatIsNotInOrderIsNotResumedByTimeWithoutIds) {
  FakeLog log;
  for (int i = 0; i < 1000; ++i) log.records.push_back({base + (i < 500 ? 8000 + i : i), std::to_string(i), i});
  WalkRules rules;
  rules.has_ids = false;
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(9000)});
  while (!walk.found_disorder()) walk.on_page(log.ask(walk.next_request()).page);
  Result<NewestFirstWalk> resumed = NewestFirstWalk::resume(rules, walk.state());
  ASSERT_TRUE(resumed.ok());
  EXPECT_EQ(resumed->next_request().to, at(9001));
}

TEST(NewestFirstWalk, AStateThatIsNotOursIsRefused) {
  EXPECT_FALSE(NewestFirstWalk::resume({}, "").ok());
  EXPECT_FALSE(NewestFirstWalk::resume({}, "{}").ok());
  EXPECT_FALSE(NewestFirstWalk::resume({}, R"({"version":2})").ok());
}

// Any log, any mixture of misbehaving cursors, restarts after every page: what was visible and is inside
// the covered time has been seen, and the rest of the window is inside a gap.
TEST(NewestFirstWalk, CoversOnlyWhatItHasSeenWhateverTheCursorsDo) {
  for (std::uint64_t seed = 1; seed <= rounds(400u, 60u); ++seed) {
    std::mt19937_64 random(seed);
    auto below = [&random](std::uint64_t bound) { return static_cast<int>(random() % bound); };
    FakeLog log;
    const int count = below(900);
    const int spread = 1 + below(400);
    for (int i = 0; i < count; ++i) log.records.push_back({base + below(static_cast<std::uint64_t>(spread)), std::to_string(i), 0});
    std::sort(log.records.begin(), log.records.end(), [](const FakeRecord& a, const FakeRecord& b) { return a.second < b.second; });
    for (int i = 0; i < count; ++i) log.records[static_cast<std::size_t>(i)].event = i;
    log.server_page_limit = static_cast<std::uint32_t>(20 + below(200));
    log.cursor_after_last_page = below(2) == 0;
    log.exclusive = below(3) == 0;
    log.ignores_start = below(5) == 0;
    const int trouble = below(100);
    std::mt19937_64 cursor_random(seed * 7);
    log.cursor_rule = [&cursor_random, trouble](int) {
      if (static_cast<int>(cursor_random() % 100) >= trouble) return FakeLog::Cursor::good;
      return static_cast<FakeLog::Cursor>(1 + cursor_random() % 4);
    };
    WalkRules rules;
    rules.page_size = static_cast<std::uint32_t>(10 + below(150));
    rules.max_page_size = rules.page_size * 4;
    const TimeRange window{at(below(50)), at(60 + below(400))};
    const Walked walked = walk_all(log, rules, window, below(2) == 0);
    for (const FakeRecord& record : log.records) {
      const WallTime time = from_micros(record.second * 1'000'000);
      if (!window.contains(time) || walked.ids.count(record.id)) continue;
      for (const TimeRange& range : walked.covered) {
        EXPECT_FALSE(range.from < time && time < range.to) << "seed " << seed << ": record " << record.id << " at " << record.second - base;
      }
    }
    // A cursor behind every last page makes a full last page ambiguous; a gap is then the honest answer.
    if (trouble == 0 && !log.cursor_after_last_page) {
      EXPECT_TRUE(whole(walked, window)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace auditferry
