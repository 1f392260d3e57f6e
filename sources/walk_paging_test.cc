// Pages that were made smaller, offset and page-number paging, and disorder inside a page.

#include <gtest/gtest.h>

#include "sources/walk_fixture.h"

namespace auditferry {
namespace {

using std::chrono::seconds;
using namespace walk_fixture;

// Goes on to the end of the walk; every id that came.
std::set<std::string> walk_on(NewestFirstWalk& walk, FakeLog& log, int limit = 500) {
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    if (request >= limit) {
      ADD_FAILURE() << "the walk does not end";
      break;
    }
    const FakeLog::Answer answer = log.ask(walk.next_request());
    if (answer.refused) {
      walk.on_cursor_refused();
      continue;
    }
    walk.on_page(answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
  }
  return ids;
}

void expect_told(const FakeLog& log, const std::set<std::string>& ids, const NewestFirstWalk& walk) {
  Walked walked;
  walked.ids = ids;
  walked.covered = walk.covered();
  expect_nothing_passed_over(log, walked, "walk");
}

// 100 records above a pile of 60, and 100 below it. No cursor works, and they do not say so.
FakeLog pile_in_the_middle() {
  FakeLog log;
  for (int i = 0; i < 260; ++i) log.records.push_back({base + (i < 100 ? i : i < 160 ? 150 : 40 + i), std::to_string(i), i});
  log.cursor_rule = [](int) { return FakeLog::Cursor::empty; };
  return log;
}

// A page of fifty is full when fifty were asked for, however large pages were before.
TEST(WalkPaging, AFullPageThatWasMadeSmallerIsNotTheEnd) {
  FakeLog log = pile_in_the_middle();
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(300)});
  std::set<std::string> ids;
  const FakeLog::Answer first = log.ask(walk.next_request());
  walk.on_page(first.page);
  for (const PageRecord& record : first.page.records) ids.insert(record.id);
  ASSERT_TRUE(walk.halve_page_size());
  ids.merge(walk_on(walk, log));
  expect_told(log, ids, walk);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(ids.count(std::to_string(i))) << i;
}

// Larger pages were tried for one pile in vain; below it the usual ones are full again.
TEST(WalkPaging, UsualPagesAfterLargerOnesAreNotTheEnd) {
  FakeLog log;
  log.server_page_limit = 400;
  WalkRules rules;
  rules.max_page_size = 400;
  // Two piles, both larger than a usual page; the upper one larger than any page.
  for (int i = 0; i < 900; ++i) log.records.push_back({base + (i < 100 ? i : i < 300 ? 150 : 200), std::to_string(i), i});
  log.cursor_rule = [](int) { return FakeLog::Cursor::empty; };
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(300)});
  const std::set<std::string> ids = walk_on(walk, log);
  expect_told(log, ids, walk);
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(ids.count(std::to_string(i))) << i;
}

// A server that gives 60 at most, whatever is asked for, and has shown it.
TEST(WalkPaging, APageAsLargeAsOneThatWasCutIsNotTheEnd) {
  FakeLog log = pile_in_the_middle();
  log.server_page_limit = 60;
  const Walked walked = walk_all(log, {}, {at(0), at(300)});
  expect_nothing_passed_over(log, walked, "limit of 60");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(walked.ids.count(std::to_string(i))) << i;
}

// Some servers give no cursor where the page is smaller than their usual one.
TEST(WalkPaging, AFullPageWithoutCursorIsNotTheEndWhereWeMadePagesSmaller) {
  FakeLog log = even_log(300);
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(299)});
  ASSERT_TRUE(walk.halve_page_size());
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 50);
    FakeLog::Answer answer = log.ask(walk.next_request());
    answer.page.cursor.reset();
    walk.on_page(answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
  }
  EXPECT_EQ(ids.size(), 300u);
}

// Pages stay smaller than the size that was too large: else a pile would be asked for in the two for ever.
// Where none had one: it may stand elsewhere than the profile says.
TEST(WalkPaging, FullPagesWithoutAnyCursorAreNotTheEnd) {
  WalkRules rules;
  rules.page_size = 10;
  rules.max_page_size = 10;
  const TimeRange window{at(0), at(100)};
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, window);
  FakeLog log = even_log(95);
  std::set<std::string> ids;
  for (int requests = 0; requests < 200 && !walk.done(); ++requests) {
    Page page = log.ask(walk.next_request()).page;
    page.cursor.reset();
    walk.on_page(page);
    for (const PageRecord& record : page.records) ids.insert(record.id);
  }
  EXPECT_TRUE(walk.done());
  EXPECT_EQ(ids, ids_within(log, window));
  EXPECT_TRUE(walk.take_gaps().empty());
}

TEST(WalkPaging, WhatWasTooLargeIsNotAskedForAgainAtOnce) {
  FakeLog log;
  for (int i = 0; i < 40; ++i) log.records.push_back({base + 50, std::to_string(i), i});
  log.cursor_rule = [](int) { return FakeLog::Cursor::refused; };
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(100)});
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 60);
    const PageRequest asked = walk.next_request();
    const FakeLog::Answer answer = log.ask(asked);
    if (answer.refused) {
      walk.on_cursor_refused();
    } else if (answer.page.records.size() > 20) {
      ASSERT_TRUE(walk.halve_page_size());
    } else {
      walk.on_page(answer.page);
    }
    // What a crash keeps is enough for it.
    walk = std::move(NewestFirstWalk::resume({}, walk.state())).value();
  }
  EXPECT_EQ(walk.covered().size(), 2u);  // above and below the pile
}

struct CountedKind {
  const char* name;
  PagingKind paging;
  bool has_ids;
};

class Counted : public testing::TestWithParam<CountedKind> {
 protected:
  FakeLog log_of(int count, int per_second = 1) {
    FakeLog log = even_log(count, per_second);
    log.page_numbers = GetParam().paging == PagingKind::page;
    return log;
  }
  WalkRules rules() {
    WalkRules rules;
    rules.paging = GetParam().paging;
    rules.has_ids = GetParam().has_ids;
    return rules;
  }
  // No two records of these logs are equal.
  void give(NewestFirstWalk& walk, const Page& page) {
    for (const std::uint32_t number : walk.on_page(page)) EXPECT_EQ(number, 1u);
  }
};

TEST_P(Counted, ShowsManyPagesAndSharesARecordWithEachPageBefore) {
  for (const std::uint32_t limit : {1000u, 61u, 7u}) {
    FakeLog log = log_of(1000);
    log.server_page_limit = limit;
    NewestFirstWalk walk = NewestFirstWalk::begin(rules(), {at(0), at(999)});
    std::set<std::string> before;
    std::set<std::string> ids;
    int requests = 0;
    for (; !walk.done(); ++requests) {
      ASSERT_LT(requests, 3000);
      const FakeLog::Answer answer = log.ask(walk.next_request());
      std::set<std::string> page;
      for (const PageRecord& record : answer.page.records) page.insert(record.id);
      if (!before.empty()) {
        EXPECT_TRUE(std::any_of(page.begin(), page.end(), [&before](const std::string& id) { return before.count(id) > 0; })) << requests;
      }
      before = page;
      ids.merge(page);
      give(walk, answer.page);
    }
    EXPECT_EQ(ids.size(), 1000u) << limit;
    EXPECT_EQ(walk.covered(), (std::vector<TimeRange>{{at(0), at(999)}}));
    EXPECT_LT(static_cast<double>(requests), 2.5 * 1000 / std::min(limit, 100u)) << limit;
  }
}

// So many records are added at the top between two pages that the second is full of known ones.
TEST_P(Counted, AFullKnownPageIsNotTheEnd) {
  FakeLog log = log_of(1000, 10);
  NewestFirstWalk walk = NewestFirstWalk::begin(rules(), {at(0), at(99)});
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 60);
    const FakeLog::Answer answer = log.ask(walk.next_request());
    give(walk, answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
    if (request != 3) continue;
    for (int i = 0; i < 100; ++i) log.records.push_back({base + 99, "late" + std::to_string(i), 1000 + i});
  }
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(ids.count(std::to_string(i))) << i;
}

TEST_P(Counted, SurvivesDeletionsBetweenPages) {
  FakeLog log = log_of(1000);
  NewestFirstWalk walk = NewestFirstWalk::begin(rules(), {at(0), at(999)});
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 200);
    const FakeLog::Answer answer = log.ask(walk.next_request());
    give(walk, answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
    // The forty newest go after the third page: the next page begins forty records too low.
    if (request == 2) log.records.resize(960);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

// A server that does not turn pages shows its first one again and again.
TEST_P(Counted, PagesThatAreNotTurnedAreWalkedByTime) {
  FakeLog log = log_of(1000);
  NewestFirstWalk walk = NewestFirstWalk::begin(rules(), {at(0), at(999)});
  std::set<std::string> ids;
  for (int request = 0; !walk.done(); ++request) {
    ASSERT_LT(request, 200);
    PageRequest asked = walk.next_request();
    asked.offset = 0;
    asked.page = 0;
    asked.page_size = 100;
    const FakeLog::Answer answer = log.ask(asked);
    give(walk, answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Counted,
                         testing::Values(CountedKind{"offset", PagingKind::offset, true}, CountedKind{"page", PagingKind::page, true},
                                         CountedKind{"offset_without_ids", PagingKind::offset, false},
                                         CountedKind{"page_without_ids", PagingKind::page, false}),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

// The page's upper half is older than its lower half: what follows it may be newer still.
TEST(WalkPaging, DisorderInsideOnePageIsSeen) {
  FakeLog log;
  for (int i = 0; i < 1000; ++i) log.records.push_back({base + 8000 + i, std::to_string(i), i});
  for (int i = 950; i < 1000; ++i) log.records[static_cast<std::size_t>(i)].second = base + i;
  int failures = 0;
  log.cursor_rule = [&failures](int) { return failures++ == 0 ? FakeLog::Cursor::refused : FakeLog::Cursor::good; };
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(9999)});
  walk.on_page(log.ask(walk.next_request()).page);
  EXPECT_TRUE(walk.found_disorder());
  const std::set<std::string> ids = walk_on(walk, log);
  expect_told(log, ids, walk);
}

TEST(WalkPaging, ARecordLateByLessThanOverlapIsNoDisorder) {
  FakeLog log = even_log(50);
  log.records[40].second -= 500;
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(-600), at(60)});
  walk.on_page(log.ask(walk.next_request()).page);
  EXPECT_FALSE(walk.found_disorder());
}

}  // namespace
}  // namespace auditferry
