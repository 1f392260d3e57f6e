#include "sources/equal_records.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sources/walk_fixture.h"

namespace auditferry {
namespace {

using namespace walk_fixture;
using NumberList = std::vector<std::uint32_t>;

// Records of content `text[i]`, each letter at its own second: later letters are older.
Page letters(const std::string& text) {
  Page page;
  for (const char letter : text) {
    PageRecord record;
    record.has_id = false;
    record.id = letter;
    record.time = at('z' - letter);
    record.content.fill(static_cast<std::uint8_t>(letter));
    page.records.push_back(std::move(record));
  }
  return page;
}

NumberList numbers(EqualRecords& equal, const std::string& text, std::optional<char> come_to = std::nullopt) {
  return equal.on_page(letters(text), true, come_to ? std::optional(at('z' - *come_to)) : std::nullopt).of_records;
}

TEST(EqualRecords, AreNumberedOnAPageAndOnTheNext) {
  EqualRecords equal;
  EXPECT_EQ(numbers(equal, "abbb"), (NumberList{1, 1, 2, 3}));
  EXPECT_EQ(numbers(equal, "bbcd", 'b'), (NumberList{4, 5, 1, 1}));
  EXPECT_EQ(numbers(equal, "de", 'd'), (NumberList{2, 1}));
}

TEST(EqualRecords, AFirstPageThatComesAgainBringsNothingElse) {
  EqualRecords equal;
  numbers(equal, "abbb");
  numbers(equal, "bbcd", 'b');
  EXPECT_EQ(numbers(equal, "abbb", 'd'), (NumberList{1, 1, 2, 3}));
  // With some that have come meanwhile, so that it is another page.
  EXPECT_EQ(numbers(equal, "AAabbb", 'd'), (NumberList{1, 2, 1, 1, 2, 3}));
}

// All of one instant: only that the page is the same tells.
TEST(EqualRecords, APageOfOneMomentComesAgainWhereItsRecordsDiffer) {
  Page page = letters("abcb");
  for (PageRecord& record : page.records) record.time = at(0);
  EqualRecords equal;
  equal.on_page(page, true, std::nullopt);
  EXPECT_EQ(equal.on_page(page, true, at(0)).of_records, (NumberList{1, 1, 1, 2}));
}

TEST(EqualRecords, AreCountedOnWhereNothingTellsThatThePageIsTheSame) {
  EqualRecords equal;
  numbers(equal, "aaa");
  const EqualRecords::Numbers more = equal.on_page(letters("aaa"), true, at('z' - 'a'));
  EXPECT_EQ(more.of_records, (NumberList{4, 5, 6}));
  EXPECT_TRUE(more.nothing_fresh);
}

// By event: an outlier that equals one from above is more of the same.
TEST(EqualRecords, OneThatStandsTooLowIsStillARecordOfItsOwn) {
  EqualRecords equal;
  numbers(equal, "abcdef");
  EXPECT_EQ(numbers(equal, "ghbij", 'f'), (NumberList{1, 1, 2, 1, 1}));
}

TEST(EqualRecords, ThoseWithIdsHaveNoNumbers) {
  Page page = letters("aab");
  for (PageRecord& record : page.records) record.has_id = true;
  EqualRecords equal;
  EXPECT_EQ(equal.on_page(page, true, std::nullopt).of_records, (NumberList{1, 1, 1}));
  EXPECT_TRUE(equal.empty());
  EXPECT_EQ(equal.on_page(page, false, std::nullopt).of_records, (NumberList{1, 2, 1}));
  EXPECT_FALSE(equal.empty());
}

TEST(EqualRecords, ACountedPageBeginsWithWhatCameBefore) {
  EqualRecords equal;
  EXPECT_EQ(equal.on_counted_page(letters("abcc"), true, 0).of_records, (NumberList{1, 1, 1, 2}));
  const EqualRecords::Numbers next = equal.on_counted_page(letters("cccd"), true, 1);
  EXPECT_EQ(next.joins, true);
  // One of them is the second, as it was asked for.
  EXPECT_EQ(next.of_records, (NumberList{1, 3, 4, 1}));
  // Two were added at the top: it begins two further up, within the page before.
  EXPECT_EQ(equal.on_counted_page(letters("ccde"), true, 1).of_records, (NumberList{1, 2, 1, 1}));
  // So many that it ends there, too.
  EXPECT_EQ(equal.on_counted_page(letters("ccd"), true, 1).of_records, (NumberList{1, 2, 1}));
  // Some were taken away: what lies between is not known.
  EXPECT_EQ(equal.on_counted_page(letters("gh"), true, 1).joins, false);
}

std::vector<std::string> contents(const FakeLog& log) {
  std::vector<std::string> names;
  for (const FakeRecord& record : log.records) names.push_back(record.id);
  std::sort(names.begin(), names.end());
  return names;
}

// Bursts of few kinds that no page can hold, at page boundaries everywhere: each record once, none made up.
TEST(EqualRecords, OfAWholeLogAreAllThereInEveryPaging) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    FakeLog log;
    std::int64_t second = base;
    for (int i = 0; i < 800; ++i) {
      if (random() % (seed % 3 == 0 ? 4 : 60) == 0) ++second;
      log.records.push_back({second, std::to_string(random() % 3), i});
    }
    WalkRules rules;
    rules.has_ids = false;
    rules.page_size = static_cast<std::uint32_t>(7 + seed);
    const PagingKind kinds[] = {PagingKind::cursor, PagingKind::offset, PagingKind::page};
    rules.paging = kinds[seed % 3];
    log.page_numbers = rules.paging == PagingKind::page;
    const TimeRange window{at(0), at(900)};
    NewestFirstWalk walk = NewestFirstWalk::begin(rules, window);
    std::map<std::pair<std::int64_t, std::string>, std::uint32_t> most;
    for (int request = 0; !walk.done(); ++request) {
      ASSERT_LT(request, 3000) << seed;
      const FakeLog::Answer answer = log.ask(walk.next_request());
      const NumberList met = walk.on_page(answer.page);
      for (std::size_t i = 0; i < met.size(); ++i) {
        std::uint32_t& count = most[{to_micros(answer.page.records[i].time), answer.page.records[i].id}];
        count = std::max(count, met[i]);
      }
    }
    std::vector<std::string> got;
    for (const auto& [record, count] : most) got.insert(got.end(), count, record.second);
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, contents(log)) << seed;
    EXPECT_EQ(walk.covered(), std::vector<TimeRange>{window}) << seed;
  }
}

// A moment of equal records, and a first page that comes again with another cursor: nothing tells that from more of the
// same, but it ends.
TEST(EqualRecords, AMomentThatIsShownAgainAndAgainEnds) {
  FakeLog log;
  for (int i = 0; i < 300; ++i) log.records.push_back({base + (i < 50 ? i : 60), i < 50 ? std::to_string(i) : "same", i});
  WalkRules rules;
  rules.has_ids = false;
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, {at(0), at(100)});
  std::set<std::string> ids;
  int requests = 0;
  for (; !walk.done() && requests < 1000; ++requests) {
    PageRequest asked = walk.next_request();
    asked.cursor.reset();
    FakeLog::Answer answer = log.ask(asked);
    if (answer.page.cursor) answer.page.cursor = "another " + std::to_string(requests);
    walk.on_page(answer.page);
    for (const PageRecord& record : answer.page.records) ids.insert(record.id);
  }
  EXPECT_TRUE(walk.done());
  EXPECT_LT(requests, 60);
  EXPECT_EQ(ids.size(), 51u);
}

}  // namespace
}  // namespace auditferry
