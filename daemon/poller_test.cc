#include "daemon/poller.h"

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "encoding/compress.h"
#include "storage/sqlite.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Poller, CollectsHistoryAndWhatComesAlong) {
  PollerFixture fixture(steady());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(2)};
  fixture.run_for(hours(1));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(2));
  const JournalSnapshot snapshot = fixture.snapshot();
  const CollectionSnapshot& collection = fixture.collection(snapshot);
  ASSERT_TRUE(collection.watermark.has_value());
  EXPECT_GT(*collection.watermark, fixture.loop_.clock().now() - minutes(1));
  std::set<std::string> wanted;
  for (const RecordInfo& record : fixture.portal_.all_records("audit")) {
    if (record.created >= *collection.start) wanted.insert(record.id);
  }
  const std::set<std::string> got = fixture.ids();
  for (const std::string& id : wanted) EXPECT_TRUE(got.count(id)) << id;
  EXPECT_GT(wanted.size(), 1000u);
  EXPECT_TRUE(fixture.poller_->status().up);
}

TEST(Poller, OnceReturnsWhenEverythingUpToNowIsThere) {
  PollerFixture fixture(steady());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  const Status done = fixture.run_once();
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
}

// A walk that a crash interrupted may cover up to the present second; what came after its first page is
// found only by a poll of this run's own.
TEST(Poller, OnceAfterACrashPollsOnceMoreThanItResumes) {
  PortalOptions options = steady(5, minutes(10));
  options.page_limit = 10;
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.http_.set_latency(std::chrono::milliseconds(1));
  ASSERT_TRUE(fixture.run_once().ok());
  fixture.restart();
  // Far enough into the next poll that its first page has been stored.
  for (int i = 0; i < 200 && fixture.collection(fixture.snapshot()).walks.empty(); ++i) fixture.run_for(std::chrono::milliseconds(1));
  fixture.restart();
  const JournalSnapshot before = fixture.snapshot();
  ASSERT_FALSE(fixture.collection(before).walks.empty());
  const std::string id = fixture.portal_.add("audit", fixture.loop_.clock().now());
  ASSERT_TRUE(fixture.run_once().ok());
  EXPECT_TRUE(fixture.ids().count(id));
}

TEST(Poller, OnceOnAnEmptyLogReturnsWithoutClaimingCoverage) {
  PollerFixture fixture;
  ASSERT_TRUE(fixture.run_once().ok());
  const JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_TRUE(fixture.collection(snapshot).coverage.empty());
}

TEST(Poller, GoesOnInTheMiddleOfAWalkAfterACrashAtAnyMoment) {
  PollerFixture fixture(steady());
  fixture.source_.requests_per_minute = 120;
  fixture.restart();
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  for (int crash = 0; crash < 60; ++crash) {
    fixture.run_for(std::chrono::milliseconds(137 * (crash % 17)));
    fixture.restart();
  }
  fixture.expect_everything();
}

TEST(Poller, FindsTheBeginningOfTheLogWithAHandfulOfQuestions) {
  PortalOptions options = steady(0.001, hours(24 * 90));
  PollerFixture fixture(options);
  fixture.stream_.start.kind = StartSetting::Kind::oldest;
  fixture.run_for(hours(2));
  EXPECT_EQ(fixture.ids().size(), fixture.portal_ids().size());
  EXPECT_LT(fixture.portal_.stats().requests, 1500u);
}

TEST(Poller, RecordsThatAppearLateWithinOverlapAreCollectedAndCounted) {
  PortalOptions options = steady();
  options.streams[SandboxLog::audit].late_share = 0.2;
  options.streams[SandboxLog::audit].late_by = minutes(4);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(1));
  fixture.expect_everything();
  EXPECT_GT(fixture.snapshot().streams[0].books.late, 100u);
}

// The portal says it is two hours earlier than we think: what it shows of the last minutes is not left out.
TEST(Poller, AFirstStartWhileOurClockIsAheadBeginsWhereThePortalSaysItIs) {
  PollerFixture fixture;
  fixture.portal_.set_date_offset(-hours(2));
  const WallTime then = fixture.loop_.clock().now() - hours(2) - minutes(10);
  fixture.portal_.make("audit", 10, then, then + minutes(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, minutes(30)};
  fixture.run_for(minutes(30));
  EXPECT_EQ(fixture.ids().size(), 10u);
}

// A clock that was ahead for a while leaves no mark that keeps the overlap from being walked.
TEST(Poller, OverlapIsWalkedAgainAfterTheClockWasAhead) {
  PortalOptions options = steady();
  options.streams[SandboxLog::audit].late_share = 0.2;
  options.streams[SandboxLog::audit].late_by = minutes(4);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(20));
  PollerNotes notes = PollerNotes::from_text(fixture.snapshot().streams[0].collections.back().state);
  ASSERT_TRUE(notes.overlap_at);
  fixture.stop();
  {
    const std::unique_ptr<Journal> journal = std::move(Journal::open(fixture.folder_ / "journal.db")).value();
    notes.overlap_at = fixture.loop_.clock().now() + hours(24 * 365);
    const std::int64_t collection = take_snapshot(*journal)->streams[0].collections.back().collection_id;
    ASSERT_TRUE(journal->save_collection(collection, notes.to_text()).ok());
    ASSERT_TRUE(journal->close().ok());
  }
  fixture.open();
  fixture.run_for(hours(1));
  fixture.expect_everything();
}

TEST(Poller, RereadsFindWhatCameHoursLate) {
  PortalOptions options = steady(0.05);
  options.streams[SandboxLog::device].late_share = 0.3;
  options.streams[SandboxLog::device].late_by = minutes(50);
  PollerFixture fixture(options, "apptego", "device");
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {hours(1)};
  fixture.run_for(hours(6));
  fixture.portal_.stop_making();
  fixture.run_for(hours(8));
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_GT(fixture.snapshot().streams[0].books.late, 50u);
}

TEST(Poller, ARecordThatThePortalChangesBecomesARevision) {
  PollerFixture fixture;
  const std::string id = fixture.portal_.add("audit", fixture.loop_.clock().now() - minutes(1));
  fixture.run_for(minutes(1));
  fixture.portal_.change("audit", id);
  fixture.run_for(minutes(10));
  EXPECT_EQ(fixture.ids(), (std::set<std::string>{id, id + "@2"}));
  EXPECT_EQ(fixture.snapshot().streams[0].books.changed, 1u);
  EXPECT_EQ(fixture.log_.count("revisions", LogLevel::warn), 1u);
}

TEST(Poller, IdsThatAreNoneStopTheStreamAndNameTheSetting) {
  PollerFixture fixture(steady());
  fixture.stream_.profile.fields.id = "/user_id";
  fixture.run_for(minutes(5));
  EXPECT_TRUE(fixture.poller_->status().stopped);
  EXPECT_NE(fixture.poller_->status().problem.find("fields.id"), std::string::npos) << fixture.poller_->status().problem;
  EXPECT_TRUE(fixture.ids().empty());
}

TEST(Poller, ALogWithoutIdsIsCollectedByContent) {
  PortalOptions options;
  options.dialect.id_missing = true;
  PollerFixture fixture(options);
  fixture.stream_.profile.fields.id = "";
  const WallTime time = fixture.loop_.clock().now() - minutes(1);
  const Portal::Fields same{{"user_id", "\"admin@example.com\""}, {"api_call", "\"config_update\""}, {"successful", "true"}, {"raw_data", "\"{}\""}};
  for (int i = 0; i < 3; ++i) fixture.portal_.add("audit", time, same);
  fixture.run_for(minutes(20));
  EXPECT_EQ(fixture.ids().size(), 3u);
}

struct Expiring {
  const char* name;
  SandboxExpiredCursor expired;
  bool has_ids;
};

// The two disguises that say nothing (200) and the two that do; with ids and, though the profile expects them, without.
class ExpiringCursors : public testing::TestWithParam<Expiring> {
 protected:
  static PortalOptions options(double rate) {
    PortalOptions options = steady(rate);
    options.page_limit = 50;
    options.cursors.uses = 3;
    options.cursors.expired = GetParam().expired;
    options.dialect.id_missing = !GetParam().has_ids;
    return options;
  }
  static void expect_all(PollerFixture& fixture) {
    fixture.stream_.profile.page_size = 50;
    fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
    fixture.run_for(minutes(20));
    if (GetParam().has_ids) {
      fixture.expect_everything();
    } else {
      fixture.expect_every_content();
    }
  }
};

TEST_P(ExpiringCursors, LoseNothing) {
  PollerFixture fixture(options(1));
  expect_all(fixture);
}

// Records of few kinds, more than a page of them in one moment, so that equal ones stand on several pages.
TEST_P(ExpiringCursors, LoseNothingOfMomentsThatFillAPage) {
  PortalOptions piles = options(0.5);
  piles.streams[SandboxLog::audit].pile = 70;
  PollerFixture fixture(piles);
  expect_all(fixture);
}

INSTANTIATE_TEST_SUITE_P(Disguises, ExpiringCursors,
                         testing::Values(Expiring{"status_400", SandboxExpiredCursor::status_400, true},
                                         Expiring{"empty_page", SandboxExpiredCursor::empty_page, true},
                                         Expiring{"first_page", SandboxExpiredCursor::first_page, true},
                                         Expiring{"same_cursor", SandboxExpiredCursor::same_cursor, true},
                                         Expiring{"status_400_without_ids", SandboxExpiredCursor::status_400, false},
                                         Expiring{"empty_page_without_ids", SandboxExpiredCursor::empty_page, false},
                                         Expiring{"first_page_without_ids", SandboxExpiredCursor::first_page, false},
                                         Expiring{"same_cursor_without_ids", SandboxExpiredCursor::same_cursor, false}),
                         [](const testing::TestParamInfo<Expiring>& chosen) { return std::string(chosen.param.name); });

TEST(Poller, SaysOnceThatIdsAreMissingAndWhichSettingToChange) {
  PortalOptions options = steady();
  options.dialect.id_missing = true;
  for (const bool expected : {true, false}) {
    PollerFixture fixture(options);
    if (!expected) fixture.stream_.profile.fields.id = "";
    fixture.run_for(minutes(20));
    EXPECT_EQ(fixture.log_.count("have no id at /event", LogLevel::warn), expected ? 1u : 0u) << fixture.log_.text();
    for (const char* setting : {"sources.acme.stream.audit.id", "streams.audit.fields.id"}) {
      EXPECT_EQ(fixture.log_.count(setting, LogLevel::warn), expected ? 1u : 0u) << setting;
    }
    EXPECT_FALSE(fixture.ids().empty());
  }
}

// The portal counts requests and says how many are left: none is refused.
TEST(Poller, SlowsDownBeforeItIsRefused) {
  PortalOptions options = audit_only(1, hours(6));
  options.rate_limit.requests = 40;
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(hours(1));
  EXPECT_GT(fixture.requests(), 200u);
  EXPECT_EQ(fixture.portal_.stats().by_status[429], 0u);
  fixture.expect_everything();
}

// Many daemons that were started together do not ask together for long.
TEST(Poller, PollsAreJittered) {
  for (const std::string profile : {"apptego", "okta"}) {
    PollerFixture fixture(PortalOptions(), profile);
    const WallTime now = fixture.loop_.clock().now();
    fixture.portal_.make(fixture.log_name_, 1, now - minutes(1), now - minutes(1));
    fixture.stream_.poll_every = seconds(100);
    fixture.stream_.overlap = hours(10);  // walked whole every five hours: not in this one
    fixture.restart();
    fixture.run_for(hours(1));
    const std::vector<SeenRequest> seen = fixture.portal_.seen_requests();
    std::set<Duration> intervals;
    for (std::size_t i = 1; i < seen.size(); ++i) {
      const Duration interval = seen[i].at - seen[i - 1].at;
      if (interval < Duration(seconds(50))) continue;  // not from poll to poll
      EXPECT_GE(interval, Duration(seconds(89))) << profile;
      EXPECT_LE(interval, Duration(seconds(111))) << profile;
      intervals.insert(interval);
    }
    EXPECT_GT(intervals.size(), 10u) << profile;
    EXPECT_GT(*intervals.rbegin() - *intervals.begin(), Duration(seconds(10))) << profile;
  }
}

// Every way in which a server may answer differently from what the profile assumes without being wrong.
struct PollOddity {
  const char* name;
  void (*apply)(PortalOptions&);
};

class Oddities : public testing::TestWithParam<PollOddity> {};

TEST_P(Oddities, LoseNothing) {
  PortalOptions options = steady();
  GetParam().apply(options);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(20));
  fixture.expect_everything();
}

INSTANTIATE_TEST_SUITE_P(
    Portal, Oddities,
    testing::Values(PollOddity{"ignores_start", [](PortalOptions& options) { options.dialect.ignore_start = true; }},
                    PollOddity{"ignores_end", [](PortalOptions& options) { options.dialect.ignore_end = true; }},
                    PollOddity{"exclusive_start", [](PortalOptions& options) { options.dialect.exclusive_start = true; }},
                    PollOddity{"exclusive_end", [](PortalOptions& options) { options.dialect.exclusive_end = true; }},
                    PollOddity{"by_event", [](PortalOptions& options) {
                      options.dialect.order_by_event = true;
                      options.streams[SandboxLog::audit].disorder_share = 0.1;
                      options.streams[SandboxLog::audit].disorder_by = minutes(3);
                    }},
                    PollOddity{"number_cursor", [](PortalOptions& options) { options.dialect.cursor_as_number = true; }},
                    PollOddity{"missing_cursor", [](PortalOptions& options) { options.dialect.cursor_end = SandboxCursorEnd::missing_key; }},
                    PollOddity{"empty_cursor", [](PortalOptions& options) { options.dialect.cursor_end = SandboxCursorEnd::empty_string; }},
                    PollOddity{"last_page_full", [](PortalOptions& options) { options.dialect.last_page = SandboxLastPage::when_full; }},
                    PollOddity{"string_ids", [](PortalOptions& options) { options.dialect.id_as_string = true; }},
                    PollOddity{"object_raw_data", [](PortalOptions& options) { options.dialect.raw_data_as_object = true; }},
                    PollOddity{"piles", [](PortalOptions& options) {
                      options.streams[SandboxLog::audit].pile = 150;
                      options.streams[SandboxLog::audit].rate_per_second = 2;
                    }},
                    PollOddity{"portal_clock_behind", [](PortalOptions& options) { options.date_offset = -minutes(2); }},
                    PollOddity{"small_server_pages", [](PortalOptions& options) { options.page_limit = 17; }}),
    [](const testing::TestParamInfo<PollOddity>& chosen) { return std::string(chosen.param.name); });

// Faults that pass: the stream recovers by itself and misses nothing.
struct Trouble {
  const char* name;
  Fault fault;
};

Fault passing_fault(FaultKind kind) {
  Fault fault;
  fault.kind = kind;
  if (kind == FaultKind::trickle) fault.bytes = 2000;
  if (kind == FaultKind::delay) fault.delay = seconds(20);
  return fault;
}

class Troubles : public testing::TestWithParam<Trouble> {};

TEST_P(Troubles, LoseNothing) {
  PollerFixture fixture(steady());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  Faults faults;
  faults.random.push_back({"audit", 0.2, GetParam().fault});
  fixture.portal_.set_faults(faults);
  fixture.run_for(hours(1));
  fixture.portal_.set_faults({});
  fixture.portal_.stop_making();
  fixture.run_for(hours(1));
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_TRUE(fixture.poller_->status().up);
}

INSTANTIATE_TEST_SUITE_P(Faults, Troubles,
                         testing::Values(Trouble{"status_500", status_fault(500)}, Trouble{"status_503", status_fault(503)},
                                         Trouble{"status_408", status_fault(408)}, Trouble{"status_401", status_fault(401)},
                                         Trouble{"html", passing_fault(FaultKind::html)}, Trouble{"success_false", passing_fault(FaultKind::success_false)},
                                         Trouble{"cut", passing_fault(FaultKind::cut)}, Trouble{"reset", passing_fault(FaultKind::reset)},
                                         Trouble{"refuse", passing_fault(FaultKind::refuse)}, Trouble{"hang", passing_fault(FaultKind::hang)},
                                         Trouble{"gzip", passing_fault(FaultKind::gzip)}, Trouble{"deflate", passing_fault(FaultKind::deflate)},
                                         Trouble{"delay", passing_fault(FaultKind::delay)},
                                         Trouble{"expire_cursors", passing_fault(FaultKind::expire_cursors)}),
                         [](const testing::TestParamInfo<Trouble>& chosen) { return std::string(chosen.param.name); });

TEST(Poller, APageThatCannotBeReadThreeTimesIsReadInPieces) {
  PollerFixture fixture(steady());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.run_for(minutes(10));
  Faults faults;
  faults.script.push_back({"audit", 0, 5, passing_fault(FaultKind::malformed)});
  fixture.portal_.set_faults(faults);
  fixture.run_for(minutes(30));
  fixture.expect_everything();
  EXPECT_EQ(fixture.snapshot().quarantined_items, 0u);
}

TEST(Poller, APageThatStaysUnreadableIsQuarantinedAndBecomesAGap) {
  PollerFixture fixture(steady());
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(2)};
  fixture.run_for(minutes(10));
  Faults faults;
  faults.script.push_back({"audit", 0, 16, passing_fault(FaultKind::malformed)});
  fixture.portal_.set_faults(faults);
  fixture.run_for(minutes(30));
  const JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_EQ(fixture.log_.count("the answer is in quarantine", LogLevel::error), 1u);
  // The next poll looks back over that moment and can read it: the gap that was exported is healed.
  EXPECT_EQ(snapshot.gaps.size(), 0u);
  std::vector<std::string> told;
  const Result<RecordBatch> batch = fixture.journal_->read(0, 100'000, 1u << 30);
  for (const Record& record : batch->records) {
    if (record.gap) told.emplace_back(record.raw);
  }
  ASSERT_EQ(told.size(), 2u) << "exporters are told of both";
  EXPECT_NE(told[0].find("\"state\":\"open\""), std::string::npos) << told[0];
  EXPECT_NE(told[1].find("\"state\":\"healed\""), std::string::npos) << told[1];
  EXPECT_EQ(snapshot.quarantined_items, 1u);
  EXPECT_TRUE(fixture.poller_->status().up);
}

// Overlap walks and polls meet it again and again; a restart in between changes nothing.
TEST(Poller, ARecordOverMaxRecordIsToldCountedAndKeptOnce) {
  PollerFixture fixture(steady());
  fixture.source_.max_record = 4096;
  fixture.run_for(minutes(10));
  const WallTime when = std::chrono::floor<seconds>(fixture.loop_.clock().now());
  const std::string time = std::to_string(to_micros(when) / 1'000'000);
  fixture.portal_.add_raw("audit", when, "900001", "{\"event\":900001,\"creation_time\":" + time + ",\"pad\":\"" + std::string(5000, 'x') + "\"}");
  fixture.run_for(minutes(3));
  ASSERT_EQ(fixture.log_.count("more than max_record: it is in quarantine", LogLevel::error), 1u);
  fixture.restart();
  fixture.run_for(minutes(40));
  const JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_EQ(fixture.log_.count("more than max_record", LogLevel::info), 1u);
  EXPECT_EQ(snapshot.quarantined_items, 1u);
  EXPECT_EQ(snapshot.streams[0].books.quarantined, 1u);
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "oversized");
  // The whole record is there, and nothing else of its page.
  Statement body(fixture.journal_->database(), "SELECT body FROM quarantine");
  ASSERT_TRUE(body.query().step());
  const std::string kept = zstd_decompress(body.blob(0), 1u << 20).value();
  EXPECT_TRUE(kept.starts_with("{\"event\":900001,")) << kept.substr(0, 100);
  EXPECT_TRUE(kept.ends_with("xx\"}"));
}

TEST(Poller, ALogWhoseNewestRecordsAreAllOverMaxRecordIsCollectedAllTheSame) {
  PollerFixture fixture(audit_only(0, hours(1)));
  fixture.source_.max_record = 4096;
  fixture.restart();
  const WallTime when = std::chrono::floor<seconds>(fixture.loop_.clock().now()) - minutes(1);
  const std::string time = std::to_string(to_micros(when) / 1'000'000);
  for (const std::string id : {"900001", "900002", "900003"})
    fixture.portal_.add_raw("audit", when, id, "{\"event\":" + id + ",\"creation_time\":" + time + ",\"pad\":\"" + std::string(5000, 'x') + "\"}");
  fixture.run_for(minutes(10));
  EXPECT_FALSE(fixture.poller_->status().stopped) << fixture.poller_->status().problem;
  const JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_FALSE(fixture.collection(snapshot).coverage.empty());
  EXPECT_EQ(snapshot.gaps.size(), 3u);
  EXPECT_EQ(snapshot.quarantined_items, 3u);
}

TEST(Poller, AnUnreadableAnswerThatComesAgainIsToldAndKeptOnce) {
  PollerFixture fixture(steady());
  fixture.run_for(minutes(10));
  for (int again = 0; again < 3; ++again) {
    Faults faults;
    Fault cut = passing_fault(FaultKind::status);
    cut.status = 200;
    cut.body = "{\"logs\":[";
    faults.script.push_back({"audit", 0, 16, cut});
    fixture.portal_.set_faults(faults);
    fixture.run_for(minutes(30));
  }
  EXPECT_EQ(fixture.log_.count("the answer is in quarantine", LogLevel::error), 1u);
  // While it is asked again, when it is given up, and with its gap each time.
  EXPECT_LE(fixture.log_.count("a page that cannot be read", LogLevel::warn), 6u);
  EXPECT_EQ(fixture.snapshot().quarantined_items, 1u);
  EXPECT_TRUE(fixture.poller_->status().up);
}

TEST(Poller, InvalidUtf8IsRepairedMarkedAndTheOriginalKept) {
  PollerFixture fixture(steady());
  Faults faults;
  faults.script.push_back({"audit", 2, 1, passing_fault(FaultKind::invalid_utf8)});
  fixture.portal_.set_faults(faults);
  fixture.run_for(minutes(1));
  Result<RecordBatch> batch = fixture.journal_->read(0, 100'000, 1u << 30);
  std::size_t repaired = 0;
  for (const Record& record : batch->records) repaired += record.repaired;
  EXPECT_EQ(repaired, 1u);
  EXPECT_EQ(fixture.snapshot().quarantined_items, 1u);
}

TEST(Poller, AnAnswerOfOtherShapeStopsAndNamesTheKeys) {
  PortalOptions options = steady();
  options.dialect.array_name = "entries";
  PollerFixture fixture(options);
  fixture.run_for(minutes(2));
  EXPECT_TRUE(fixture.poller_->status().stopped);
  EXPECT_NE(fixture.poller_->status().problem.find("entries"), std::string::npos) << fixture.poller_->status().problem;
  EXPECT_NE(fixture.poller_->status().problem.find("records"), std::string::npos);
  SandboxDialect good;
  fixture.portal_.set_dialect(good);
  fixture.run_for(minutes(10));
  EXPECT_TRUE(fixture.poller_->status().up);
  EXPECT_FALSE(fixture.ids().empty());
}

TEST(Poller, ATeamPlanIsNamedAsSuch) {
  PortalOptions options = steady();
  options.tenants[0].plan = "TEAM";
  PollerFixture fixture(options);
  fixture.run_for(minutes(2));
  EXPECT_NE(fixture.poller_->status().problem.find(std::string("tenant ") + sandbox_tenant + " is on TEAM; audit logs need ENTERPRISE"), std::string::npos)
      << fixture.poller_->status().problem;
}

TEST(Poller, AWrongTokenSaysWhichSettingToCheck) {
  PollerFixture fixture(steady());
  fixture.portal_.set_token_revoked(sandbox_token_key, true);
  const Status done = fixture.run_once();
  ASSERT_FALSE(done.ok());
  EXPECT_NE(done.error().message.find("credentials.token_key"), std::string::npos) << done.error().message;
  EXPECT_EQ(done.error().message.find(sandbox_token_secret), std::string::npos);
}

TEST(Poller, AWrongTimeUnitIsFoundBeforeAnyCoverage) {
  PortalOptions options = steady();
  options.dialect.request_time_unit = TimeUnit::milliseconds;
  PollerFixture fixture(options);
  fixture.run_for(minutes(2));
  EXPECT_NE(fixture.poller_->status().problem.find("time_unit"), std::string::npos) << fixture.poller_->status().problem;
  const JournalSnapshot snapshot = fixture.snapshot();
  EXPECT_TRUE(fixture.collection(snapshot).coverage.empty());
}

// A pile that no page can hold, in a log whose cursors do not work.
PortalOptions unreadable_pile() {
  PortalOptions options = steady(0.1, hours(3));
  options.page_limit = 500;
  options.cursors.lifetime = Duration(1);
  return options;
}

TEST(Poller, APileThatCannotBeReadIsOneGapAndNotAskedForAgain) {
  PollerFixture fixture(unreadable_pile());
  fixture.http_.set_latency(std::chrono::milliseconds(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  const WallTime pile = fixture.loop_.clock().now() - minutes(30);
  fixture.portal_.make("audit", 3000, pile, pile);
  const Status done = fixture.run_once();
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(fixture.snapshot().gaps.size(), 1u);
  fixture.run_for(hours(1));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "unreachable");
  EXPECT_TRUE(snapshot.gaps[0].range->contains(pile));
  EXPECT_EQ(fixture.log_.count("gap", LogLevel::error), 1u);
  EXPECT_LT(fixture.portal_.stats().requests, 1000u);
}

TEST(Poller, AGapIsHealedWhenAWalkShowsItAfterAll) {
  PollerFixture fixture(unreadable_pile());
  fixture.http_.set_latency(std::chrono::milliseconds(1));
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  fixture.stream_.reread = {hours(1)};
  fixture.stream_.poll_every = minutes(5);
  const WallTime pile = fixture.loop_.clock().now() - minutes(5);
  fixture.portal_.make("audit", 3000, pile, pile);
  fixture.run_for(minutes(30));
  ASSERT_EQ(fixture.snapshot().gaps.size(), 1u);
  fixture.portal_.set_cursors({});
  fixture.run_for(hours(30));
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  EXPECT_EQ(fixture.ids(), fixture.portal_ids());
  EXPECT_EQ(fixture.snapshot().gaps.size(), 0u);
  std::size_t healed = 0;
  auto reader = std::move(JournalReader::open(fixture.folder_ / "journal.db")).value();
  ASSERT_TRUE(reader->ledger({}, [&healed](const LedgerRow& row) { healed += row.kind == "gap healed"; }).ok());
  EXPECT_EQ(healed, 1u);
}

TEST(Poller, WhatThePortalForgotDuringAnOutageIsAGap) {
  PortalOptions options = steady(0.01, hours(24));
  options.streams[SandboxLog::audit].retention = hours(48);
  PollerFixture fixture(options);
  fixture.run_for(hours(2));
  const WallTime stopped = fixture.loop_.clock().now();
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.open();
  fixture.run_for(hours(3));
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten");
  EXPECT_LT(std::chrono::abs(snapshot.gaps[0].range->from - stopped), Duration(minutes(2)));
  EXPECT_LT(std::chrono::abs(snapshot.gaps[0].range->to - (stopped + hours(72))), Duration(hours(2)));
}

TEST(Poller, AStartBeforeWhatThePortalRemembersIsCutAndSaidOnce) {
  PortalOptions options = steady(0.01, hours(24));
  options.streams[SandboxLog::audit].retention = hours(48);
  PollerFixture fixture(options);
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(72)};
  fixture.stream_.retention = hours(48);
  const WallTime began = fixture.loop_.clock().now();
  fixture.run_for(hours(3));
  fixture.expect_everything();
  EXPECT_EQ(fixture.log_.count("retention", LogLevel::warn), 1u);
  const JournalSnapshot snapshot = fixture.snapshot();
  ASSERT_TRUE(fixture.collection(snapshot).start);
  EXPECT_LT(std::chrono::abs(*fixture.collection(snapshot).start - (began - hours(48))), Duration(minutes(1)));
}

TEST(Poller, AnOutageThatThePortalRemembersIsNoGap) {
  PollerFixture fixture(steady(0.01, hours(24)));
  fixture.run_for(hours(2));
  fixture.stop();
  fixture.loop_.run_until_idle(hours(24 * 5));
  fixture.open();
  fixture.run_for(hours(3));
  fixture.expect_everything();
}

// Rate limits: not one request inside a penalty.
struct Limit {
  const char* name;
  const char* retry_after;
  int seconds;  // the penalty that the portal enforces
  bool hinted;  // the portal tells it
};

class Limits : public testing::TestWithParam<Limit> {};

TEST_P(Limits, AreObeyedInFullAlsoAcrossARestart) {
  PollerFixture fixture(steady());
  fixture.run_for(minutes(5));
  Fault fault;
  fault.kind = FaultKind::rate_limited;
  fault.status = 429;
  fault.retry_after = GetParam().retry_after;
  fault.penalty = seconds(GetParam().seconds);
  fixture.portal_.add_fault({"audit", 0, 1, fault});
  fixture.run_for(seconds(40));
  fixture.restart();
  // The composition brings stored penalties back; here the test does.
  const WallTime now = fixture.loop_.clock().now();
  const Result<std::vector<Penalty>> penalties = fixture.journal_->penalties(now);
  for (const Penalty& penalty : *penalties) fixture.budget_->penalize(penalty.until - now);
  fixture.run_for(minutes(30));
  if (GetParam().hinted) {
    EXPECT_EQ(fixture.portal_.stats().during_penalty, 0u);
  }
  fixture.portal_.stop_making();
  fixture.run_for(minutes(30));
  EXPECT_TRUE(fixture.poller_->status().up) << fixture.poller_->status().problem;
}

INSTANTIATE_TEST_SUITE_P(Penalties, Limits,
                         testing::Values(Limit{"seconds", "90", 90, true}, Limit{"date", "date:120", 120, true}, Limit{"none", "", 3, false},
                                         Limit{"past_date", "date:-50", 2, false}, Limit{"negative", "-5", 2, false},
                                         Limit{"garbage", "soon", 2, false}),
                         [](const testing::TestParamInfo<Limit>& chosen) { return std::string(chosen.param.name); });

TEST(Poller, AnAbsurdWaitIsCutToADayAndShouted) {
  PollerFixture fixture(steady(0.05));
  fixture.run_for(minutes(5));
  Fault fault;
  fault.kind = FaultKind::rate_limited;
  fault.status = 429;
  fault.retry_after = "999999999";
  fixture.portal_.add_fault({"audit", 0, 1, fault});
  fixture.run_for(hours(23));
  EXPECT_EQ(fixture.log_.count("999999999", LogLevel::error), 1u);
  EXPECT_FALSE(fixture.poller_->status().up);
  fixture.run_for(hours(3));
  EXPECT_TRUE(fixture.poller_->status().up);
}

// The same contract for every built-in profile.
class EveryProfile : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(EveryProfile, CollectsEverythingOnceAcrossFaultsAndCrashes) {
  const auto [profile, stream] = GetParam();
  PollerFixture fixture(steady(0.2, hours(1)), profile, stream);
  // The sandbox names the two other vendors' logs after them.
  const std::string log = std::string(profile) == "apptego" ? stream : profile;
  fixture.stream_.start = {StartSetting::Kind::ago, {}, hours(24)};
  Faults faults;
  faults.random.push_back({"", 0.1, status_fault(502)});
  faults.random.push_back({"", 0.05, passing_fault(FaultKind::cut)});
  faults.random.push_back({"", 0.05, passing_fault(FaultKind::truncated)});
  fixture.portal_.set_faults(faults);
  for (int crash = 0; crash < 10; ++crash) {
    fixture.run_for(minutes(7) + seconds(13 * crash));
    fixture.restart();
  }
  fixture.portal_.set_faults({});
  fixture.portal_.stop_making();
  fixture.run_for(hours(1));
  std::set<std::string> wanted;
  for (const RecordInfo& record : fixture.portal_.all_records(log)) wanted.insert(record.id);
  EXPECT_EQ(fixture.ids(), wanted) << fixture.poller_->status().problem;
  EXPECT_GT(wanted.size(), 700u);
}

INSTANTIATE_TEST_SUITE_P(Profiles, EveryProfile,
                         testing::Values(std::pair{"apptego", "audit"}, std::pair{"apptego", "device"}, std::pair{"okta", "audit"},
                                         std::pair{"github", "audit"}),
                         [](const auto& chosen) { return std::string(chosen.param.first) + "_" + chosen.param.second; });

}  // namespace
}  // namespace auditferry
