// A walk that ends where it is because there is no room for more.

#include <gtest/gtest.h>

#include "sources/walk_fixture.h"

namespace auditferry {
namespace {

using namespace walk_fixture;

TEST(WalkCut, CoversWhatHasBeenShownAndNothingElse) {
  FakeLog log = even_log(1000, 3);
  const TimeRange window{at(0), at(340)};
  for (int pages = 0; pages <= 9; ++pages) {
    NewestFirstWalk walk = NewestFirstWalk::begin({}, window);
    Walked walked;
    for (int page = 0; page < pages; ++page) {
      const FakeLog::Answer answer = log.ask(walk.next_request());
      walk.on_page(answer.page);
      for (const PageRecord& record : answer.page.records) walked.ids.insert(record.id);
    }
    walk.cut();
    EXPECT_TRUE(walk.done());
    walked.covered = walk.covered();
    expect_nothing_passed_over(log, walked, std::to_string(pages) + " pages");
    ASSERT_EQ(walked.covered.size(), pages == 0 ? 0u : 1u) << pages;
    if (pages == 0) continue;
    EXPECT_EQ(walked.covered[0].to, window.to);
    // No more than the last seconds of the last page are asked for again.
    EXPECT_LT(walked.covered[0].from, at(333 - pages * 33 + 8)) << pages;
  }
}

// Cut again and again, and each time what is left is walked: in the end all has been shown.
TEST(WalkCut, WhatIsLeftCanBeWalkedLater) {
  for (const FakeLog::Cursor cursor : {FakeLog::Cursor::good, FakeLog::Cursor::refused, FakeLog::Cursor::empty}) {
    FakeLog log = even_log(1000, 3);
    log.cursor_rule = [cursor](int) { return cursor; };
    Walked walked;
    TimeRange left{at(0), at(340)};
    for (int round = 0; left.from < left.to; ++round) {
      ASSERT_LT(round, 30);
      NewestFirstWalk walk = NewestFirstWalk::begin({}, left);
      for (int request = 0; request < 4 && !walk.done(); ++request) {
        const FakeLog::Answer answer = log.ask(walk.next_request());
        if (answer.refused) {
          walk.on_cursor_refused();
          continue;
        }
        walk.on_page(answer.page);
        for (const PageRecord& record : answer.page.records) walked.ids.insert(record.id);
      }
      walk.cut();
      for (const TimeRange& range : walk.covered()) {
        walked.covered.push_back(range);
        if (range.to == left.to) left.to = range.from;
      }
      EXPECT_TRUE(walk.take_gaps().empty());
    }
    EXPECT_EQ(walked.ids.size(), 1000u);
    expect_nothing_passed_over(log, walked, "cut");
  }
}

// By event: a record two minutes older than its neighbours at the page's end does not count as its end.
TEST(WalkCut, OutliersAtThePagesEndHideNothing) {
  FakeLog log = even_log(600);
  log.records[500].second -= 120;
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(599)});
  Walked walked;
  const FakeLog::Answer answer = log.ask(walk.next_request());
  walk.on_page(answer.page);
  for (const PageRecord& record : answer.page.records) walked.ids.insert(record.id);
  walk.cut();
  walked.covered = walk.covered();
  ASSERT_EQ(walked.covered.size(), 1u);
  expect_nothing_passed_over(log, walked, "outlier");
}

TEST(WalkCut, CoversNothingOfALogWithoutOrder) {
  FakeLog log = even_log(1000);
  for (int i = 920; i < 950; ++i) log.records[static_cast<std::size_t>(i)].second -= 5000;
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(-6000), at(999)});
  walk.on_page(log.ask(walk.next_request()).page);
  walk.on_page(log.ask(walk.next_request()).page);
  ASSERT_TRUE(walk.found_disorder());
  walk.cut();
  EXPECT_TRUE(walk.done());
  EXPECT_TRUE(walk.covered().empty());
}

TEST(WalkCut, KeepsGapsOutOfWhatItCovers) {
  FakeLog log = even_log(1000);
  log.unreadable = {"750"};
  NewestFirstWalk walk = NewestFirstWalk::begin({}, {at(0), at(999)});
  std::vector<WalkGap> gaps;
  while (gaps.empty()) {
    ASSERT_FALSE(walk.done());
    const FakeLog::Answer answer = log.ask(walk.next_request());
    if (answer.unreadable) {
      walk.on_unreadable("not JSON");
    } else {
      walk.on_page(answer.page);
    }
    gaps = walk.take_gaps();
  }
  walk.on_page(log.ask(walk.next_request()).page);
  walk.cut();
  ASSERT_EQ(walk.covered().size(), 2u);
  for (const TimeRange& range : walk.covered()) {
    EXPECT_TRUE(range.to <= gaps[0].range.from || range.from >= gaps[0].range.to);
  }
}

}  // namespace
}  // namespace auditferry
