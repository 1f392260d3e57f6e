#include "daemon/letter_jobs.h"

#include <gtest/gtest.h>

#include <utility>

#include "daemon/deliverer_fixture.h"
#include "daemon/far_end.h"
#include "daemon/letter_report.h"
#include "storage/ledger.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Lines = FarEnd::Lines;

// Passes an exporter that somebody else owns.
class Borrowed final : public Exporter {
 public:
  explicit Borrowed(FarEnd& far_end) : far_end_(far_end) {}
  Task<Status> open(const ExporterState& state) override { return far_end_.open(state); }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override {
    return far_end_.write(records, progress);
  }
  Task<Status> greet() override { return far_end_.greet(); }
  Task<void> reopen() override { return far_end_.reopen(); }
  Task<WriteOutcome> tend() override { return far_end_.tend(); }
  Task<void> close() override { co_return; }

 private:
  FarEnd& far_end_;
};

class LetterJobs : public DeliveryWorld {
 protected:
  LetterJobs() { settings_.exporters = {settings_of("siem")}; }
  ~LetterJobs() override { stop(); }
  // Ten records, of which two (with seq 3 and 5) become dead letters.
  void make_letters() {
    FarEnd far_end(loop_, {});
    far_end.answer = [](const Lines&) {
      WriteOutcome made;
      made.records = {{2, Verdict::poison, "mapping \x1b[31m error"}, {4, Verdict::poison, "too long"}};
      return made;
    };
    const auto deliverer = make(settings_.exporters[0], far_end);
    group_.spawn("deliverer", deliverer->run());
    publish(10);
    loop_.run_until_idle(seconds(2));
    stop();
    ASSERT_EQ(books().dead, 2u);
  }
  // The first `count` of ten records; or all ten as a group.
  void make_letters(std::size_t count, bool group = false) {
    FarEnd far_end(loop_, {});
    far_end.answer = [count, group](const Lines&) {
      if (group) return outcome(Verdict::poison, "some are rejected");
      WriteOutcome made;
      for (std::size_t i = 0; i < count; ++i) made.records.push_back({i, Verdict::poison, "mapping"});
      return made;
    };
    ExporterSettings all_at_once = settings_.exporters[0];
    all_at_once.batch = {};
    const auto deliverer = make(all_at_once, far_end);
    group_.spawn("deliverer", deliverer->run());
    publish(10);
    loop_.run_until_idle(seconds(2));
    stop();
  }
  JobExporter lend(const ExporterSettings& settings) {
    JobExporter made;
    made.settings = &settings;
    made.shape = std::make_unique<RecordShape>(settings, std::make_unique<IdFormat>(), profiles_, log_);
    made.exporter = std::make_unique<Borrowed>(far_end_);
    return made;
  }
  Task<void> carry_out(JobRow job, JobOutcome& outcome) {
    outcome = co_await jobs_.carry_out(std::move(job));
  }
  JobOutcome run(const std::string& kind, std::vector<std::int64_t> ids = {}) {
    const std::string argument = letters_argument({"siem", std::move(ids)});
    const std::int64_t id = add_job(*journal_, kind, argument, loop_.clock().now()).value();
    JobOutcome outcome;
    loop_.run(carry_out({id, kind, argument, JobState::queued, ""}, outcome));
    return outcome;
  }
  std::vector<std::int64_t> ids() { return dead_letter_ids(*journal_, {}).value(); }
  std::string ledger() {
    std::string text;
    read_ledger(journal_->database(), {},
                [&text](const LedgerRow& row) { text += row.kind + " " + row.detail + "\n"; });
    return text;
  }

  Settings settings_;
  FarEnd far_end_{loop_};
  Jobs jobs_{JobWorld{loop_.clock(), log_, *storage_, random_, settings_,
                      [this](const ExporterSettings& one) { return lend(one); }}};
};

TEST_F(LetterJobs, RetryDeliversAndMovesTheBooks) {
  make_letters();
  const JobOutcome outcome = run("dead_letters_retry");
  EXPECT_EQ(outcome.state, JobState::done);
  EXPECT_EQ(far_end_.accepted, (Lines{"2", "4"}));
  EXPECT_EQ(books().dead, 0u);
  EXPECT_EQ(books().delivered, 10u);
  EXPECT_TRUE(ids().empty());
  EXPECT_NE(ledger().find("dead_letter_delivered"), std::string::npos);
}

TEST_F(LetterJobs, RetryNeedsNoJournalledRecord) {
  make_letters();
  journal_->database().execute("DELETE FROM payload");
  journal_->database().execute("DELETE FROM publication");
  EXPECT_EQ(run("dead_letters_retry").state, JobState::done);
  EXPECT_EQ(books().delivered, 10u);
}

TEST_F(LetterJobs, OfADamagedLetterTheJournalsRecordIsSent) {
  make_letters();
  journal_->database().execute("UPDATE dead_letter SET payload = x'00' || substr(payload, 2) WHERE seq = 3");
  EXPECT_EQ(run("dead_letters_retry").state, JobState::done);
  EXPECT_EQ(far_end_.accepted, (Lines{"2", "4"}));
  EXPECT_EQ(books().delivered, 10u);
}

// Altered evidence goes nowhere.
TEST_F(LetterJobs, ADamagedLetterIsToldAndNotSent) {
  make_letters();
  const std::int64_t damaged = ids().front();
  // Another record of the same kind: it can be read, and is not what was stored.
  journal_->database().execute("UPDATE dead_letter SET payload = (SELECT payload FROM dead_letter WHERE seq = 5)");
  journal_->database().execute("DELETE FROM payload");
  journal_->database().execute("DELETE FROM publication");
  const JobOutcome outcome = run("dead_letters_retry");
  EXPECT_EQ(outcome.state, JobState::needs_a_person);
  EXPECT_NE(outcome.words.find("dead letter " + std::to_string(damaged) + " is damaged on the disk"), std::string::npos) << outcome.words;
  EXPECT_NE(outcome.words.find("it was not sent"), std::string::npos) << outcome.words;
  EXPECT_EQ(far_end_.accepted, (Lines{"4"}));
  EXPECT_EQ(ids(), std::vector<std::int64_t>{damaged});
  const auto reader = JournalReader::open(folder_ / "journal.db");
  std::string text;
  const ReportSink sink = [&text](std::string_view piece) { text += piece; };
  EXPECT_EQ(render_letter_list(**reader, {}, sink).value(), 1u);
  EXPECT_NE(text.find("(damaged) "), std::string::npos) << text;
  EXPECT_EQ(render_letters(**reader, {}, sink).value(), 1u);
  EXPECT_NE(text.find("do not rely on what follows"), std::string::npos) << text;
}

TEST_F(LetterJobs, ARefusalKeepsTheLetterWithItsNewReason) {
  make_letters();
  far_end_.answer = [](const Lines& lines) {
    if (lines.front() == "2") return outcome(Verdict::refused, "still no good");
    return WriteOutcome();
  };
  const JobOutcome outcome = run("dead_letters_retry");
  EXPECT_EQ(outcome.state, JobState::needs_a_person);
  EXPECT_NE(outcome.words.find("still no good"), std::string::npos);
  ASSERT_EQ(ids().size(), 1u);
  EXPECT_EQ(find_dead_letter(*journal_, ids().front()).value()->reason, "still no good");
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 9u);
}

// A far end that confirms late (syslog's linger) is waited for once a batch.
TEST_F(LetterJobs, LettersGoOutInTheExportersBatches) {
  settings_.exporters[0].batch.records = 4;
  make_letters(9);
  far_end_.takes = [](const Lines&) { return Duration(seconds(10)); };
  const Duration before = loop_.clock().slept();
  EXPECT_EQ(run("dead_letters_retry").state, JobState::done);
  EXPECT_EQ(far_end_.writes, (std::vector<Lines>{{"0", "1", "2", "3"}, {"4", "5", "6", "7"}, {"8"}}));
  EXPECT_LT(loop_.clock().slept() - before, seconds(31));
  EXPECT_EQ(books().dead, 0u);
  EXPECT_EQ(books().delivered, 10u);
}

TEST_F(LetterJobs, ABatchEndsAtTheExportersBytesToo) {
  settings_.exporters[0].batch.bytes = 2;
  make_letters(3);
  EXPECT_EQ(run("dead_letters_retry").state, JobState::done);
  EXPECT_EQ(far_end_.writes, (std::vector<Lines>{{"0", "1"}, {"2"}}));
}

// What was delivered before the far end went away is no letter any more, what was refused has its new reason.
TEST_F(LetterJobs, ABatchIsSettledRecordByRecord) {
  make_letters(6);
  far_end_.answer = [](const Lines& lines) {
    if (lines.size() == 1) return outcome(Verdict::pause, "now it is down");
    WriteOutcome made;
    made.records = {{1, Verdict::poison, "still no good"}, {4, Verdict::retry, "busy"}};
    return made;
  };
  const JobOutcome ended = run("dead_letters_retry");
  EXPECT_EQ(ended.state, JobState::failed);
  EXPECT_NE(ended.words.find("6 dead letters: 4 delivered, 1 refused again"), std::string::npos) << ended.words;
  EXPECT_NE(ended.words.find("now it is down"), std::string::npos) << ended.words;
  const std::vector<std::int64_t> left = ids();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(find_dead_letter(*journal_, left[0]).value()->reason, "still no good");
  EXPECT_EQ(find_dead_letter(*journal_, left[1]).value()->reason, "mapping");
  EXPECT_EQ(books().dead, 2u);
  EXPECT_EQ(books().delivered, 8u);
}

// Which of them are at fault shows only so.
TEST_F(LetterJobs, LettersOfAGroupGoOneByOne) {
  make_letters(4, true);
  ASSERT_EQ(books().dead, 10u);
  far_end_.answer = [](const Lines& lines) {
    const bool bad = std::find(lines.begin(), lines.end(), "2") != lines.end();
    return bad ? outcome(Verdict::poison, "one is rejected") : WriteOutcome();
  };
  EXPECT_EQ(run("dead_letters_retry").state, JobState::needs_a_person);
  EXPECT_EQ(far_end_.writes.size(), 10u);
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 9u);
}

// Letters that were refused one by one, and now some of them without a name.
TEST_F(LetterJobs, ABatchThatBecomesAGroupIsSentOneByOne) {
  make_letters(4);
  far_end_.answer = [](const Lines& lines) {
    const bool bad = std::find(lines.begin(), lines.end(), "2") != lines.end();
    return bad ? outcome(Verdict::poison, "one is rejected") : WriteOutcome();
  };
  EXPECT_EQ(run("dead_letters_retry").state, JobState::needs_a_person);
  EXPECT_EQ(far_end_.writes, (std::vector<Lines>{{"0", "1", "2", "3"}, {"0"}, {"1"}, {"2"}, {"3"}}));
  EXPECT_EQ(books().dead, 1u);
}

TEST_F(LetterJobs, AFarEndThatAnswersNobodyEndsTheJob) {
  make_letters();
  far_end_.answer = [](const Lines&) { return outcome(Verdict::retry, "503"); };
  const JobOutcome outcome = run("dead_letters_retry");
  EXPECT_EQ(outcome.state, JobState::failed);
  EXPECT_NE(outcome.words.find("503"), std::string::npos);
  EXPECT_EQ(books().dead, 2u);
  EXPECT_EQ(ids().size(), 2u);
}

// Other jobs wait behind this one.
TEST_F(LetterJobs, AFarEndThatAsksToWaitForLongEndsTheJob) {
  make_letters();
  far_end_.answer = [](const Lines&) {
    WriteOutcome busy = outcome(Verdict::retry, "429");
    busy.retry_after = hours(3);
    return busy;
  };
  const Duration before = loop_.clock().slept();
  const JobOutcome ended = run("dead_letters_retry");
  EXPECT_LE(loop_.clock().slept() - before, minutes(5));
  EXPECT_EQ(ended.state, JobState::failed);
  EXPECT_NE(ended.words.find("it asks to wait 3h"), std::string::npos) << ended.words;
  EXPECT_NE(ended.words.find("give the command again after that"), std::string::npos) << ended.words;
  EXPECT_EQ(ids().size(), 2u);
}

TEST_F(LetterJobs, AShortWaitIsWaitedFor) {
  make_letters();
  bool first = true;
  far_end_.answer = [&first](const Lines&) {
    WriteOutcome busy;
    if (!std::exchange(first, false)) return busy;
    busy = outcome(Verdict::retry, "429");
    busy.retry_after = minutes(4);
    return busy;
  };
  const Duration before = loop_.clock().slept();
  EXPECT_EQ(run("dead_letters_retry").state, JobState::done);
  EXPECT_GE(loop_.clock().slept() - before, minutes(4));
}

TEST_F(LetterJobs, DiscardTakesTheNamedOnesAndTheLedgerSaysSo) {
  make_letters();
  const std::vector<std::int64_t> all = ids();
  EXPECT_EQ(run("dead_letters_discard", {all[1]}).state, JobState::done);
  EXPECT_EQ(ids(), (std::vector<std::int64_t>{all[0]}));
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().discarded, 1u);
  EXPECT_NE(ledger().find("dead_letter_discarded {\"exporter\":\"siem\""), std::string::npos);
  EXPECT_EQ(run("dead_letters_discard").words, "1 dead letter discarded; the ledger says which");
  EXPECT_EQ(books().discarded, 2u);
}

TEST_F(LetterJobs, TheDaemonTakesUpQueuedJobsAndFailsThoseItLeft) {
  make_letters();
  const auto add = [this] {
    return add_job(*journal_, "dead_letters_discard", letters_argument({"siem", {}}), loop_.clock().now())
        .value();
  };
  const std::int64_t left = add();
  ASSERT_TRUE(set_job(*journal_, left, JobState::running, "").ok());
  group_.spawn("jobs", jobs_.run());
  loop_.run_until_idle(seconds(3));
  EXPECT_EQ(books().discarded, 0u);
  const auto client = JobClient::open(folder_ / "journal.db");
  ASSERT_TRUE(client.ok()) << client.error().message;
  EXPECT_EQ((*client)->look(left)->state, JobState::failed);
  const std::int64_t job =
      (*client)->add("dead_letters_discard", letters_argument({"siem", {}}), loop_.clock().now()).value();
  const std::int64_t unknown = add_job(*journal_, "dance", letters_argument({"siem", {}}), loop_.clock().now()).value();
  loop_.run_until_idle(seconds(3));
  EXPECT_EQ((*client)->look(job)->state, JobState::done);
  EXPECT_EQ((*client)->look(unknown)->state, JobState::failed);
  EXPECT_EQ(books().discarded, 2u);
  // Every line says which job it is of, and whose records are meant.
  const std::string fields = " job=" + std::to_string(job) + " exporter=siem\n";
  const std::string name = "job " + std::to_string(job) + " (dead_letters_discard) ";
  EXPECT_NE(log_.text().find(name + "begins" + fields), std::string::npos) << log_.text();
  EXPECT_NE(log_.text().find(name + "has ended: 2 dead letters discarded; the ledger says which" + fields), std::string::npos) << log_.text();
}

TEST_F(LetterJobs, TheReportsObeyNoEscapes) {
  make_letters();
  const auto reader = JournalReader::open(folder_ / "journal.db");
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  std::string text;
  const ReportSink sink = [&text](std::string_view piece) { text += piece; };
  EXPECT_EQ(render_letter_list(**reader, {}, sink).value(), 2u);
  EXPECT_NE(text.find("apptego/t/audit/2 "), std::string::npos) << text;
  EXPECT_NE(text.find("too long"), std::string::npos);
  EXPECT_EQ(render_letters(**reader, {"siem", {ids()[0]}}, sink).value(), 1u);
  EXPECT_NE(text.find("as it was sent: 2"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(render_letters(**reader, {"other", {}}, sink).value(), 0u);
}

}  // namespace
}  // namespace auditferry
