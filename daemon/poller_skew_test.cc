// Clocks that differ, jump and are put back.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// What was shown counts up to the portal's own time, not up to ours.
TEST(PollerSkew, NothingCountsAsShownThatThePortalHasNotLivedThrough) {
  PortalOptions options = audit_only(0.5, hours(3));
  options.date_offset = -minutes(3);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(20));
  const WallTime portal_time = fixture.loop_.clock().now() - minutes(3);
  const JournalSnapshot snapshot = fixture.snapshot();
  const CollectionSnapshot& collection = fixture.collection(snapshot);
  ASSERT_TRUE(collection.watermark);
  EXPECT_LE(*collection.watermark, portal_time);
  EXPECT_GT(*collection.watermark, portal_time - minutes(2));
  EXPECT_EQ(fixture.log_.count("clock", LogLevel::warn), 1u);
}

TEST(PollerSkew, APortalThatIsAheadIsAskedUpToOurOwnTime) {
  PortalOptions options = audit_only(0.5, hours(3));
  options.date_offset = hours(2);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(20));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_TRUE(fixture.collection(snapshot).watermark);
  EXPECT_LE(*fixture.collection(snapshot).watermark, fixture.loop_.clock().now());
}

// The portal refuses a range that ends before it begins, so such a window would stop the stream.
TEST(PollerSkew, OurClockIsPutBackWhileRunning) {
  for (const Duration back : {Duration(seconds(7)), Duration(minutes(3)), Duration(hours(2))}) {
    PollerFixture fixture(audit_only(0.5, hours(3)));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.run_for(minutes(20));
    // The portal's clock in these tests is ours: all of the world goes back.
    fixture.loop_.clock().jump_wall(-back);
    fixture.run_for(minutes(20));
    EXPECT_TRUE(fixture.poller_->status().up) << back.count() << ": " << fixture.poller_->status().problem;
    EXPECT_EQ(fixture.portal_.stats().by_status[400], 0u) << back.count();
    for (const SeenRequest& request : fixture.portal_.seen_requests()) EXPECT_EQ(request.status, 200) << request.body;
    fixture.loop_.clock().jump_wall(back);
    fixture.run_for(minutes(20));
    fixture.expect_everything();
  }
}

TEST(PollerSkew, OurClockJumpsAhead) {
  PollerFixture fixture(audit_only(0.05, hours(3)));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(20));
  fixture.loop_.clock().jump_wall(hours(5));
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

}  // namespace
}  // namespace auditferry
