#include "sources/follow.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

WallTime at(std::int64_t second) { return from_micros((1'763'890'000 + second) * 1'000'000); }

WalkRules link_rules() {
  WalkRules rules;
  rules.paging = PagingKind::link;
  rules.page_size = 4;
  rules.max_page_size = 8;
  rules.overlap = minutes(1);
  return rules;
}

Page page_of(std::initializer_list<std::int64_t> times, std::optional<std::string> next = std::nullopt) {
  Page page;
  for (const std::int64_t time : times) {
    PageRecord record;
    record.id = std::to_string(time);
    record.time = at(time);
    page.records.push_back(std::move(record));
  }
  page.cursor = std::move(next);
  return page;
}

TEST(Follow, AnEmptyPageWithANextLinkShowsNothing) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(page_of({1, 2, 3, 4}, "/a"), at(1000));
  const OldestFirstFollow::Outcome outcome = follow.on_page(page_of({}, "/b"), at(1000));
  EXPECT_FALSE(outcome.at_edge);
  EXPECT_FALSE(outcome.covered);
  EXPECT_EQ(follow.next_request().cursor, "/b");
  EXPECT_TRUE(follow.on_page(page_of({5}), at(1000)).at_edge);
  EXPECT_EQ(follow.covered_to(), at(1000));
}

TEST(Follow, EndlessEmptyPagesAreLeftAloneNowAndThen) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  int pauses = 0;
  for (int i = 0; i < 100; ++i) pauses += follow.on_page(page_of({}, "/" + std::to_string(i)), at(1000)).pause;
  EXPECT_EQ(pauses, 5);
  EXPECT_EQ(follow.covered_to(), at(0));
}

// Where there is always a next link, only an empty page proves the end: the vendor may send fewer than asked.
TEST(Follow, WithAnEverlastingLinkAnEmptyPageIsTheEdgeAndAShortOneIsNot) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), true);
  EXPECT_FALSE(follow.on_page(page_of({1, 2}, "/a"), at(1000)).at_edge);
  EXPECT_EQ(follow.covered_to(), at(1));
  EXPECT_TRUE(follow.on_page(page_of({}, "/b"), at(1000)).at_edge);
  EXPECT_EQ(follow.next_request().cursor, "/b");
}

TEST(Follow, ARecordTooLargeToKeepIsNoEmptyPage) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), true);
  Page page = page_of({}, "/a");
  page.oversized.emplace_back();
  EXPECT_FALSE(follow.on_page(page, at(1000)).at_edge);
}

TEST(Follow, ARefusedCursorGoesBackByOverlapAndKeepsItsCoverage) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(page_of({100, 200, 300, 400}, "/a"), at(1000));
  EXPECT_FALSE(follow.on_cursor_refused());
  EXPECT_FALSE(follow.follows_cursor());
  EXPECT_EQ(follow.next_request().from, at(399 - 60 - 1));
  EXPECT_EQ(follow.covered_to(), at(399));
}

TEST(Follow, ChainsThatEndEarlyStillMakeProgressAndEndInAGapAtLast) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(page_of({400, 400, 400, 400}, "/a"), at(1000));
  follow.on_cursor_refused();
  follow.on_page(page_of({350, 360, 370, 380}, "/b"), at(1000));
  EXPECT_FALSE(follow.on_cursor_refused());
  EXPECT_EQ(follow.next_request().from, at(399));
  follow.on_page(page_of({400, 400, 400, 400}, "/c"), at(1000));
  EXPECT_FALSE(follow.on_cursor_refused());
  EXPECT_EQ(follow.next_request().page_size, 8u);
  follow.on_page(page_of({400, 400, 400, 400}, "/d"), at(1000));
  const std::optional<WalkGap> lost = follow.on_cursor_refused();
  ASSERT_TRUE(lost);
  // It begins where coverage ends.
  EXPECT_EQ(lost->range.from, at(399));
  EXPECT_EQ(lost->range.to, at(401));
  EXPECT_EQ(follow.next_request().from, at(401));
}

TEST(Follow, AFullPageWithoutACursorEndsNothingUntilOneHasBeenMet) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  const OldestFirstFollow::Outcome full = follow.on_page(page_of({1, 2, 3, 4}), at(1000));
  EXPECT_FALSE(full.at_edge);
  EXPECT_EQ(full.covered->to, at(3)) << "more of the last second may come";
  EXPECT_FALSE(follow.follows_cursor());
  EXPECT_FALSE(follow.on_page(page_of({1, 2, 3, 4}), at(1000)).at_edge);
  EXPECT_EQ(*follow.next_request().from, at(3)) << "no longer `overlap` back, where the same comes again";
  EXPECT_TRUE(follow.on_page(page_of({4, 5}), at(1000)).at_edge);

  OldestFirstFollow with_links = OldestFirstFollow::begin(link_rules(), at(0), false);
  with_links.on_page(page_of({1, 2, 3, 4}, "/a"), at(1000));
  EXPECT_TRUE(with_links.on_page(page_of({5, 6, 7, 8}), at(1000)).at_edge);
}

TEST(Follow, PagesAreHalvedByTimeAndGrowAgainBehindTheTrouble) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(page_of({100, 200, 300, 400}, "/a"), at(1000));
  ASSERT_TRUE(follow.halve_page_size());
  EXPECT_EQ(follow.next_request().page_size, 2u);
  EXPECT_FALSE(follow.follows_cursor());
  EXPECT_EQ(follow.next_request().from, at(399 - 60 - 1));
  follow.on_page(page_of({400, 410}, "/b"), at(1000));
  EXPECT_TRUE(follow.follows_cursor());
  follow.on_page(page_of({500, 600}, "/c"), at(1000));
  EXPECT_EQ(follow.next_request().page_size, 4u);
  EXPECT_FALSE(follow.follows_cursor());
  EXPECT_EQ(follow.next_request().from, at(599 - 60 - 1));
}

TEST(Follow, ACursorThatCarriesNoSizeIsKeptWhenPagesAreHalved) {
  WalkRules rules = link_rules();
  rules.paging = PagingKind::cursor;
  OldestFirstFollow follow = OldestFirstFollow::begin(rules, at(0), false);
  follow.on_page(page_of({100, 200, 300, 400}, "\"a\""), at(1000));
  ASSERT_TRUE(follow.halve_page_size());
  EXPECT_EQ(follow.next_request().cursor, "\"a\"");
  EXPECT_EQ(follow.next_request().page_size, 2u);
  ASSERT_TRUE(follow.halve_page_size());
  EXPECT_FALSE(follow.halve_page_size());
}

TEST(Follow, WhatCannotBeReadIsSteppedOverInGrowingStepsAndIsOneGap) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(page_of({97, 98, 99, 100}, "/a"), at(1000));
  EXPECT_FALSE(follow.on_unreadable("broken", at(1000)));
  EXPECT_EQ(follow.next_request().from, at(100));
  EXPECT_FALSE(follow.on_unreadable("broken", at(1000)));
  Result<OldestFirstFollow> resumed = OldestFirstFollow::resume(link_rules(), follow.state(), false);
  ASSERT_TRUE(resumed.ok());
  EXPECT_EQ(resumed->next_request().from, at(102));
  const OldestFirstFollow::Outcome outcome = resumed->on_page(page_of({110, 120}), at(1000));
  ASSERT_TRUE(outcome.lost);
  EXPECT_EQ(outcome.lost->range.from, at(99));
  EXPECT_EQ(outcome.lost->range.to, at(102));
  EXPECT_EQ(outcome.lost->why, "broken");
  ASSERT_TRUE(outcome.covered);
  EXPECT_EQ(outcome.covered->from, at(102));
}

TEST(Follow, WhatCannotBeReadUpToTheEdgeIsAGapAtOnce) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  EXPECT_FALSE(follow.on_unreadable("broken", at(2)));
  const std::optional<WalkGap> lost = follow.on_unreadable("broken", at(2));
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->range.from, at(0));
  EXPECT_EQ(lost->range.to, at(2));
  EXPECT_FALSE(follow.on_page(page_of({3}), at(5)).lost);
}

TEST(Follow, AWindowEndsWithAPageBehindItAlsoWithoutAnUpperBound) {
  OldestFirstFollow follow = OldestFirstFollow::begin_window(link_rules(), {at(0), at(100)}, true);
  EXPECT_EQ(follow.next_request().to, at(101));
  EXPECT_FALSE(follow.on_page(page_of({50, 99, 100, 103}, "/a"), at(1000)).at_edge);
  const OldestFirstFollow::Outcome outcome = follow.on_page(page_of({104, 105}, "/b"), at(1000));
  EXPECT_TRUE(outcome.at_edge);
  EXPECT_EQ(follow.covered_to(), at(100));
}

using Equal = std::vector<std::uint32_t>;

// Records that have nothing but their time.
Page idless_page(std::initializer_list<std::int64_t> times, std::optional<std::string> next = std::nullopt) {
  Page page = page_of(times, std::move(next));
  for (PageRecord& record : page.records) record.has_id = false;
  return page;
}

TEST(Follow, EqualRecordsWithoutIdsAreCountedOnBehindTheEndOfAPage) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  EXPECT_EQ(follow.on_page(idless_page({1, 2, 3, 3}, "/a"), at(1000)).occurrences, (Equal{1, 1, 1, 2}));
  EXPECT_EQ(follow.on_page(idless_page({3, 3, 3, 3}, "/b"), at(1000)).occurrences, (Equal{3, 4, 5, 6}));
  Result<OldestFirstFollow> resumed = OldestFirstFollow::resume(link_rules(), follow.state(), false);
  ASSERT_TRUE(resumed.ok());
  EXPECT_EQ(resumed->on_page(idless_page({3, 4}, "/c"), at(1000)).occurrences, (Equal{7, 1}));
  // An empty page in between changes nothing, and what is long past is not kept.
  resumed->on_page(idless_page({}, "/d"), at(1000));
  EXPECT_EQ(resumed->on_page(idless_page({4, 3}, "/e"), at(1000)).occurrences, (Equal{2, 1}));
}

// Without a next link the last cursor is asked again: the same records, and new ones.
TEST(Follow, EqualRecordsOfAPageThatIsAskedForAgainAreTheSame) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(idless_page({1, 2, 3}, "/a"), at(1000));
  for (int poll = 0; poll < 3; ++poll) EXPECT_EQ(follow.on_page(idless_page({3, 4, 4}), at(1000)).occurrences, (Equal{2, 1, 2}));
  EXPECT_EQ(follow.on_page(idless_page({3, 4, 4, 4}, "/b"), at(1000)).occurrences, (Equal{2, 1, 2, 3}));
  EXPECT_EQ(follow.on_page(idless_page({4}, "/c"), at(1000)).occurrences, (Equal{4}));
}

TEST(Follow, EqualRecordsAreCountedAnewWhenTheLogIsAskedByTime) {
  OldestFirstFollow follow = OldestFirstFollow::begin(link_rules(), at(0), false);
  follow.on_page(idless_page({1, 2, 3, 3}, "/a"), at(1000));
  follow.on_cursor_refused();
  EXPECT_EQ(follow.on_page(idless_page({3, 3, 4}, "/b"), at(1000)).occurrences, (Equal{1, 2, 1}));
}

TEST(Follow, AStateThatCannotBeReadIsRefused) {
  for (const char* text : {"", "{}", "[]", "{\"version\":1,\"from\":\"x\",\"covered_to\":1}", "{\"from\":1"}) {
    EXPECT_FALSE(OldestFirstFollow::resume(link_rules(), text, false).ok()) << text;
  }
}

}  // namespace
}  // namespace auditferry
