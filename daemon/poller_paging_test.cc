// Offset and page-number paging, through a poller and the simulated portal.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "tests/support/counted_paging.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Kind {
  const char* name;
  PagingKind paging;
  SandboxPaging sandbox;
  std::uint32_t first_page;
};

class CountedPaging : public testing::TestWithParam<Kind> {
 protected:
  PortalOptions options(double rate, Duration history) {
    PortalOptions options = audit_only(rate, history);
    options.dialect.paging = GetParam().sandbox;
    options.dialect.first_page = GetParam().first_page;
    options.dialect.strict_fields = true;
    return options;
  }
  void set_up(PollerFixture& fixture) {
    fixture.stop();
    page_by_count(fixture.stream_.profile, GetParam().paging, GetParam().first_page);
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.open();
  }
};

TEST_P(CountedPaging, CollectsEverythingOnceInFewRequests) {
  PollerFixture fixture(options(1, hours(2)));
  set_up(fixture);
  ASSERT_TRUE(fixture.run_once().ok()) << fixture.poller_->status().problem;
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  // A tenth of each page comes twice; a proof and the ends of walks beside it.
  EXPECT_LT(fixture.requests(), fixture.portal_ids().size() / 100 * 3 / 2 + 15);
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

TEST_P(CountedPaging, CollectsEverythingWhereTheServerGivesLessThanIsAskedFor) {
  PortalOptions small = options(0.5, hours(2));
  small.page_limit = 23;
  PollerFixture fixture(small);
  set_up(fixture);
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

// What is added at the top while pages are turned moves everything down, what is taken away moves it up.
TEST_P(CountedPaging, LosesNothingWhileRecordsComeAndGo) {
  PortalOptions moving = options(1, hours(1));
  moving.streams[SandboxLog::audit].late_share = 0.3;
  moving.streams[SandboxLog::audit].late_by = minutes(3);
  PollerFixture fixture(moving);
  set_up(fixture);
  fixture.http_.set_latency(seconds(2));
  for (int round = 0; round < 30; ++round) {
    fixture.run_for(seconds(20));
    // Sixty of the newest that have been collected.
    const std::set<std::string> got = fixture.ids();
    const std::vector<RecordInfo> all = fixture.portal_.all_records("audit");
    int taken = 0;
    for (auto record = all.rbegin(); record != all.rend() && taken < 60; ++record) {
      if (record->erased || got.count(record->id) == 0) continue;
      fixture.portal_.erase("audit", record->id);
      ++taken;
    }
  }
  fixture.http_.set_latency({});
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

TEST_P(CountedPaging, AnswersThatAreTooLargeAreAskedForInSmallerPages) {
  PortalOptions large = options(0.5, hours(2));
  large.streams[SandboxLog::audit].record_bytes = 3000;
  PollerFixture fixture(large);
  set_up(fixture);
  fixture.source_.max_page_bytes = 100'000;  // some thirty records
  fixture.restart();
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

// Pages overlap, and what they share is known by its content; some records come late, and many are equal.
TEST_P(CountedPaging, CollectsEverythingOnceWithoutIds) {
  for (const bool late : {false, true}) {
    PortalOptions idless = options(1, hours(2));
    idless.dialect.id_missing = true;
    if (late) {
      idless.streams[SandboxLog::audit].pile = 30;
      idless.streams[SandboxLog::audit].late_share = 0.1;
      idless.streams[SandboxLog::audit].late_by = minutes(3);
    }
    PollerFixture fixture(idless);
    set_up(fixture);
    fixture.http_.set_latency(std::chrono::milliseconds(200));
    ASSERT_TRUE(fixture.run_once().ok()) << fixture.poller_->status().problem;
    EXPECT_LT(fixture.requests(), fixture.portal_ids().size() / 100 * 3 / 2 + 15);
    fixture.run_for(minutes(20));
    fixture.expect_every_content();
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CountedPaging,
                         testing::Values(Kind{"offset", PagingKind::offset, SandboxPaging::offset, 0},
                                         Kind{"page_from_0", PagingKind::page, SandboxPaging::page, 0},
                                         Kind{"page_from_1", PagingKind::page, SandboxPaging::page, 1}),
                         [](const testing::TestParamInfo<Kind>& chosen) { return std::string(chosen.param.name); });

// Too large for max_page_bytes, with cursors that expire as an empty page: the smaller pages are full, and
// full pages are no end. Ninety of every two hundred records share their second.
TEST(PollerPaging, SmallerPagesAreNotTakenForTheEndOfTheLog) {
  PortalOptions options = audit_only(0.5, hours(1));
  options.streams[SandboxLog::audit].record_bytes = 3000;
  options.streams[SandboxLog::audit].pile = 30;
  options.cursors.lifetime = Duration(1);
  options.cursors.expired = SandboxExpiredCursor::empty_page;
  PollerFixture fixture(options);
  fixture.http_.set_latency(std::chrono::milliseconds(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.source_.max_page_bytes = 100'000;
  fixture.restart();
  fixture.run_for(minutes(20));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  const JournalSnapshot snapshot = fixture.snapshot();
  const std::set<std::string> got = fixture.ids();
  for (const RecordInfo& record : fixture.portal_.all_records("audit")) {
    if (got.count(record.id) > 0) continue;
    EXPECT_TRUE(std::any_of(snapshot.gaps.begin(), snapshot.gaps.end(), [&record](const GapRow& gap) { return gap.range->contains(record.created); }))
        << "lost in silence: " << record.id;
  }
}

}  // namespace
}  // namespace auditferry
