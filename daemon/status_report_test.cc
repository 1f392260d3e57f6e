#include "daemon/status_report.h"

#include <gtest/gtest.h>

#include "daemon/deliverer_fixture.h"
#include "daemon/live_state_fixture.h"
#include "daemon/text_report.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "storage/lateness.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime reported_at = from_micros(1'763'893'512'000'000);  // 2025-11-23T10:25:12Z

JournalSnapshot healthy() {
  JournalSnapshot snapshot;
  snapshot.epoch = "e";
  snapshot.last_seq = 1204;
  snapshot.used_bytes = 65536;
  CollectionSnapshot collection;
  collection.collection_id = 7;
  collection.base_url = "https://portal.example.com";
  collection.start = reported_at - hours(24);
  collection.coverage = {{{reported_at - hours(24), reported_at - seconds(12)}, "poll", reported_at}};
  collection.watermark = reported_at - seconds(12);
  StreamSnapshot stream;
  stream.stream_id = 1;
  stream.identity = {"apptego", "t1", "audit"};
  stream.source = "acme";
  stream.books = {1300, 96, 0, 1204, 0, 0, 3};
  stream.collections = {collection};
  snapshot.streams = {stream};
  ExporterRow row;
  row.exporter_id = 3;
  row.name = "archive";
  row.type = "file";
  row.books.position = 1200;
  row.books.delivered = 1200;
  row.last_delivery = reported_at - hours(30);
  row.oldest_waiting = reported_at - minutes(3);
  snapshot.exporters = {row};
  return snapshot;
}

StatusContext context() {
  StatusContext context;
  context.now = reported_at;
  context.daemon_running = true;
  context.daemon_pid = 17;
  return context;
}

TEST(StatusReport, NamesThePeersThatAreNotVerifiedAndStaysInOrder) {
  Settings settings;
  settings.exporters.resize(2);
  settings.exporters[0].name = "siem";
  settings.exporters[0].insecure = true;
  settings.exporters[1].name = "archive";
  StatusContext with = context();
  with.settings = &settings;
  const std::string text = render_status(healthy(), with, false);
  EXPECT_NE(text.find("\nnot verified:\n- exporter siem has tls.insecure: neither certificate"), std::string::npos) << text;
  EXPECT_NE(text.find("all is in order"), std::string::npos);
  const std::string json = render_status(healthy(), with, true);
  EXPECT_NE(json.find("\"insecure\":[{\"exporter\":\"siem\"}]"), std::string::npos) << json;
}

TEST(StatusReport, ShowsThatAllIsInOrder) {
  EXPECT_EQ(
      render_status(healthy(), context(), false),
      "the daemon is running (process 17)\n"
      "journal: 64KiB, last sequence number 1,204\n"
      "\n"
      "STREAM      FROM                  SHOWN UP TO           LAG  RECORDS  STAGED  DUPLICATES  LATE  "
      "CHANGED  QUARANTINED\n"
      "acme/audit  2025-11-22T10:25:12Z  2025-11-23T10:25:00Z  12s  1,204    0       96          3     0     "
      "   0\n"
      "\n"
      "EXPORTER  TYPE  POSITION  WAITING  LAG  DELIVERED  DEAD LETTERS  RELEASED  LAST DELIVERY\n"
      "archive   file  1,200     4        3m   1,200      0             0         2025-11-22T04:25:12Z\n"
      "\n"
      "all is in order\n");
  EXPECT_TRUE(needs_a_person(healthy(), context()).empty());
}

// One of everything that can be wrong.
JournalSnapshot troubled() {
  JournalSnapshot snapshot = healthy();
  CollectionSnapshot& collection = snapshot.streams[0].collections[0];
  collection.coverage = {{{reported_at - hours(24), reported_at - hours(20)}, "history", reported_at},
                         {{reported_at - hours(18), reported_at - hours(10)}, "history", reported_at},
                         {{reported_at - hours(9), reported_at - seconds(12)}, "poll", reported_at}};
  collection.watermark = reported_at - hours(20);
  collection.walks = {{5, "history", {reported_at - hours(20), reported_at - hours(18)}, false, ""}};
  GapRow gap;
  gap.gap_id = 4;
  gap.collection_id = 7;
  gap.type = "unreachable";
  gap.range = TimeRange{reported_at - hours(10), reported_at - hours(9)};
  gap.why = "the cursor\x1b[31m expired";
  gap.opened = reported_at - hours(1);
  snapshot.gaps = {gap};
  snapshot.exporters[0].books.delivered = 1198;
  snapshot.exporters[0].books.dead = 2;
  snapshot.exporters[0].last_error = "the disk is full\nreally";
  snapshot.penalties = {{"portal.example.com", "hash", reported_at + hours(1), "429"},
                        {"old.example.com", "hash", reported_at - hours(1), "429"}};
  return snapshot;
}

TEST(StatusReport, ShowsWhatIsMissingAndWhoHasToAct) {
  const std::string text = render_status(troubled(), context(), false);
  for (const char* line :
       {"  still to be fetched: 2025-11-22T14:25:12Z to 2025-11-22T16:25:12Z\n",
        "  under way: history of 2025-11-22T14:25:12Z to 2025-11-22T16:25:12Z\n",
        "  last error: the disk is full really\n",
        "4    acme/audit  unreachable  2025-11-23T00:25:12Z to 2025-11-23T01:25:12Z  2025-11-23T09:25:12Z\n",
        "  the cursor [31m expired\n",
        "no request goes to portal.example.com until 2025-11-23T11:25:12Z: 429\n",
        "needs a person:\n- 1 gap is open", "- exporter archive has 2 dead letters",
        "- exporter archive does not deliver"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(text.find("old.example.com"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(needs_a_person(troubled(), context()).size(), 3u);
}

TEST(StatusReport, ComparesWithTheConfiguration) {
  Settings settings;
  SourceSettings source;
  source.name = "acme";
  source.profile.vendor = "apptego";
  source.tenant = "t1";
  source.streams.resize(1);
  source.streams[0].name = "device";
  settings.sources = {source};
  StatusContext with = context();
  with.settings = &settings;
  const std::string text = render_status(healthy(), with, false);
  EXPECT_NE(text.find("acme/device: nothing has been asked yet\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  no longer configured\n"), std::string::npos) << text;
}

TEST(StatusReport, TellsHowLateLateRecordsCome) {
  JournalSnapshot snapshot = healthy();
  snapshot.streams[0].books.late = 100;
  snapshot.streams[0].lateness = {{lateness_step(minutes(5)), 98}, {lateness_step(hours(30)), 2}};
  const std::string text = render_status(snapshot, context(), false);
  EXPECT_NE(text.find("  late records: 100, half of them at most 5m "), std::string::npos) << text;
  EXPECT_NE(text.find("after their time, 99 of 100 at most 1d "), std::string::npos) << text;
  const std::string json = render_status(snapshot, context(), true);
  EXPECT_NE(json.find("\"lateness\":{\"p50_seconds\":3"), std::string::npos) << json;
  EXPECT_NE(render_status(healthy(), context(), true).find("\"lateness\":{\"p50_seconds\":null,\"p99_seconds\":null}"), std::string::npos);
}

TEST(StatusReport, AnAcceptedGapIsNothingToBeFetched) {
  JournalSnapshot snapshot = troubled();
  snapshot.accepted_gaps = std::exchange(snapshot.gaps, {});
  const std::string text = render_status(snapshot, context(), false);
  EXPECT_EQ(text.find("and 1 more"), std::string::npos) << text;
  EXPECT_EQ(text.find("1 gap is open"), std::string::npos) << text;
  EXPECT_EQ(needs_a_person(snapshot, context()).size(), 2u);
}

TEST(StatusReport, SaysWhatBecomesOfAnExporterThatIsNotInUse) {
  JournalSnapshot snapshot = healthy();
  snapshot.exporters[0].attached = false;
  EXPECT_NE(render_status(snapshot, context(), false).find("  not in use: 4 records are kept for it until the journal is full."), std::string::npos);
  snapshot.exporters[0].books.position = snapshot.last_seq;
  EXPECT_NE(render_status(snapshot, context(), false)
                .find("  not in use, and nothing waits for it: 'auditferry exporter forget archive' removes it\n"),
            std::string::npos);
}

TEST(StatusReport, SurvivesAnEmptyJournal) {
  const std::string text = render_status({}, {}, false);
  EXPECT_NE(text.find("the daemon is not running\n"), std::string::npos);
  EXPECT_NE(text.find("no stream has been collected yet\n"), std::string::npos);
}

TEST(StatusReport, WritesJsonWithStableNames) {
  const std::string text = render_status(troubled(), context(), true);
  ASSERT_EQ(text.back(), '\n');
  const Result<ScannedJson> scanned = scan_json(text);
  ASSERT_TRUE(scanned.ok()) << text;
  const JsonView view(scanned->text);
  const auto at = [&view](const char* pointer) {
    const auto found = view.at_pointer(pointer);
    return found ? found->scalar_text() : "absent";
  };
  EXPECT_EQ(at("/daemon/pid"), "17");
  EXPECT_EQ(at("/in_order"), "false");
  EXPECT_EQ(at("/streams/0/watermark"), "2025-11-22T14:25:12Z");
  EXPECT_EQ(at("/streams/0/shown_until"), "2025-11-23T10:25:00Z");
  EXPECT_EQ(at("/streams/0/lag_seconds"), "72000");
  EXPECT_EQ(at("/streams/0/holes/0/from"), "2025-11-22T14:25:12Z");
  EXPECT_EQ(at("/streams/0/holes/1/from"), "absent");
  EXPECT_EQ(at("/streams/0/books/journaled"), "1204");
  EXPECT_EQ(at("/exporters/0/waiting"), "4");
  EXPECT_EQ(at("/exporters/0/dead_letters"), "2");
  EXPECT_EQ(at("/exporters/0/last_error"), "the disk is full\nreally");
  EXPECT_EQ(at("/gaps/0/of"), "acme/audit");
  EXPECT_EQ(at("/penalties/0/host"), "portal.example.com");
  EXPECT_EQ(at("/penalties/1/host"), "absent");
  EXPECT_TRUE(scan_json(render_status({}, {}, true)).ok());
}

TEST(StatusReport, AStoppedStreamNeedsAPerson) {
  JournalSnapshot snapshot = healthy();
  PollerNotes notes;
  notes.problem = "the portal refused the credentials, status 401";
  notes.stopped = true;
  snapshot.streams[0].collections.back().state = notes.to_text();
  StatusContext context;
  context.now = reported_at;
  EXPECT_NE(render_status(snapshot, context, false).find("stopped: " + notes.problem), std::string::npos);
  EXPECT_NE(render_status(snapshot, context, true).find("\"last_error\":\"" + notes.problem), std::string::npos);
  const std::vector<std::string> needs = needs_a_person(snapshot, context);
  ASSERT_FALSE(needs.empty());
  EXPECT_TRUE(std::any_of(needs.begin(), needs.end(), [&](const std::string& need) { return need.find("is stopped: " + notes.problem) != std::string::npos; }));
}

// What counts is how long something waits: not the last delivery, which a far end that was dead from the first day
// never had, and which is long ago where nothing came for a day.
TEST(StatusReport, TheLagOfAnExporterIsTheAgeOfWhatWaits) {
  JournalSnapshot snapshot = healthy();
  ExporterRow& row = snapshot.exporters[0];
  row.last_delivery.reset();
  row.oldest_waiting = reported_at - hours(50);
  EXPECT_NE(render_status(snapshot, context(), false).find("archive   file  1,200     4        2d   1,200"), std::string::npos) << render_status(snapshot, context(), false);
  EXPECT_NE(render_status_line(snapshot, context()).find(" waiting 4 lag 2d\n"), std::string::npos) << render_status_line(snapshot, context());
  EXPECT_NE(render_status(snapshot, context(), true).find("\"lag_seconds\":180000,"), std::string::npos);
  row.last_delivery = reported_at - hours(50);
  row.oldest_waiting = reported_at - seconds(2);
  EXPECT_NE(render_status_line(snapshot, context()).find(" waiting 4 lag 12s\n"), std::string::npos) << "of the stream";
}

class LagOfAnExporter : public DeliveryWorld {};

TEST_F(LagOfAnExporter, IsTakenFromTheRecordBehindItsPosition) {
  ASSERT_TRUE(journal_->attach_exporter("dead", "scripted", "hold", false).ok());
  const WallTime first = loop_.clock().now();
  publish(5);
  ASSERT_TRUE(journal_->attach_exporter("late", "scripted", "hold", true).ok());
  EXPECT_EQ(row("dead").oldest_waiting, first);
  EXPECT_EQ(row("late").oldest_waiting, std::nullopt) << "nothing waits for it";
  loop_.run_until_idle(minutes(10));
  const WallTime second = loop_.clock().now();
  publish(5);
  EXPECT_EQ(row("dead").oldest_waiting, first);
  EXPECT_EQ(row("late").oldest_waiting, second);
  EXPECT_EQ(delivery_lag(row("dead"), 10, second), minutes(10));
  EXPECT_EQ(delivery_lag(row("late"), 10, second + seconds(1)), seconds(1));
}

TEST(StatusReport, BooksThatDoNotBalanceNeedAPerson) {
  JournalSnapshot snapshot = healthy();
  snapshot.streams[0].books.fetched += 1;
  EXPECT_EQ(needs_a_person(snapshot, context()), std::vector<std::string>{"the books of acme/audit do not balance: run auditferry journal check"});
  std::string text = render_status(snapshot, context(), false);
  EXPECT_NE(text.find("THE BOOKS DO NOT BALANCE"), std::string::npos) << text;
  EXPECT_EQ(text.find("all is in order"), std::string::npos) << text;
  EXPECT_NE(render_status(snapshot, context(), true).find("\"in_order\":false"), std::string::npos);
  snapshot = healthy();
  snapshot.exporters[0].books.delivered -= 1;
  EXPECT_EQ(needs_a_person(snapshot, context()), std::vector<std::string>{"the books of exporter archive do not balance: run auditferry journal check"});
  text = render_status(snapshot, context(), false);
  EXPECT_EQ(text.find("all is in order"), std::string::npos) << text;
}

TEST(StatusReport, WhatThePortalIsAboutToForgetNeedsAPerson) {
  Settings settings;
  settings.sources.resize(1);
  settings.sources[0].name = "acme";
  settings.sources[0].profile.vendor = "apptego";
  settings.sources[0].tenant = "t1";
  settings.sources[0].streams.resize(1);
  settings.sources[0].streams[0].name = "audit";
  StatusContext with = context();
  with.settings = &settings;
  JournalSnapshot snapshot = healthy();
  snapshot.streams[0].collections[0].coverage = {{{reported_at - hours(24), reported_at - hours(4)}, "poll", reported_at}};
  settings.sources[0].streams[0].retention = hours(24);
  EXPECT_TRUE(needs_a_person(snapshot, with).empty());
  settings.sources[0].streams[0].retention = hours(5);
  EXPECT_EQ(needs_a_person(snapshot, with), std::vector<std::string>{"In 60m the portal will forget records of acme/audit that are not here yet."});
}

TEST(StatusReport, AFullDiskNeedsAPerson) {
  Settings settings;
  settings.journal.min_free = 1u << 20;
  StatusContext with = context();
  with.settings = &settings;
  with.free_bytes = 1u << 20;
  EXPECT_TRUE(needs_a_person(healthy(), with).empty());
  with.free_bytes = (1u << 20) - 1024;
  EXPECT_EQ(needs_a_person(healthy(), with), std::vector<std::string>{"nothing is fetched, because the disk of daemon.state_dir has only 1023KiB free, "
                                                                      "less than journal.min_free (1MiB): free some space"});
}

// Whatever the page says, /status says too: but for tls.insecure, which is in a list of its own.
TEST(StatusReport, TheDaemonsJsonNeedsAPersonForWhatThePageDoes) {
  HealthyDaemon daemon;
  StatusContext with = context();
  with.now = fixture_now;
  with.settings = &daemon.settings;
  with.live = &daemon.state;
  daemon.settings.exporters.resize(1);
  daemon.settings.exporters[0].name = "archive";
  daemon.settings.exporters[0].insecure = true;
  const auto json = [&] { return render_status(daemon.snapshot, with, true); };
  EXPECT_NE(json().find("\"in_order\":true,\"needs_a_person\":[]"), std::string::npos) << json();
  daemon.state.holding = true;
  EXPECT_NE(json().find("\"in_order\":false,\"needs_a_person\":[\"Nothing is fetched, because the journal or its disk is full.\"]"), std::string::npos) << json();
  daemon.state.holding = false;
  daemon.poller().up = false;
  daemon.poller().problem = "status 503";
  daemon.poller().last_page.reset();
  EXPECT_NE(json().find("[\"acme/audit does not get through to its portal: status 503\"]"), std::string::npos) << json();
}

TEST(StatusReport, WritesOneLineForScripts) {
  StatusContext context;
  context.now = reported_at;
  EXPECT_EQ(render_status_line(healthy(), context),
            "fetched 1300 journaled 1204 delivered 1200 waiting 4 lag 3m\n");
  EXPECT_EQ(render_status_line({}, context), "fetched 0 journaled 0 delivered 0 waiting 0 lag 0s\n");
}

TEST(TextReport, WritesCountsAndDurations) {
  EXPECT_EQ(report_count(0), "0");
  EXPECT_EQ(report_count(999), "999");
  EXPECT_EQ(report_count(1'000), "1,000");
  EXPECT_EQ(report_count(1'234'567), "1,234,567");
  EXPECT_EQ(report_duration(seconds(-5)), "0s");
  EXPECT_EQ(report_duration(seconds(119)), "119s");
  EXPECT_EQ(report_duration(minutes(119)), "119m");
  EXPECT_EQ(report_duration(hours(47)), "47h");
  EXPECT_EQ(report_duration(hours(49)), "2d");
  EXPECT_EQ(report_lateness(seconds(-5)), "0s");
  EXPECT_EQ(report_lateness(seconds(66)), "1m 6s");
  EXPECT_EQ(report_lateness(hours(24) + minutes(5)), "1d");
  EXPECT_EQ(report_lateness(hours(26) + seconds(5)), "1d 2h");
}

TEST(TextReport, AlignsCellsThatAreNotAscii) {
  TextTable table({"A", "B"});
  table.row({"\xc3\xa4\xc3\xb6", "x"});
  table.row({"abc", "y"});
  EXPECT_EQ(table.text(), "A    B\n\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

}  // namespace
}  // namespace auditferry
