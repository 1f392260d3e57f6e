// The slices of history.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(PollerHistory, SlicesThatHaveGrownKeepWithinMaxWindow) {
  PortalOptions options;
  options.dialect.max_window = hours(24 * 3);
  PollerFixture fixture(options);
  fixture.stream_.profile.max_window = hours(24 * 3);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24 * 200)};
  const WallTime now = fixture.loop_.clock().now();
  fixture.portal_.make("audit", 10, now - hours(24 * 150), now - minutes(30));
  ASSERT_TRUE(fixture.run_once(hours(24)).ok());
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_EQ(fixture.portal_.stats().by_status[400], 0u);
  // And they do grow: 200 slices of a day would be as many requests.
  EXPECT_LT(fixture.requests(), 170u);
}

}  // namespace
}  // namespace auditferry
