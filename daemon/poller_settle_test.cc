// `settle`: what the portal's newest seconds show may still change, so they do not count as shown.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration settle_time = seconds(20);

// Records come to light in another order than they were created in, up to 15 seconds late.
class ReorderingPortal : public PollerFixture {
 public:
  ReorderingPortal() : PollerFixture(audit_only(0.01, hours(2))) {
    stream_.settle = settle_time;
    stream_.poll_every = seconds(7);
    stream_.start = {StartSetting::Kind::ago, {}, hours(1)};
  }
  void pass(seconds time) {
    for (seconds i{0}; i < time; ++i) {
      const WallTime created = std::chrono::floor<seconds>(loop_.clock().now());
      created_.emplace(portal_.add(log_name_, created, {}, created + seconds((i.count() * 7) % 16)), created);
      run_for(seconds(1));
    }
  }
  // Whatever counts as shown has come.
  void expect_no_early_coverage() {
    const JournalSnapshot taken = snapshot();
    const std::set<std::string> got = ids();
    for (const CoverageInterval& interval : collection(taken).coverage) {
      for (const auto& [id, created] : created_) {
        const bool inside = interval.range.from < created && created < interval.range.to;
        EXPECT_TRUE(!inside || got.count(id) > 0) << id << " was not visible yet when its time counted as shown";
      }
    }
  }

 private:
  std::map<std::string, WallTime> created_;
};

// By our clock, and where the portal's is ahead of it.
TEST(PollerSettle, TheNewestSecondsDoNotCountAsShown) {
  for (const Duration offset : {Duration(), Duration(minutes(1))}) {
    ReorderingPortal fixture;
    fixture.portal_.set_date_offset(offset);
    fixture.run_for(minutes(1));
    for (int i = 0; i < 20; ++i) {
      fixture.pass(seconds(9));
      fixture.expect_no_early_coverage();
    }
    const JournalSnapshot taken = fixture.snapshot();
    EXPECT_GT(fixture.collection(taken).coverage.back().range.to, fixture.loop_.clock().now() - settle_time - seconds(30));
  }
}

// Also by the portal's clock, where a new process does not know yet how far that is behind ours.
TEST(PollerSettle, CountsFromThePortalsClock) {
  ReorderingPortal fixture;
  fixture.run_for(minutes(10));
  fixture.stop();
  fixture.loop_.run_until_idle(minutes(10));
  fixture.portal_.set_date_offset(-minutes(1));
  const WallTime before = fixture.loop_.clock().now();
  fixture.open();
  fixture.run_for(seconds(6));
  const WallTime shown = fixture.collection(fixture.snapshot()).coverage.back().range.to;
  EXPECT_GT(shown, before - minutes(2)) << "it has polled";
  EXPECT_LE(shown, fixture.loop_.clock().now() - minutes(1) - settle_time);
  // From there on the next walk of the whole overlap is due.
  const PollerNotes notes = PollerNotes::from_text(fixture.collection(fixture.snapshot()).state);
  ASSERT_TRUE(notes.overlap_at);
  EXPECT_LE(*notes.overlap_at, shown);
}

}  // namespace
}  // namespace auditferry
