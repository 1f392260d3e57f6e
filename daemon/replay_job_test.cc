#include "daemon/replay_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "daemon/deliverer_fixture.h"
#include "daemon/far_end.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using Lines = FarEnd::Lines;

class ReplayTest : public DeliveryWorld {
 protected:
  ReplayTest() { settings_.exporters = {settings_of("siem")}; }
  ~ReplayTest() override { stop(); }
  JobExporter lend(const ExporterSettings& settings) {
    auto far_end = std::make_unique<FarEnd>(loop_, limits_);
    far_end->takes = takes_;
    far_end->answer = [this](const Lines& lines) {
      WriteOutcome made = answer_(lines);
      if (made.verdict == Verdict::delivered) got_.insert(got_.end(), lines.begin(), lines.end());
      return made;
    };
    JobExporter made;
    made.settings = &settings;
    made.shape = std::make_unique<RecordShape>(settings, std::make_unique<IdFormat>(), profiles_, log_);
    made.exporter = std::move(far_end);
    return made;
  }
  Task<void> carry_out(JobRow job, JobOutcome& outcome) {
    outcome = co_await jobs_.carry_out(std::move(job));
  }
  // Records have times a microsecond apart, from `start_` on.
  JobOutcome replay_between(int from, int to, const std::string& stream = "") {
    const std::string argument =
        replay_argument({"siem", {start_ + Duration(from), start_ + Duration(to)}, stream});
    const std::int64_t id = add_job(*journal_, "replay", argument, loop_.clock().now()).value();
    JobOutcome outcome;
    loop_.run(carry_out({id, "replay", argument, JobState::queued, ""}, outcome));
    return outcome;
  }

  Settings settings_;
  WallTime start_ = loop_.clock().now();
  std::function<WriteOutcome(const Lines&)> answer_ = [](const Lines&) { return WriteOutcome(); };
  Lines got_;
  WriteLimits limits_;
  std::function<Duration(const Lines&)> takes_ = [](const Lines&) { return Duration::zero(); };
  Jobs jobs_{JobWorld{loop_.clock(), log_, *storage_, random_, settings_,
                      [this](const ExporterSettings& one) { return lend(one); }}};
};

TEST_F(ReplayTest, DeliversTheTimeAgainAndTouchesNoPosition) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(40);
  const JobOutcome outcome = replay_between(12, 25);
  EXPECT_EQ(outcome.state, JobState::done) << outcome.words;
  Lines expected;
  for (int i = 12; i <= 25; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(got_, expected);
  EXPECT_EQ(books().position, 0u);
  EXPECT_EQ(books().replayed, 14u);
  EXPECT_EQ(replay_between(0, 40, "device").words, "0 records delivered again");
}

// As syslog does, which confirms after `linger`: the batches wait for that together.
TEST_F(ReplayTest, HasSeveralWritesUnconfirmedWhereTheFarEndAllowsIt) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(40);
  settings_.exporters[0].batch.records = 2;
  for (const std::uint32_t unconfirmed : {0u, 1u, 8u, 1000u}) {
    SCOPED_TRACE(unconfirmed);
    limits_ = {1, unconfirmed};
    got_.clear();
    std::size_t under_way = 0;
    std::size_t most = 0;
    Lines begun;
    takes_ = [&](const Lines& lines) {
      begun.insert(begun.end(), lines.begin(), lines.end());
      most = std::max(most, ++under_way);
      return Duration(std::chrono::seconds(10));
    };
    answer_ = [&](const Lines&) {
      --under_way;
      return WriteOutcome();
    };
    const SteadyTime before = loop_.clock().steady_now();
    const JobOutcome outcome = replay_between(0, 39);
    EXPECT_EQ(outcome.words, "40 records delivered again");
    const std::size_t expected = std::clamp<std::size_t>(unconfirmed, 1, 16);
    EXPECT_EQ(most, expected);
    EXPECT_LE(loop_.clock().steady_now() - before, std::chrono::seconds(10) * (20 / expected + 2));
    Lines all;
    for (int i = 0; i < 40; ++i) all.push_back(std::to_string(i));
    EXPECT_EQ(begun, all) << "writes begin in the order of the records";
    EXPECT_EQ(got_.size(), 40u);
  }
  EXPECT_EQ(books().replayed, 160u);
}

TEST_F(ReplayTest, BatchesThatWaitTogetherAreEachSentAgainAfterABreak) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(40);
  settings_.exporters[0].batch.records = 2;
  limits_ = {1, 8};
  takes_ = [](const Lines&) { return Duration(std::chrono::seconds(10)); };
  int broken = 0;
  answer_ = [&broken](const Lines&) {
    return ++broken <= 8 ? outcome(Verdict::retry, "the connection broke") : WriteOutcome();
  };
  EXPECT_EQ(replay_between(0, 39).words, "40 records delivered again");
  EXPECT_EQ(std::set<std::string>(got_.begin(), got_.end()).size(), 40u);
  EXPECT_EQ(got_.size(), 40u);
  // What is under way when one is stopped comes to its end, and counts.
  got_.clear();
  answer_ = [](const Lines& lines) { return lines[0] == "4" ? outcome(Verdict::pause, "401") : WriteOutcome(); };
  const JobOutcome ended = replay_between(0, 39);
  EXPECT_EQ(ended.state, JobState::failed);
  EXPECT_NE(ended.words.find("401"), std::string::npos);
  EXPECT_EQ(ended.words.find(std::to_string(got_.size()) + " records delivered again"), 0u) << ended.words;
  EXPECT_LT(got_.size(), 40u);
  EXPECT_EQ(books().replayed, 40u + got_.size());
}

TEST_F(ReplayTest, SaysWhatIsNotInTheJournalAnyMore) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(10);
  publish(10);
  journal_->database().execute("DELETE FROM publication WHERE first_seq = 1");
  const JobOutcome outcome = replay_between(5, 15);
  EXPECT_EQ(outcome.state, JobState::needs_a_person);
  EXPECT_NE(outcome.words.find("5 more were fetched for this time and are not in the journal any more"),
            std::string::npos)
      << outcome.words;
  EXPECT_EQ(got_.size(), 6u);
}

TEST_F(ReplayTest, WhatIsStagedIsNotMissing) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(10);
  PageBuilder builder;
  for (int i = 10; i < 14; ++i) builder.add(std::to_string(i), start_ + Duration(i));
  PageToStore page;
  page.stream_id = collection_.stream_id;
  page.collection_id = collection_.collection_id;
  page.source = "acme";
  page.page = &builder.page();
  page.walk_state = "{}";
  page.provenance.how = "poll";
  ASSERT_TRUE(journal_->store_page(page, loop_.clock().now()).ok());
  const JobOutcome outcome = replay_between(0, 20);
  EXPECT_EQ(outcome.state, JobState::needs_a_person);
  EXPECT_NE(outcome.words.find("4 more are fetched and wait for the end of their walk"), std::string::npos) << outcome.words;
  EXPECT_EQ(outcome.words.find("not in the journal any more"), std::string::npos) << outcome.words;
  EXPECT_EQ(replay_between(0, 9).state, JobState::done) << "another time";
}

TEST_F(ReplayTest, AFarEndThatAsksToWaitForLongEndsTheJob) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(10);
  for (const bool named : {false, true}) {
    answer_ = [named](const Lines& lines) {
      WriteOutcome busy = outcome(Verdict::retry, "429");
      if (named) {
        busy = WriteOutcome();
        for (std::size_t i = 0; i < lines.size(); ++i) busy.records.push_back({i, Verdict::retry, "429"});
      }
      busy.retry_after = hours(3);
      return busy;
    };
    const Duration before = loop_.clock().slept();
    const JobOutcome ended = replay_between(0, 9);
    EXPECT_LE(loop_.clock().slept() - before, std::chrono::minutes(5));
    EXPECT_EQ(ended.state, JobState::failed);
    EXPECT_NE(ended.words.find("it asks to wait 3h"), std::string::npos) << ended.words;
  }
}

TEST_F(ReplayTest, HalvesRefusalsAndStopsAtAPause) {
  journal_->attach_exporter("siem", "scripted", "hold", true).value();
  publish(10);
  answer_ = [](const Lines& lines) {
    return std::find(lines.begin(), lines.end(), "3") == lines.end() ? WriteOutcome()
                                                                     : outcome(Verdict::refused, "400");
  };
  const JobOutcome some = replay_between(0, 9);
  EXPECT_EQ(some.state, JobState::needs_a_person);
  EXPECT_EQ(some.words, "9 records delivered again, 1 refused: 400");
  answer_ = [](const Lines&) { return outcome(Verdict::pause, "401"); };
  EXPECT_EQ(replay_between(0, 9).state, JobState::failed);
  EXPECT_EQ(books().replayed, 9u);
  EXPECT_EQ(books().dead, 0u);
}

}  // namespace
}  // namespace auditferry
