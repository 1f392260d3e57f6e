// Oldest-first logs in the shapes of two vendors: one always gives a next link, the other only while
// something follows.

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/poller_fixture.h"
#include "storage/ledger.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

SandboxLog log_of(const std::string& vendor) { return vendor == "okta" ? SandboxLog::okta : SandboxLog::github; }

PortalOptions steady_log(const std::string& vendor, double rate = 0.2, Duration history = hours(3)) {
  PortalOptions options;
  options.streams[log_of(vendor)].rate_per_second = rate;
  options.streams[log_of(vendor)].history = history;
  return options;
}

std::vector<LedgerRow> rows_of_kind(PollerFixture& fixture, const std::string& kind) {
  std::vector<LedgerRow> rows;
  read_ledger(fixture.journal_->database(), {}, [&](const LedgerRow& row) {
    if (row.kind == kind) rows.push_back(row);
  });
  return rows;
}

void expect_everything(PollerFixture& fixture, Duration rest = hours(1)) {
  fixture.portal_.stop_making();
  fixture.run_for(rest);
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_EQ(fixture.snapshot().gaps.size(), 0u);
  EXPECT_EQ(fixture.log_.count("", LogLevel::error), 0u);
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
}

class Vendors : public testing::TestWithParam<const char*> {};

TEST_P(Vendors, RereadsFindWhatCameLateAndCountIt) {
  PortalOptions options = steady_log(GetParam(), 0.05);
  options.streams[log_of(GetParam())].late_share = 0.3;
  options.streams[log_of(GetParam())].late_by = minutes(50);
  PollerFixture fixture(options, GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {hours(1)};
  fixture.stream_.poll_every = minutes(5);
  fixture.run_for(hours(6));
  expect_everything(fixture, hours(8));
  EXPECT_GT(fixture.snapshot().streams[0].books.late, 50u);
}

// Else what lies between the two clocks would never be asked for.
TEST_P(Vendors, AFirstStartCountsByThePortalsClockWhereOursIsAhead) {
  PortalOptions options = steady_log(GetParam(), 0.01, hours(6));
  options.date_offset = -hours(2);
  PollerFixture fixture(options, GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(1)};
  const WallTime began = fixture.loop_.clock().now();
  fixture.run_for(minutes(5));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_TRUE(fixture.collection(snapshot).start);
  EXPECT_LT(*fixture.collection(snapshot).start, began - hours(3) + seconds(10));
}

TEST_P(Vendors, RereadsGoOnAcrossRestartsBesideTheCursor) {
  PortalOptions options = steady_log(GetParam(), 0.05);
  options.streams[log_of(GetParam())].late_share = 0.3;
  options.streams[log_of(GetParam())].late_by = minutes(50);
  options.page_limit = 7;
  PollerFixture fixture(options, GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {hours(1)};
  fixture.stream_.poll_every = minutes(5);
  for (int crash = 0; crash < 40; ++crash) {
    fixture.run_for(minutes(3) + seconds(7 * crash));
    fixture.restart();
  }
  expect_everything(fixture, hours(12));
  EXPECT_EQ(rows_of_kind(fixture, "cursor").size(), 0u);
}

TEST_P(Vendors, APageThatCannotBeReadThreeTimesIsReadInPieces) {
  PollerFixture fixture(steady_log(GetParam()), GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  Fault malformed;
  malformed.kind = FaultKind::malformed;
  fixture.portal_.add_fault({GetParam(), 2, 4, malformed});
  fixture.run_for(hours(1));
  expect_everything(fixture);
}

TEST_P(Vendors, ARecordThatStaysUnreadableIsQuarantinedAndBecomesOneGap) {
  PollerFixture fixture(steady_log(GetParam()), GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {};
  fixture.run_for(minutes(20));
  const WallTime when = std::chrono::floor<seconds>(fixture.loop_.clock().now()) + Duration(500'000);
  fixture.run_for(seconds(1));
  fixture.portal_.add_raw(fixture.log_name_, when, "poison", "{\"uuid\" \"poison\"}");
  fixture.run_for(hours(2));
  fixture.portal_.stop_making();
  fixture.run_for(hours(1));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "unreadable");
  EXPECT_LE(snapshot.gaps[0].range->from, when);
  EXPECT_GE(snapshot.gaps[0].range->to, when);
  EXPECT_LT(snapshot.gaps[0].range->to - snapshot.gaps[0].range->from, Duration(seconds(20)));
  EXPECT_GE(snapshot.quarantined_items, 1u);
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
  // Coverage goes on behind the gap and does not claim it.
  const std::vector<CoverageInterval>& coverage = fixture.collection(snapshot).coverage;
  EXPECT_FALSE(holes_in(coverage, *snapshot.gaps[0].range).empty());
  EXPECT_TRUE(holes_in(coverage, {snapshot.gaps[0].range->to, fixture.loop_.clock().now() - minutes(2)}).empty());
  std::set<std::string> missing;
  const std::set<std::string> got = fixture.ids();
  for (const RecordInfo& record : fixture.portal_.all_records(fixture.log_name_)) {
    if (!got.count(record.id) && !snapshot.gaps[0].range->contains(record.created)) missing.insert(record.id);
  }
  EXPECT_EQ(missing, std::set<std::string>());
}

TEST_P(Vendors, PagesThatAreTooLargeAreHalved) {
  PortalOptions options = steady_log(GetParam(), 0.1);
  options.streams[log_of(GetParam())].record_bytes = 20'000;
  PollerFixture fixture(options, GetParam());
  fixture.source_.max_page_bytes = 200'000;
  fixture.restart();
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(1));
  expect_everything(fixture);
}

TEST_P(Vendors, OneRecordThatIsLargerThanAPageMayBeIsOneGap) {
  PollerFixture fixture(steady_log(GetParam()), GetParam());
  fixture.source_.max_page_bytes = 200'000;
  fixture.restart();
  fixture.stream_.reread = {};
  fixture.run_for(minutes(20));
  const WallTime now = fixture.loop_.clock().now();
  fixture.portal_.make(fixture.log_name_, 1, now, now, 300'000);
  fixture.run_for(hours(2));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "unreadable");
  EXPECT_NE(snapshot.gaps[0].why.find("max_page_bytes"), std::string::npos) << snapshot.gaps[0].why;
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
  EXPECT_GT(fixture.collection(snapshot).coverage.back().range.to, fixture.loop_.clock().now() - minutes(2));
}

TEST_P(Vendors, WhatWasForgottenWhileTheCursorExpiredIsOneGap) {
  PortalOptions options = steady_log(GetParam(), 0.01, hours(24));
  options.streams[log_of(GetParam())].retention = hours(48);
  PollerFixture fixture(options, GetParam());
  fixture.stream_.poll_every = minutes(1);
  fixture.stream_.profile.page_size = 20;  // so that both vendors leave a cursor behind
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(2));
  const WallTime stopped = fixture.loop_.clock().now();
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.portal_.expire_cursors();
  fixture.open();
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten");
  EXPECT_LT(std::chrono::abs(snapshot.gaps[0].range->from - stopped), Duration(minutes(2)));
  EXPECT_LT(std::chrono::abs(snapshot.gaps[0].range->to - (stopped + hours(72))), Duration(hours(2)));
  const std::vector<LedgerRow> told = rows_of_kind(fixture, "cursor");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].detail.find("\"verdict\":\"gap\""), std::string::npos) << told[0].detail;
}

TEST_P(Vendors, WhatWasForgottenIsAGapAlsoWhereTheCursorStillWorks) {
  PortalOptions options = steady_log(GetParam(), 0.01, hours(24));
  options.streams[log_of(GetParam())].retention = hours(48);
  PollerFixture fixture(options, GetParam());
  fixture.stream_.poll_every = minutes(1);
  fixture.run_for(hours(2));
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.open();
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten");
}

// What the cursor brings first need not be the oldest of what the portal still shows.
TEST_P(Vendors, WhatWasForgottenEndsWhereThePortalsMemoryBeginsInWhateverOrderTheCursorGoes) {
  PortalOptions options = steady_log(GetParam(), 0.01, hours(24));
  options.streams[log_of(GetParam())].retention = hours(48);
  PollerFixture fixture(options, GetParam());
  fixture.stream_.poll_every = minutes(1);
  fixture.stream_.profile.page_size = 1;
  fixture.restart();
  fixture.run_for(hours(2));
  const WallTime stopped = fixture.loop_.clock().now();
  // Numbered now, so that a cursor meets it before all that comes meanwhile.
  fixture.portal_.add(GetParam(), stopped + hours(110), {}, stopped + hours(110));
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.open();
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten");
  EXPECT_LT(std::chrono::abs(snapshot.gaps[0].range->to - (stopped + hours(72))), Duration(hours(2)));
}

TEST_P(Vendors, ACursorThatExpiredWithoutAnOutageIsCoveredAndTheLedgerSaysSo) {
  PollerFixture fixture(steady_log(GetParam()), GetParam());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(1));
  fixture.portal_.expire_cursors();
  fixture.run_for(minutes(10));
  const std::vector<LedgerRow> told = rows_of_kind(fixture, "cursor");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].chain, 0);
  EXPECT_NE(told[0].detail.find("\"verdict\":\"covered\""), std::string::npos) << told[0].detail;
  expect_everything(fixture);
}

TEST_P(Vendors, AnOutageThatThePortalRemembersIsCovered) {
  PollerFixture fixture(steady_log(GetParam(), 0.01, hours(24)), GetParam());
  fixture.stream_.poll_every = minutes(1);
  fixture.stream_.profile.page_size = 20;
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(2));
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.portal_.expire_cursors();
  fixture.open();
  const Status done = fixture.run_once();
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  const std::vector<LedgerRow> told = rows_of_kind(fixture, "cursor");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].detail.find("\"verdict\":\"covered\""), std::string::npos) << told[0].detail;
  expect_everything(fixture);
}

// The profile looks for the next link where there is none. A page that is not full is the log's end.
TEST_P(Vendors, ALinkThatStandsElsewhereLosesNothing) {
  PollerFixture fixture(steady(), GetParam(), "audit");
  fixture.stream_.profile.cursor = "/nowhere";
  fixture.stream_.profile.next_link_always = false;
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.restart();
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

INSTANTIATE_TEST_SUITE_P(Follow, Vendors, testing::Values("okta", "github"),
                         [](const auto& chosen) { return std::string(chosen.param); });

// Ways in which cursors and pages may behave without anybody being wrong.
struct FollowOddity {
  const char* name;
  void (*apply)(PortalOptions&, SandboxLog);
};

class FollowOddities : public testing::TestWithParam<std::tuple<const char*, FollowOddity>> {};

TEST_P(FollowOddities, LoseNothing) {
  const auto& [vendor, oddity] = GetParam();
  PortalOptions options = steady_log(vendor, 1, hours(1));
  oddity.apply(options, log_of(vendor));
  PollerFixture fixture(options, vendor);
  fixture.stream_.profile.page_size = 50;
  fixture.stream_.poll_every = minutes(1);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {};
  fixture.run_for(minutes(30));
  expect_everything(fixture, minutes(30));
}

INSTANTIATE_TEST_SUITE_P(
    Portal, FollowOddities,
    testing::Combine(testing::Values("okta", "github"),
                     testing::Values(FollowOddity{"short_chains", [](PortalOptions& options, SandboxLog) { options.cursors.uses = 3; }},
                                     FollowOddity{"no_cursor_works_twice", [](PortalOptions& options, SandboxLog) { options.cursors.uses = 1; }},
                                     FollowOddity{"short_lived_cursors", [](PortalOptions& options, SandboxLog) { options.cursors.lifetime = seconds(20); }},
                                     FollowOddity{"small_server_pages", [](PortalOptions& options, SandboxLog) { options.page_limit = 17; }},
                                     FollowOddity{"portal_clock_behind", [](PortalOptions& options, SandboxLog) { options.date_offset = -minutes(2); }},
                                     FollowOddity{"piles", [](PortalOptions& options, SandboxLog log) { options.streams[log].pile = 130; }})),
    [](const auto& chosen) { return std::string(std::get<0>(chosen.param)) + "_" + std::get<1>(chosen.param).name; });

}  // namespace
}  // namespace auditferry
