// What a reread no longer meets.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Newest first and oldest first.
class Erasures : public testing::TestWithParam<const char*> {
 protected:
  static std::uint64_t vanished(PollerFixture& fixture) { return fixture.snapshot().streams.at(0).books.vanished; }
  // Of the records that the portal made half an hour ago.
  static std::vector<std::string> erase_some(PollerFixture& fixture, const std::string& log, std::size_t count) {
    std::vector<std::string> erased;
    const WallTime now = fixture.loop_.clock().now();
    for (const RecordInfo& record : fixture.portal_.all_records(log)) {
      if (erased.size() == count || record.created > now - minutes(25) || record.created < now - minutes(35)) continue;
      EXPECT_TRUE(fixture.portal_.erase(log, record.id));
      erased.push_back(record.id);
    }
    return erased;
  }
};

TEST_P(Erasures, RecordsThatAreErasedAreToldOnceAndKept) {
  PollerFixture fixture(steady(0.05, hours(3)), GetParam(), "audit");
  fixture.stream_.poll_every = minutes(2);
  fixture.stream_.reread = {hours(1), hours(2)};
  fixture.restart();
  fixture.run_for(hours(3));
  EXPECT_EQ(vanished(fixture), 0u);
  const std::vector<std::string> erased = erase_some(fixture, fixture.log_name_, 3);
  ASSERT_EQ(erased.size(), 3u);
  fixture.run_for(hours(3));
  EXPECT_EQ(vanished(fixture), 3u);
  EXPECT_EQ(fixture.log_.count("no longer shows", LogLevel::warn), 1u);
  for (const std::string& id : erased) EXPECT_EQ(fixture.ids().count(id), 1u) << "what was collected stays";
}

TEST_P(Erasures, WhatIsOlderThanRetentionIsGoneByRight) {
  PollerFixture fixture(steady(0.05, hours(3)), GetParam(), "audit");
  fixture.stream_.poll_every = minutes(2);
  fixture.stream_.reread = {hours(1)};
  fixture.stream_.retention = minutes(50);
  fixture.restart();
  fixture.run_for(hours(3));
  ASSERT_EQ(erase_some(fixture, fixture.log_name_, 3).size(), 3u);
  fixture.run_for(hours(3));
  EXPECT_EQ(vanished(fixture), 0u);
}

// A reread that cannot read a page does not know what was on it.
TEST_P(Erasures, AWindowThatCouldNotBeReadWholeSaysNothing) {
  PollerFixture fixture(steady(0.05, hours(3)), GetParam(), "audit");
  fixture.stream_.poll_every = minutes(2);
  fixture.stream_.reread = {hours(1)};
  fixture.restart();
  fixture.run_for(hours(3));
  RandomFault fault;
  fault.rate = 0.7;
  fault.fault.kind = FaultKind::malformed;
  Faults faults;
  faults.random.push_back(fault);
  fixture.portal_.set_faults(faults);
  fixture.run_for(hours(6));
  EXPECT_EQ(vanished(fixture), 0u);
}

// Its attempts by time may pass over what stands elsewhere than its time says.
TEST(VanishedRecords, ARereadWhoseCursorsEndEarlySaysNothing) {
  PortalOptions options = audit_only(0, hours(1));
  options.dialect.order_by_event = true;
  options.page_limit = 2;
  PollerFixture fixture(options);
  fixture.stream_.profile.page_size = 2;
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {hours(1)};
  fixture.stream_.poll_every = minutes(2);
  const WallTime now = fixture.loop_.clock().now();
  for (const int age : {20, 10, 14, 13, 12, 11}) fixture.portal_.add("audit", now - minutes(age));
  fixture.run_for(minutes(30));
  ASSERT_EQ(fixture.ids().size(), 6u);
  SandboxCursors cursors;
  cursors.uses = 1;
  cursors.expired = SandboxExpiredCursor::first_page;
  fixture.portal_.set_cursors(cursors);
  fixture.run_for(hours(2));
  EXPECT_EQ(fixture.snapshot().streams.at(0).books.vanished, 0u);
  EXPECT_GT(fixture.portal_.stats().expired_cursors[SandboxExpiredCursor::first_page], 0u);
}

INSTANTIATE_TEST_SUITE_P(Orders, Erasures, testing::Values("apptego", "okta"));

}  // namespace
}  // namespace auditferry
