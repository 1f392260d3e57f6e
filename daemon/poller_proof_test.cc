// Proof of the range: before the first coverage and daily; what was shown while it did not hold is shown again.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Questions for exactly one moment: only a proof asks them.
std::size_t proofs(PollerFixture& fixture) {
  std::size_t count = 0;
  for (const SeenRequest& request : fixture.portal_.seen_requests()) {
    const auto number_after = [&request](const std::string& key) {
      const std::size_t at = request.body.find("\"" + key + "\":");
      return at == std::string::npos ? std::string("none of " + key) : request.body.substr(at + key.size() + 3, 10);
    };
    count += number_after("start_time") == number_after("end_time");
  }
  return count;
}

TEST(PollerProof, ComesBeforeTheFirstWalkAndThenDaily) {
  PollerFixture fixture(audit_only(0.01, hours(3)));
  fixture.stream_.poll_every = minutes(10);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(2));
  EXPECT_EQ(proofs(fixture), 1u);
  // Without a range for the newest record, then for exactly its time: the first two requests of all.
  const std::vector<SeenRequest> seen = fixture.portal_.seen_requests();
  EXPECT_EQ(seen.at(0).body.find("start_time"), std::string::npos);
  EXPECT_NE(seen.at(1).body.find("start_time"), std::string::npos);
  fixture.run_for(hours(21));
  fixture.restart();  // a restart does not ask again
  fixture.run_for(minutes(50));
  EXPECT_EQ(proofs(fixture), 1u);
  fixture.run_for(hours(2));
  EXPECT_EQ(proofs(fixture), 2u);
  fixture.run_for(hours(24 * 5));
  EXPECT_EQ(proofs(fixture), 7u);
}

TEST(PollerProof, NothingIsShownBeforeIt) {
  PortalOptions options = audit_only(0.5, hours(3));
  options.dialect.request_time_unit = TimeUnit::milliseconds;
  PollerFixture fixture(options);
  fixture.run_for(hours(1));
  EXPECT_TRUE(fixture.poller_->status().stopped);
  JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_TRUE(fixture.collection(snapshot).coverage.empty());
  fixture.portal_.set_dialect({});
  fixture.run_for(hours(1));
  snapshot = fixture.snapshot();
  EXPECT_FALSE(fixture.collection(snapshot).coverage.empty());
}

// From noon on the portal takes our seconds for milliseconds: every answer is empty. The next proof finds
// it, and once the portal is itself again, what was taken for shown since the last proof is asked for anew.
TEST(PollerProof, ACursorThatStandsElsewhereIsNamedAndNothingIsShownBefore) {
  // The server's pages may be smaller than what is asked for.
  for (const std::uint32_t limit : {100u, 17u}) {
    PortalOptions options = audit_only(0.5, hours(3));
    options.page_limit = limit;
    PollerFixture fixture(options);
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.stream_.profile.cursor = "/next_cursor";
    fixture.restart();
    fixture.run_for(hours(1));
    const PollerStatus& status = fixture.poller_->status();
    EXPECT_TRUE(status.stopped);
    EXPECT_NE(status.problem.find("has no cursor at /next_cursor"), std::string::npos) << status.problem;
    EXPECT_NE(status.problem.find("streams.audit.cursor"), std::string::npos) << status.problem;
    JournalSnapshot snapshot = fixture.snapshot();
    EXPECT_TRUE(fixture.collection(snapshot).coverage.empty());
    fixture.stream_.profile.cursor = "/cursor";
    fixture.restart();
    fixture.run_for(hours(1));
    EXPECT_FALSE(fixture.poller_->status().stopped);
    fixture.portal_.stop_making();
    fixture.run_for(minutes(30));
    EXPECT_EQ(fixture.ids(), fixture.portal_ids());
    EXPECT_EQ(fixture.gaps(), std::vector<std::string>());
  }
}

// Some servers give no cursor with a page that is smaller than their usual one, and a small log needs none.
TEST(PollerProof, ALogOfOnePageIsProvedWithoutACursor) {
  for (const int records : {1, 2, 60, 100}) {
    PollerFixture fixture(audit_only(0, hours(3)));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.restart();
    const WallTime now = fixture.loop_.clock().now();
    for (int i = 0; i < records; ++i) fixture.portal_.add("audit", now - minutes(1 + i));
    fixture.run_for(minutes(20));
    EXPECT_FALSE(fixture.poller_->status().stopped) << fixture.poller_->status().problem;
    fixture.expect_everything();
  }
}

// One record has nothing behind it that a cursor could lead to; and the proof is a day old when more come.
TEST(PollerProof, ALogThatGrowsBehindItLosesNothingWithoutACursor) {
  PollerFixture fixture(audit_only(0, hours(3)));
  fixture.stream_.profile.cursor = "/next_cursor";
  fixture.restart();
  fixture.portal_.add("audit", fixture.loop_.clock().now() - minutes(1));
  fixture.run_for(minutes(10));
  const WallTime now = fixture.loop_.clock().now();
  for (int i = 0; i < 950; ++i) fixture.portal_.add("audit", now - std::chrono::milliseconds(100 * i));
  fixture.run_for(minutes(10));
  fixture.expect_everything();
  EXPECT_EQ(fixture.ids().size(), 951u);
}

TEST(PollerProof, WhatWasShownBeforeADisproofIsShownAgain) {
  for (const bool restarts : {false, true}) {
    PollerFixture fixture(audit_only(0.02, hours(3)));
    fixture.stream_.poll_every = minutes(5);
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.run_for(hours(12));
    SandboxDialect broken;
    broken.request_time_unit = TimeUnit::milliseconds;
    fixture.portal_.set_dialect(broken);
    fixture.run_for(hours(13));
    EXPECT_TRUE(fixture.poller_->status().stopped);
    EXPECT_NE(fixture.poller_->status().problem.find("time_unit"), std::string::npos);
    EXPECT_LT(fixture.ids().size() + 500, fixture.portal_ids().size());
    if (restarts) fixture.restart();
    fixture.portal_.set_dialect({});
    fixture.run_for(hours(1));
    EXPECT_TRUE(fixture.poller_->status().up);
    if (restarts) fixture.restart();
    fixture.run_for(hours(2));
    fixture.portal_.stop_making();
    fixture.run_for(minutes(30));
    EXPECT_EQ(fixture.ids(), fixture.portal_ids());
    EXPECT_EQ(fixture.gaps(), std::vector<std::string>());
    // And then it is done: no more than the ordinary polls and proofs.
    const std::uint64_t before = fixture.requests();
    fixture.run_for(hours(2));
    EXPECT_LT(fixture.requests() - before, 300u);
    EXPECT_TRUE(PollerNotes::from_text(fixture.snapshot().streams[0].collections.back().state).show_again.empty());
  }
}

// A refusal (a revoked token, say) in place of an answer disproves nothing.
TEST(PollerProof, ARefusalIsNoDisproof) {
  PollerFixture fixture(audit_only(0.02, hours(3)));
  fixture.stream_.poll_every = minutes(5);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(23));
  fixture.portal_.set_token_revoked(sandbox_token_key, true);
  fixture.run_for(hours(2));
  EXPECT_TRUE(fixture.poller_->status().stopped);
  const PollerNotes notes = PollerNotes::from_text(fixture.snapshot().streams[0].collections.back().state);
  EXPECT_FALSE(notes.disproved);
  EXPECT_TRUE(notes.show_again.empty());
}

// Pages that had to be made small hold one record, and a newer one of the same second comes in between.
TEST(PollerProof, ARecordThatHidesTheOneThatProvesIsToldOfItsSource) {
  PollerFixture fixture;
  const WallTime time = std::chrono::floor<seconds>(fixture.loop_.clock().now()) - minutes(1);
  fixture.portal_.make("audit", 2, time - minutes(1), time, 3000);
  fixture.source_.max_page_bytes = 4000;
  fixture.restart();
  fixture.http_.set_latency(seconds(2));
  // A hundred, fifty and so on down to one.
  for (int i = 0; i < 300 && fixture.requests() < 7; ++i) fixture.run_for(std::chrono::milliseconds(100));
  fixture.portal_.make("audit", 1, time, time, 3000);
  for (int i = 0; i < 300 && fixture.poller_->status().problem.empty(); ++i) fixture.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(fixture.poller_->status().problem,
            "source acme, stream audit: newer records hid the one that was to prove the range; asking again");
  fixture.source_.max_page_bytes = 1u << 20;
  fixture.expect_everything();
}

TEST(PollerProof, NotesAreKeptAsTheyAre) {
  PollerNotes notes;
  const WallTime time = from_micros(1'763'890'000'000'000);
  notes.doubt = Doubt{time, time + hours(1), true, time + minutes(1), time + minutes(2)};
  notes.looked_at_beginning = true;
  notes.shown_first = time;
  notes.shown_history = time + hours(2);
  notes.shown_live = time + hours(3);
  notes.since_proof = {{time, time + hours(1)}, {time + hours(2), time + hours(3)}};
  notes.disproved = true;
  notes.show_again = {{time - hours(1), time}};
  notes.reread[hours(1)] = time;
  const PollerNotes again = PollerNotes::from_text(notes.to_text());
  EXPECT_EQ(again.to_text(), notes.to_text());
  ASSERT_TRUE(again.doubt);
  EXPECT_EQ(again.doubt->to, time + hours(1));
  EXPECT_TRUE(again.doubt->known_before);
  EXPECT_EQ(again.doubt->first_shown, time + minutes(2));
  EXPECT_EQ(again.since_proof, notes.since_proof);
  EXPECT_EQ(again.show_again, notes.show_again);
  EXPECT_TRUE(again.disproved);
}

}  // namespace
}  // namespace auditferry
