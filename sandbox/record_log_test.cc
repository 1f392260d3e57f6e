#include "sandbox/record_log.h"

#include <gtest/gtest.h>

#include "sandbox/cursor_book.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

SandboxRecord record(std::int64_t created, std::int64_t visible_from) {
  SandboxRecord made;
  made.created = from_micros(created);
  made.visible_from = from_micros(visible_from);
  return made;
}

TEST(RecordLog, NumbersFollowAppearanceAndOrderFollowsTime) {
  RecordLog log;
  const auto finish = [](SandboxRecord& due) { due.id = std::to_string(due.event); };
  log.expect(record(10, 100), finish);
  log.expect(record(20, 20), finish);
  log.expect(record(30, 30), finish);
  log.advance(from_micros(50));
  EXPECT_EQ(log.all().size(), 2u);
  log.advance(from_micros(100));
  ASSERT_EQ(log.all().size(), 3u);
  EXPECT_EQ(log.find("3")->created, from_micros(10));
  RecordSelection selection;
  selection.newest_first = false;
  selection.limit = 2;
  const SelectedRecords selected = log.select(selection, std::nullopt);
  ASSERT_EQ(selected.records.size(), 2u);
  EXPECT_EQ(selected.records[0]->id, "3");
  EXPECT_TRUE(selected.more);
  selection.skip = 1;
  EXPECT_FALSE(log.select(selection, std::nullopt).more);
  EXPECT_EQ(log.count(selection, from_micros(20)), 1u);
}

TEST(CursorBook, ExpiresByAgeByUsesAndAtOnce) {
  SandboxCursors options;
  options.lifetime = 10s;
  options.uses = 2;
  CursorBook book(options, 1);
  const WallTime start{};
  SandboxCursor cursor;
  cursor.chain = book.new_chain();
  const std::string text = book.issue(cursor, start, false);
  SandboxCursor found;
  EXPECT_EQ(book.redeem("else", start, found), CursorVerdict::unknown);
  EXPECT_EQ(book.redeem(text, start + 10s, found), CursorVerdict::good);
  EXPECT_EQ(book.redeem(text, start + 11s, found), CursorVerdict::expired);
  EXPECT_EQ(book.redeem(text, start, found), CursorVerdict::good);
  EXPECT_EQ(book.redeem(text, start, found), CursorVerdict::expired);
  cursor.chain = book.new_chain();
  const std::string other = book.issue(cursor, start, false);
  book.expire_all();
  EXPECT_EQ(book.redeem(other, start, found), CursorVerdict::expired);
  const std::string fresh = book.issue(cursor, start, true);
  EXPECT_EQ(book.redeem(fresh, start, found), CursorVerdict::good);
  EXPECT_EQ(fresh.find_first_not_of("0123456789"), std::string::npos);
}

}  // namespace
}  // namespace auditferry
