// Records of a newest-first log that cannot be read, or not even alone fit into a page: each is a small gap, and
// nothing around it is lost or waits for it.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "encoding/compress.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string nested_record(WallTime when) {
  return "{\"event\":900001,\"creation_time\":" + std::to_string(to_micros(when) / 1'000'000) + ",\"raw_data\":" + std::string(300, '[') +
         std::string(300, ']') + "}";
}

// One record that no page can be read with, created at `when`.
void add_unreadable(PollerFixture& fixture, WallTime when) { fixture.portal_.add_raw("audit", when, "bad", nested_record(when)); }

// Everything but the record "bad" has come; its one gap is small and holds it.
void expect_only_bad_is_lost(PollerFixture& fixture, WallTime bad) {
  std::set<std::string> expected = fixture.portal_ids();
  EXPECT_EQ(expected.erase("bad"), 1u);
  EXPECT_EQ(fixture.ids(), expected);
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  const GapRow& gap = snapshot.gaps[0];
  EXPECT_EQ(gap.type, "unreadable");
  EXPECT_TRUE(gap.range->contains(bad));
  EXPECT_LE(gap.range->to - gap.range->from, seconds(4));
  EXPECT_FALSE(holes_in(fixture.collection(snapshot).coverage, *gap.range).empty());
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
}

WallTime this_second(PollerFixture& fixture) { return std::chrono::floor<seconds>(fixture.loop_.clock().now()); }

// The whole quarantine.
std::vector<std::string> kept_bodies(PollerFixture& fixture) {
  std::vector<std::string> bodies;
  Statement body(fixture.journal_->database(), "SELECT body FROM quarantine");
  body.query();
  while (body.step()) bodies.push_back(zstd_decompress(body.blob(0), 1u << 20).value());
  return bodies;
}

TEST(PollerUnreadable, ARecordAmongOthersIsOneGapAndLiveRecordsGoOn) {
  PollerFixture fixture(audit_only(0, hours(1)));
  fixture.stream_.poll_every = seconds(10);
  fixture.portal_.make("audit", 50, fixture.loop_.clock().now() - minutes(10), fixture.loop_.clock().now() - seconds(10));
  fixture.run_for(minutes(1));
  const WallTime bad = this_second(fixture);
  add_unreadable(fixture, bad);
  for (int i = 0; i < 22; ++i) {
    fixture.run_for(seconds(2));
    fixture.portal_.add("audit", this_second(fixture));
  }
  // Soon after it, not after the next overlap or reread.
  fixture.run_for(seconds(20));
  expect_only_bad_is_lost(fixture, bad);
  // Polls, walks of the whole overlap and a restart meet it again, and open no gap besides.
  fixture.run_for(minutes(8));
  fixture.restart();
  fixture.run_for(hours(1));
  expect_only_bad_is_lost(fixture, bad);
  EXPECT_EQ(fixture.log_.count("is in quarantine", LogLevel::error), 1u);
  const std::vector<std::string> bodies = kept_bodies(fixture);
  ASSERT_EQ(bodies.size(), 1u);
  EXPECT_NE(bodies[0].find("[[["), std::string::npos);
  EXPECT_LT(bodies[0].size(), 1500u) << "it alone is kept, not its neighbours";
}

TEST(PollerUnreadable, ARecordOfHistoryIsOneGapWhereverItStands) {
  for (const Duration ago : {Duration(minutes(30)), Duration(hours(7)), Duration(hours(20))}) {
    PollerFixture fixture(audit_only(0.01, hours(24)));
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    const WallTime bad = this_second(fixture) - ago;
    add_unreadable(fixture, bad);
    fixture.run_for(hours(1));
    fixture.portal_.stop_making();
    fixture.run_for(minutes(10));
    expect_only_bad_is_lost(fixture, bad);
  }
}

TEST(PollerUnreadable, ACrashWhileItIsLookedForLosesNothing) {
  PollerFixture fixture(audit_only(0.2, hours(3)));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(3)};
  fixture.run_for(minutes(10));
  const WallTime bad = this_second(fixture);
  fixture.run_for(seconds(1));
  add_unreadable(fixture, bad);
  for (int crash = 0; crash < 40; ++crash) {
    fixture.run_for(seconds(3) + std::chrono::milliseconds(250 * (crash % 9)));
    fixture.restart();
  }
  fixture.run_for(hours(1));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  std::set<std::string> expected = fixture.portal_ids();
  expected.erase("bad");
  EXPECT_EQ(fixture.ids(), expected);
  bool held = false;
  for (const GapRow& gap : fixture.snapshot().gaps) held = held || gap.range->contains(bad);
  EXPECT_TRUE(held);
}

TEST(PollerUnreadable, ARecordThatFitsIntoNoPageIsOneGap) {
  PollerFixture fixture(audit_only(0.1, hours(3)));
  fixture.source_.max_page_bytes = 200'000;
  fixture.restart();
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(3)};
  fixture.run_for(minutes(10));
  const WallTime bad = this_second(fixture);
  fixture.portal_.add_raw("audit", bad, "bad",
                          "{\"event\":900001,\"creation_time\":" + std::to_string(to_micros(bad) / 1'000'000) + ",\"pad\":\"" + std::string(300'000, 'x') + "\"}");
  fixture.run_for(hours(1));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  expect_only_bad_is_lost(fixture, bad);
  EXPECT_NE(fixture.snapshot().gaps[0].why.find("max_page_bytes"), std::string::npos);
}

// A portal that sends what is too large is not asked for all the smaller sizes at once.
TEST(PollerUnreadable, SmallerPagesAreAskedForWithWaitsBetween) {
  PollerFixture fixture(audit_only(0.2, hours(3)));
  fixture.run_for(minutes(10));
  Fault fault;
  fault.kind = FaultKind::huge_body;
  fault.bytes = 40u << 20;
  fixture.portal_.add_fault({"audit", 0, 5, fault});
  const std::size_t before = fixture.portal_.seen_requests().size();
  fixture.run_for(minutes(5));
  const std::vector<SeenRequest> seen = fixture.portal_.seen_requests();
  ASSERT_GT(seen.size(), before + 5);
  EXPECT_NE(seen[before + 5].body.find("\"limit\":3"), std::string::npos) << seen[before + 5].body;
  EXPECT_GT(seen[before + 5].at - seen[before].at, seconds(1));
}

// A portal of which nothing can be read any more: few gaps, few requests, and all is well once it recovers.
TEST(PollerUnreadable, APortalThatIsBrokenForAnHourIsHealedAfterwards) {
  PollerFixture fixture(audit_only(0.2, hours(3)));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(3)};
  fixture.run_for(minutes(20));
  const std::uint64_t before = fixture.requests();
  Fault fault;
  fault.kind = FaultKind::malformed;
  fixture.portal_.add_fault({"audit", 0, 1'000'000, fault});
  fixture.run_for(hours(1));
  EXPECT_FALSE(fixture.poller_->status().up);
  EXPECT_LT(fixture.requests() - before, 1500u);
  EXPECT_LT(fixture.snapshot().gaps.size(), 30u);
  fixture.portal_.set_faults({});
  fixture.run_for(minutes(30));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_EQ(fixture.snapshot().gaps.size(), 0u);
}

// The newest record of all, before anything has been shown: the range is proved with the newest that can be read.
TEST(PollerUnreadable, TheNewestRecordDoesNotKeepTheStreamFromBeginning) {
  for (const bool too_large : {false, true}) {
    PollerFixture fixture(audit_only(0, hours(1)));
    fixture.source_.max_page_bytes = 100'000;
    fixture.restart();
    const WallTime now = this_second(fixture);
    fixture.portal_.make("audit", 50, now - hours(2), now - hours(1));
    const WallTime bad = now - seconds(10);
    const std::string time = std::to_string(to_micros(bad) / 1'000'000);
    fixture.portal_.add_raw("audit", bad, "bad",
                            too_large ? "{\"event\":900001,\"creation_time\":" + time + ",\"pad\":\"" + std::string(120'000, 'x') + "\"}" : nested_record(bad));
    fixture.run_for(minutes(5));
    expect_only_bad_is_lost(fixture, bad);
  }
}

// Daily, too: it is the newest when the range is to be proved again.
TEST(PollerUnreadable, TheNewestRecordDoesNotStopPollsAtTheDailyProof) {
  PollerFixture fixture(audit_only(0.01, hours(3)));
  fixture.stream_.poll_every = minutes(5);
  fixture.run_for(hours(24) - minutes(2));
  fixture.portal_.stop_making();
  const WallTime bad = this_second(fixture);
  fixture.run_for(seconds(1));
  add_unreadable(fixture, bad);
  fixture.run_for(minutes(30));
  const std::string later = fixture.portal_.add("audit", this_second(fixture));
  fixture.run_for(minutes(10));
  EXPECT_EQ(fixture.ids().count(later), 1u);
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
  EXPECT_EQ(fixture.snapshot().gaps.size(), 1u);
}

// Nothing at all can be read: no coverage, and no silence.
TEST(PollerUnreadable, ALogWithoutAReadableRecordStopsAndSaysSo) {
  PollerFixture fixture(audit_only(0, hours(1)));
  const WallTime bad = this_second(fixture) - minutes(1);
  add_unreadable(fixture, bad);
  fixture.run_for(minutes(1));
  EXPECT_TRUE(fixture.poller_->status().stopped);
  EXPECT_NE(fixture.poller_->status().problem.find("not even one record alone could be read"), std::string::npos) << fixture.poller_->status().problem;
  EXPECT_EQ(kept_bodies(fixture).size(), 1u);
  EXPECT_TRUE(fixture.collection(fixture.snapshot()).coverage.empty());
  fixture.run_for(hours(1));
  EXPECT_LT(fixture.requests(), 1000u);
  // One that can be read is enough.
  fixture.portal_.add("audit", this_second(fixture));
  fixture.run_for(minutes(20));
  expect_only_bad_is_lost(fixture, bad);
}

// A header that is too long: no smaller page helps, and nothing is given up for it.
TEST(PollerUnreadable, AnAnswerThatBreaksTheProtocolIsAskedForAgain) {
  class LongHeaders final : public HttpClient {
   public:
    Task<Result<HttpResponse>> send(HttpRequest) override {
      ++requests;
      co_return Error{ErrorKind::protocol, "the header of the answer is larger than the limit of 64 KiB"};
    }
    int requests = 0;
  };
  PollerFixture fixture(audit_only(0.1, hours(1)));
  fixture.run_for(minutes(10));
  LongHeaders client;
  fixture.stop();
  fixture.open_with(client);
  fixture.run_for(hours(1));
  EXPECT_LT(client.requests, 60);
  EXPECT_NE(fixture.poller_->status().problem.find("64 KiB"), std::string::npos);
  EXPECT_EQ(fixture.gaps(), std::vector<std::string>());
  fixture.restart();
  fixture.expect_everything();
}

}  // namespace
}  // namespace auditferry
