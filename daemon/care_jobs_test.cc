#include "daemon/care_jobs.h"

#include <gtest/gtest.h>

#include "daemon/care_report.h"
#include "daemon/deliverer_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class CareJobs : public DeliveryWorld {
 protected:
  CareJobs() { settings_.exporters = {settings_of("archive")}; }
  JobOutcome run(const std::string& kind, const std::string& argument) {
    const std::int64_t id = add_job(*journal_, kind, argument, loop_.clock().now()).value();
    JobOutcome outcome;
    loop_.run(carry_out({id, kind, argument, JobState::queued, ""}, outcome));
    return outcome;
  }
  void gap(const std::string& why, WallTime from, WallTime to) {
    ASSERT_TRUE(journal_->record_gap(collection_.collection_id, {"unreachable", TimeRange{from, to}, why}, to).value());
  }
  std::string gap_list(const GapListQuery& query, bool json, std::size_t& open) {
    std::string text;
    const auto reader = std::move(JournalReader::open(folder_ / "journal.db")).value();
    open = render_gap_list(*reader->snapshot(), *reader->gaps(), query, json, [&text](std::string_view part) { text += part; });
    return text;
  }
  std::string exporter_list(bool json) {
    std::string text;
    render_exporter_list(take_snapshot(*journal_).value(), settings_, start_ + hours(1), json, [&text](std::string_view part) { text += part; });
    return text;
  }

  Settings settings_;
  WallTime start_ = loop_.clock().now();
  Jobs jobs_{JobWorld{loop_.clock(), log_, *storage_, random_, settings_, [](const ExporterSettings&) { return JobExporter(); }}};

 private:
  Task<void> carry_out(JobRow job, JobOutcome& outcome) { outcome = co_await jobs_.carry_out(std::move(job)); }
};

TEST_F(CareJobs, GapsAreAcceptedByIdByTimeAndAll) {
  for (int i = 0; i < 4; ++i) gap("number " + std::to_string(i), start_ + seconds(i * 10), start_ + seconds(i * 10 + 5));
  std::size_t open = 0;
  EXPECT_EQ(run("gaps_accept", gaps_accept_argument({.gap_ids = {2}}, "alex", "known outage")).words,
            "1 gap accepted; the ledger says which, by whom and why");
  gap_list({}, false, open);
  EXPECT_EQ(open, 3u);
  const TimeRange first{start_, start_ + seconds(15)};
  EXPECT_EQ(run("gaps_accept", gaps_accept_argument({.source = "acme", .stream = "audit", .range = first}, "alex", "x")).words.substr(0, 14),
            "1 gap accepted");
  const std::string listed = gap_list({.stream = "audit", .state = "accepted"}, false, open);
  EXPECT_EQ(open, 0u);
  EXPECT_NE(listed.find("number 1"), std::string::npos) << listed;
  EXPECT_NE(listed.find("accepted by alex: known outage"), std::string::npos) << listed;
  EXPECT_EQ(listed.find("number 3"), std::string::npos) << listed;
  EXPECT_EQ(run("gaps_accept", gaps_accept_argument({}, "alex", "x")).words.substr(0, 15), "2 gaps accepted");
  EXPECT_EQ(run("gaps_accept", gaps_accept_argument({}, "alex", "x")).words, "0 gaps accepted: none of them is open");
  EXPECT_EQ(gap_list({.source = "other"}, false, open), "there are no gaps\n");
}

TEST_F(CareJobs, AGapThatIsNotOpenIsNamed) {
  gap("first", start_, start_ + seconds(5));
  const JobOutcome outcome = run("gaps_accept", gaps_accept_argument({.gap_ids = {1, 9}}, "alex", "x"));
  EXPECT_EQ(outcome.state, JobState::failed);
  EXPECT_NE(outcome.words.find("1 gap accepted; not open, or not of what was selected: 9"), std::string::npos) << outcome.words;
}

// ESC, DEL, and U+009B, which terminals take for ESC [.
TEST_F(CareJobs, NoTerminalObeysWhatTheListsShow) {
  const std::string evil = "x\x1b[31m\x7f\xc2\x9b" "31m";
  gap(evil, start_, start_ + seconds(5));
  run("gaps_accept", gaps_accept_argument({}, evil, evil));
  const ExporterRow row = journal_->attach_exporter("archive", "file", "hold", false).value();
  ASSERT_TRUE(journal_->set_exporter_error(row.exporter_id, evil).ok());
  std::size_t open = 9;
  for (const bool json : {false, true}) {
    const std::string text = gap_list({}, json, open) + exporter_list(json);
    EXPECT_NE(text.find("accepted"), std::string::npos) << text;
    for (const char* harmful : {"\x1b", "\x7f", "\xc2\x9b"}) EXPECT_EQ(text.find(harmful), std::string::npos) << text;
  }
  EXPECT_NE(exporter_list(true).find("\\u009b31m"), std::string::npos) << exporter_list(true);
}

TEST_F(CareJobs, GapsAreListedAsJson) {
  gap("first", start_, start_ + seconds(5));
  run("gaps_accept", gaps_accept_argument({}, "alex", "known"));
  std::size_t open = 9;
  const std::string line = gap_list({}, true, open);
  EXPECT_EQ(open, 0u);
  EXPECT_TRUE(line.starts_with(R"({"gap":1,"of":"acme/audit","type":"unreachable","from":")")) << line;
  EXPECT_TRUE(line.ends_with(",\"accepted_by\":\"alex\",\"reason\":\"known\"}\n")) << line;
}

TEST_F(CareJobs, AnExporterIsRenamed) {
  journal_->attach_exporter("archive", "file", "hold", false).value();
  const JobOutcome outcome = run("exporter_rename", exporter_rename_argument("archive", "vault", "alex"));
  EXPECT_EQ(outcome.state, JobState::done) << outcome.words;
  EXPECT_EQ(row("vault").name, "vault");
  EXPECT_EQ(run("exporter_rename", exporter_rename_argument("archive", "other", "alex")).state, JobState::failed);
}

TEST_F(CareJobs, AnExporterThatTheDaemonHasConfiguredIsNotForgotten) {
  journal_->attach_exporter("archive", "file", "hold", false).value();
  publish(5);
  ASSERT_TRUE(journal_->detach_exporters_except({}).ok());
  EXPECT_EQ(run("exporter_forget", exporter_forget_argument("archive", "alex")).state, JobState::failed);
  EXPECT_EQ(row("archive").name, "archive");
  settings_.exporters[0].enabled = false;
  const JobOutcome outcome = run("exporter_forget", exporter_forget_argument("archive", "alex"));
  EXPECT_EQ(outcome.words, "exporter archive is forgotten: it never got 5 records");
  EXPECT_EQ(row("archive").name, "");
}

TEST_F(CareJobs, ExportersAreListedWithWhatBecomesOfThem) {
  publish(5);
  journal_->attach_exporter("siem", "http", "hold", false).value();
  EXPECT_NE(exporter_list(false).find("attached"), std::string::npos) << exporter_list(false);
  ASSERT_TRUE(journal_->detach_exporters_except({}).ok());
  const std::string text = exporter_list(false);
  EXPECT_NE(text.find("detached"), std::string::npos) << text;
  EXPECT_NE(text.find("5 records are kept for it until the journal is full"), std::string::npos) << text;
  EXPECT_NE(text.find("auditferry exporter forget siem"), std::string::npos) << text;
  EXPECT_NE(text.find("archive"), std::string::npos) << "configured, and not started yet";
  EXPECT_TRUE(exporter_list(true).starts_with(R"({"exporter":"siem","type":"http","configured":false,)")) << exporter_list(true);
}

}  // namespace
}  // namespace auditferry
