// Going on where it was: after cursors that expired, after a crash, and after the portal said wait. Requests
// are counted, since asking for everything anew would find it all, too.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "storage/sqlite.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class CountedCursors : public testing::TestWithParam<SandboxExpiredCursor> {};

// Every fourth page fails: each time one page is asked for again, not the walk.
TEST_P(CountedCursors, CostARequestOrTwoEach) {
  PortalOptions options = audit_only(1, hours(3));
  options.cursors.uses = 3;
  options.cursors.expired = GetParam();
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.restart();
  ASSERT_TRUE(fixture.run_once().ok());
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  const std::uint64_t pages = fixture.portal_ids().size() / 100;
  EXPECT_GT(pages, 100u);
  // Of five requests three bring a page of new records: one fails, and one asks for the last page again.
  EXPECT_GT(fixture.requests(), pages * 5 / 4);
  EXPECT_LT(fixture.requests(), pages * 2);
}

INSTANTIATE_TEST_SUITE_P(Disguises, CountedCursors,
                         testing::Values(SandboxExpiredCursor::status_400, SandboxExpiredCursor::empty_page, SandboxExpiredCursor::first_page,
                                         SandboxExpiredCursor::same_cursor));

// A walk of a hundred pages and ten crashes in it: a crash costs a page at most (it was asked for ahead).
TEST(PollerResume, ACrashInTheMiddleOfAWalkCostsOneRequest) {
  std::uint64_t without = 0;
  for (const int crashes : {0, 10}) {
    PortalOptions options;
    PollerFixture fixture(options);
    const WallTime now = fixture.loop_.clock().now();
    fixture.portal_.make("audit", 12'000, now - hours(20), now - hours(2));
    fixture.http_.set_latency(seconds(1));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.restart();
    for (int crash = 0; crash < crashes; ++crash) {
      fixture.run_for(seconds(10) + std::chrono::milliseconds(137 * crash));
      fixture.restart();
    }
    for (int i = 0; i < 600 && fixture.ids().size() < 12'000; ++i) fixture.run_for(seconds(1));
    EXPECT_EQ(fixture.ids().size(), 12'000u);
    std::uint64_t history = 0;
    for (const SeenRequest& request : fixture.portal_.seen_requests()) history += request.body.find("\"cursor\":") != std::string::npos;
    if (crashes == 0) without = history;
    EXPECT_GE(history, 119u);
    EXPECT_LE(history, without + static_cast<std::uint64_t>(crashes));
    EXPECT_EQ(fixture.snapshot().streams[0].books.duplicates, 0u);
  }
}

// A page counts as asked for when it was, not when the walk that a crash cut in two came to its end.
TEST(PollerResume, WhatCameLateBehindAWalkThatACrashInterruptedIsFound) {
  PortalOptions options = audit_only(1, hours(1));
  options.page_limit = 20;
  PollerFixture fixture(options);
  fixture.http_.set_latency(seconds(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {};
  fixture.restart();
  // Some pages of the first poll, from the top.
  fixture.run_for(seconds(8));
  const WallTime crashed = fixture.loop_.clock().now();
  fixture.stop();
  fixture.loop_.run_until_idle(minutes(1));
  fixture.portal_.add("audit", crashed - seconds(20));
  fixture.loop_.run_until_idle(minutes(29));
  fixture.http_.set_latency({});
  fixture.open();
  fixture.run_for(hours(1));
  fixture.expect_everything();
}

// Whenever the last walk of all of `overlap` was: records that had come late since then are not missed because of a stop.
TEST(PollerResume, WhatCameLateJustBeforeALongStopIsFound) {
  for (int phase = 0; phase < 10; phase += rounds(1, 5)) {
    PollerFixture fixture(audit_only(0.02, hours(1)));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.stream_.reread = {};
    fixture.restart();
    fixture.run_for(minutes(20) + phase * seconds(30));
    fixture.portal_.add("audit", fixture.loop_.clock().now() - minutes(3));
    fixture.run_for(minutes(3));
    fixture.stop();
    fixture.loop_.run_until_idle(hours(48));
    fixture.open();
    fixture.run_for(hours(1));
    fixture.expect_everything();
    if (testing::Test::HasFailure()) FAIL() << "phase " << phase;
  }
}

// A row that the disk has damaged: its records are there, and what nobody can claim any more is asked for again.
TEST(PollerResume, AWalkWhoseCoverageIsDamagedIsToldAndItsTimeIsAskedForAgain) {
  PollerFixture fixture(steady());
  fixture.run_for(minutes(5));
  const WallTime shown = fixture.shown_to();
  fixture.journal_->database().execute(
      "CREATE TEMP TRIGGER damage AFTER UPDATE OF covered ON walk BEGIN UPDATE walk SET covered = 'damaged' WHERE walk_id = new.walk_id; END");
  fixture.run_for(minutes(5));
  EXPECT_GT(fixture.log_.count("what a walk had shown cannot be read any more", LogLevel::warn), 0u);
  EXPECT_LT(fixture.shown_to(), shown + minutes(1)) << "nothing of it is claimed";
  fixture.journal_->database().execute("DROP TRIGGER damage");
  fixture.run_for(minutes(15));
  EXPECT_GT(*fixture.collection(fixture.snapshot()).watermark, fixture.loop_.clock().now() - minutes(2)) << "in one piece";
  fixture.expect_everything();
}

// What a new process obeys is what the journal holds.
TEST(PollerResume, APenaltyIsStoredInFullBeforeAnythingElse) {
  PollerFixture fixture(steady());
  fixture.run_for(minutes(5));
  Fault fault;
  fault.kind = FaultKind::rate_limited;
  fault.status = 429;
  fault.retry_after = "600";
  fault.penalty = seconds(600);
  fixture.portal_.add_fault({"audit", 0, 1, fault});
  const std::uint64_t limited_before = fixture.portal_.stats().by_status[429];
  for (int i = 0; i < 600 && fixture.portal_.stats().by_status[429] == limited_before; ++i) fixture.run_for(std::chrono::milliseconds(100));
  ASSERT_EQ(fixture.portal_.stats().by_status[429], limited_before + 1);
  const WallTime now = fixture.loop_.clock().now();
  fixture.restart();
  const Result<std::vector<Penalty>> penalties = fixture.journal_->penalties(now);
  ASSERT_TRUE(penalties.ok());
  ASSERT_EQ(penalties->size(), 1u);
  EXPECT_EQ(penalties->front().credential, credential_key(fixture.source_));
  EXPECT_EQ(penalties->front().host, host_of(fixture.source_.base_url));
  EXPECT_GT(penalties->front().until, now + seconds(598));
  EXPECT_LE(penalties->front().until, now + seconds(601));
  // A budget that takes it over sends nothing until it is over; one that does not asks at once.
  fixture.budget_->penalize(penalties->front().until - now);
  fixture.run_for(seconds(590));
  EXPECT_EQ(fixture.portal_.stats().during_penalty, 0u);
  fixture.run_for(seconds(60));
  EXPECT_TRUE(fixture.poller_->status().up);
  EXPECT_TRUE(fixture.journal_->penalties(fixture.loop_.clock().now())->empty());
}

}  // namespace
}  // namespace auditferry
