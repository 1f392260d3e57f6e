// Servers with their own idea of a range or of an order, and piles in one second, against the simulated portal.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A record in every second, so there is one at every bound of every slice.
TEST(PollerBounds, ExclusiveBoundsLoseNothingWhereSlicesMeet) {
  for (const bool start : {true, false}) {
    for (const bool end : {true, false}) {
      PortalOptions options = audit_only(1, hours(2));
      options.dialect.exclusive_start = start;
      options.dialect.exclusive_end = end;
      PollerFixture fixture(options);
      fixture.stream_.slice = minutes(10);
      fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(3)};
      fixture.restart();
      ASSERT_TRUE(fixture.run_once().ok());
      // Our clock is what the portal's is, so the last second is the only one that may still be to come.
      fixture.expect_everything();
      EXPECT_EQ(fixture.log_.count("exclusive", LogLevel::info), start || end ? 1u : 0u);
    }
  }
}

// Else every poll would walk down to the beginning of the log.
TEST(PollerBounds, WhereTheStartIsIgnoredAWalkEndsBelowItsWindow) {
  PortalOptions options = audit_only(0.5, hours(12));
  options.dialect.ignore_start = true;
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, minutes(30)};
  fixture.restart();
  fixture.run_for(hours(1));
  // Some hundred and twenty polls of one or a few pages each; all of the log would be 216 pages every time.
  EXPECT_LT(fixture.requests(), 1000u);
  const JournalSnapshot snapshot = fixture.snapshot();
  const WallTime start = *fixture.collection(snapshot).start;
  const std::set<std::string> got = fixture.ids();
  for (const RecordInfo& record : fixture.portal_.all_records("audit")) {
    if (record.created <= start || record.created > fixture.loop_.clock().now() - minutes(2)) continue;
    EXPECT_TRUE(got.count(record.id)) << record.id;
  }
}

// By event, records up to five hours older than their neighbours, and cursors that break: nothing is resumed by time.
class Disorder : public testing::TestWithParam<SandboxExpiredCursor> {};

TEST_P(Disorder, LosesNothingInSilence) {
  PortalOptions options = audit_only(0.5, hours(6));
  options.dialect.order_by_event = true;
  options.streams[SandboxLog::audit].disorder_share = 0.4;
  options.streams[SandboxLog::audit].disorder_by = hours(5);
  options.cursors.uses = 3;
  options.cursors.expired = GetParam();
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(12)};
  fixture.stream_.slice = hours(24);
  fixture.restart();
  ASSERT_TRUE(fixture.run_once(hours(12)).ok());
  EXPECT_GE(fixture.log_.count("not in order of time", LogLevel::warn), 1u);
  const JournalSnapshot snapshot = fixture.snapshot();
  const std::set<std::string> got = fixture.ids();
  std::size_t missing = 0;
  for (const RecordInfo& record : fixture.portal_.all_records("audit")) {
    if (got.count(record.id) > 0) continue;
    for (const CoverageInterval& interval : fixture.collection(snapshot).coverage) {
      if (interval.range.contains(record.created) && record.first_visible < interval.at - hours(1)) ++missing;
    }
  }
  EXPECT_EQ(missing, 0u);
}

INSTANTIATE_TEST_SUITE_P(Disguises, Disorder,
                         testing::Values(SandboxExpiredCursor::status_400, SandboxExpiredCursor::empty_page, SandboxExpiredCursor::first_page,
                                         SandboxExpiredCursor::same_cursor));

// 250 records in one second, pages of a hundred, and no cursor that works: only larger pages show them.
class Piles : public testing::TestWithParam<SandboxExpiredCursor> {};

TEST_P(Piles, LargerThanAPageAreShownByLargerPages) {
  PortalOptions options = audit_only(0.05, hours(2));
  options.cursors.lifetime = Duration(1);
  options.cursors.expired = GetParam();
  PollerFixture fixture(options);
  fixture.http_.set_latency(std::chrono::milliseconds(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.restart();
  const WallTime now = fixture.loop_.clock().now();
  for (const Duration ago : {Duration(minutes(90)), Duration(minutes(30)), Duration(minutes(2))}) fixture.portal_.make("audit", 250, now - ago, now - ago);
  fixture.run_for(hours(1));
  fixture.expect_everything();
  bool larger = false;
  for (const SeenRequest& request : fixture.portal_.seen_requests()) larger = larger || request.body.find("\"limit\":403") != std::string::npos;
  EXPECT_TRUE(larger);
}

TEST_P(Piles, AreShownByCursorsWhereThoseWork) {
  PortalOptions options = audit_only(0.05, hours(2));
  options.cursors.expired = GetParam();
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.restart();
  const WallTime now = fixture.loop_.clock().now();
  fixture.portal_.make("audit", 2500, now - minutes(30), now - minutes(30));
  ASSERT_TRUE(fixture.run_once().ok());
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  for (const SeenRequest& request : fixture.portal_.seen_requests()) EXPECT_NE(request.body.find("\"limit\":100"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Disguises, Piles,
                         testing::Values(SandboxExpiredCursor::status_400, SandboxExpiredCursor::empty_page, SandboxExpiredCursor::first_page,
                                         SandboxExpiredCursor::same_cursor));

}  // namespace
}  // namespace auditferry
