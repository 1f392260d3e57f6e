// Refusals: halving, suspects and neighbours, dead letters and their rate.

#include <gtest/gtest.h>

#include <set>

#include "daemon/deliverer_fixture.h"
#include "daemon/far_end.h"
#include "storage/dead_letters.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Lines = FarEnd::Lines;

class VerdictTest : public DeliveryWorld {
 protected:
  ~VerdictTest() override { stop(); }
  void run(Duration time = seconds(5), WriteLimits limits = {}) {
    if (!deliverer_) {
      far_end_ = std::make_unique<FarEnd>(loop_, limits);
      far_end_->answer = [this](const Lines& lines) { return answer_(lines); };
      deliverer_ = make(settings_, *far_end_);
      group_.spawn("deliverer", deliverer_->run());
    }
    loop_.run_until_idle(time);
  }
  // Refuses every batch with one of `bad` in it, as a whole.
  void refuse_batches_with(std::set<std::string> bad) {
    answer_ = [bad](const Lines& lines) {
      for (const std::string& line : lines) {
        if (bad.count(line) > 0) return outcome(Verdict::refused, "400: cannot parse");
      }
      return WriteOutcome();
    };
  }
  void refuse_everything() {
    answer_ = [](const Lines&) { return outcome(Verdict::refused, "400 Bad Request"); };
  }
  void accept_everything() {
    answer_ = [](const Lines&) { return WriteOutcome(); };
  }
  std::vector<std::uint64_t> dead_seqs() {
    std::vector<std::uint64_t> seqs;
    const std::vector<std::int64_t> ids = dead_letter_ids(*journal_, {}).value();
    for (const std::int64_t id : ids) seqs.push_back(find_dead_letter(*journal_, id).value()->seq);
    return seqs;
  }
  const DelivererStatus& status() const { return deliverer_->status(); }

  ExporterSettings settings_ = settings_of("siem");
  std::function<WriteOutcome(const Lines&)> answer_ = [](const Lines&) { return WriteOutcome(); };
  std::unique_ptr<FarEnd> far_end_;
  std::unique_ptr<Deliverer> deliverer_;
};

TEST_F(VerdictTest, HalvingFindsTheOneBadRecordOfAThousand) {
  settings_.batch.records = 1000;
  for (const int bad : {0, 1, 500, 777, 999}) {
    refuse_batches_with({std::to_string(next_id_ + bad)});
    const std::size_t writes_before = far_end_ ? far_end_->writes.size() : 0;
    publish(1000);
    const std::uint64_t seq = journal_->last_seq() - 999 + static_cast<std::uint64_t>(bad);
    run();
    EXPECT_EQ(books().position, journal_->last_seq());
    EXPECT_EQ(dead_seqs().back(), seq);
    EXPECT_LE(far_end_->writes.size() - writes_before, 1 + 2 * 10 + 2u)
        << "2 log2(1000), the batch itself, the suspect once more";
  }
  EXPECT_EQ(books().dead, 5u);
  EXPECT_EQ(books().delivered, 4995u);
  EXPECT_EQ(far_end_->accepted.size(), 4995u) << "nothing twice";
}

TEST_F(VerdictTest, ARefusedBatchKeepsItsOrder) {
  settings_.batch.records = 100;
  refuse_batches_with({"37"});
  publish(100);
  run();
  Lines expected;
  for (int i = 0; i < 100; ++i) {
    if (i != 37) expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(far_end_->accepted, expected);
}

TEST_F(VerdictTest, AProxyThatRefusesEverythingPausesAndNothingIsDead) {
  settings_.batch.records = 1000;
  refuse_everything();
  publish(3000);
  run(minutes(1));
  EXPECT_LE(far_end_->writes.size(), 20u);
  EXPECT_TRUE(status().paused);
  EXPECT_NE(status().problem.find("400 Bad Request"), std::string::npos);
  EXPECT_NE(row().last_error.find("400 Bad Request"), std::string::npos);
  run(hours(2));
  EXPECT_EQ(books().dead, 0u);
  EXPECT_EQ(books().position, 0u);
  EXPECT_LE(far_end_->writes.size(), 20 + 130u) << "a slow probe, about one a minute";
  EXPECT_EQ(log_.count("everything is refused"), 1u) << "told once, not per try";
  accept_everything();
  run(minutes(10));
  EXPECT_EQ(books().delivered, 3000u) << "also those that were suspects";
  EXPECT_EQ(books().dead, 0u);
  EXPECT_TRUE(status().up);
}

TEST_F(VerdictTest, EverythingRefusedWithSeveralWritesUnderWay) {
  settings_.batch.records = 50;
  refuse_everything();
  publish(2000);
  run(hours(3), {8, 0});
  EXPECT_EQ(books().dead, 0u);
  EXPECT_TRUE(status().paused);
  EXPECT_LE(far_end_->writes.size(), 250u);
  accept_everything();
  run(minutes(10));
  EXPECT_EQ(books().delivered, 2000u);
  EXPECT_EQ(books().dead, 0u);
}

TEST_F(VerdictTest, ABadRecordAloneWaitsUntilANeighbourIsAccepted) {
  for (const bool named : {false, true}) {
    SCOPED_TRACE(named);
    const std::string bad = std::to_string(next_id_);
    answer_ = [bad, named](const Lines& lines) {
      WriteOutcome made;
      if (lines.front() != bad) return made;
      if (!named) return outcome(Verdict::refused, "413 too large");
      made.records = {{0, Verdict::poison, "413 too large"}};
      return made;
    };
    const ExporterBooks before = books();
    publish(1);
    run(minutes(30));
    EXPECT_EQ(books().dead, before.dead);
    EXPECT_EQ(books().position, journal_->last_seq() - 1);
    EXPECT_TRUE(status().paused);
    EXPECT_NE(status().problem.find("413 too large"), std::string::npos);
    const std::size_t tries = far_end_->writes.size();
    run(hours(1));
    EXPECT_LE(far_end_->writes.size() - tries, 65u);
    EXPECT_GE(far_end_->writes.size() - tries, 30u) << "it is tried again";
    publish(1);
    run(seconds(5));
    EXPECT_EQ(books().dead, before.dead + 1);
    EXPECT_EQ(books().position, journal_->last_seq());
    EXPECT_EQ(far_end_->accepted.back(), std::to_string(next_id_ - 1));
  }
}

TEST_F(VerdictTest, ASuspectThatIsAcceptedAfterAllIsNoDeadLetter) {
  refuse_everything();
  publish(1);
  run(minutes(5));
  EXPECT_TRUE(status().paused);
  accept_everything();
  run(minutes(5));
  EXPECT_EQ(books().delivered, 1u);
  EXPECT_EQ(books().dead, 0u);
  EXPECT_TRUE(status().up);
}

TEST_F(VerdictTest, ARestartWithASuspectTriesItAgain) {
  refuse_batches_with({"0"});
  publish(1);
  run(minutes(5));
  stop();
  deliverer_.reset();
  publish(3);
  run(minutes(1));
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 3u);
}

TEST_F(VerdictTest, PoisonWithoutANameIsOneGroup) {
  answer_ = [](const Lines& lines) {
    if (lines.front() == "0") return outcome(Verdict::poison, "partial success: 2 log records rejected");
    return WriteOutcome();
  };
  publish(15);
  run();
  EXPECT_EQ(books().dead, 10u);
  EXPECT_EQ(books().delivered, 5u);
  std::set<std::int64_t> groups;
  const std::vector<std::int64_t> ids = dead_letter_ids(*journal_, {}).value();
  for (const std::int64_t id : ids) groups.insert(find_dead_letter(*journal_, id).value()->group);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(*groups.begin(), ids.front());
  EXPECT_EQ(log_.count("10 records were refused for good"), 1u);
}

TEST_F(VerdictTest, PoisonAfterTheBatchIsGoneIsReadAgain) {
  answer_ = [](const Lines& lines) {
    WriteOutcome made;
    if (lines.front() == "10") made.records = {{3, Verdict::poison, "mapping"}};
    return made;
  };
  publish(40);
  run(seconds(5), {1, 4});
  ASSERT_EQ(books().dead, 1u);
  const auto letter = find_dead_letter(*journal_, dead_letter_ids(*journal_, {})->front());
  ASSERT_TRUE(letter.ok() && letter->has_value());
  EXPECT_EQ((*letter)->bytes, "13");
  EXPECT_EQ((*letter)->seq, 14u);
  EXPECT_EQ((*letter)->identity, (StreamIdentity{"apptego", "t", "audit"}));
  ASSERT_EQ((*letter)->batch.records.size(), 1u);
  EXPECT_EQ((*letter)->batch.records[0].id, "13");
  EXPECT_EQ((*letter)->batch.records[0].raw, "{}");
  EXPECT_EQ((*letter)->batch.records[0].source, "acme");
}

TEST_F(VerdictTest, MoreThanTheRateOfDeadLettersPauses) {
  settings_.dead_letters_max_rate = 5;
  answer_ = [](const Lines& lines) {
    WriteOutcome made;  // every second one is refused
    for (std::size_t i = 0; i < lines.size(); i += 2) made.records.push_back({i, Verdict::poison, "mapping"});
    return made;
  };
  publish(40);
  run(minutes(30));
  EXPECT_EQ(books().dead, 5u);
  EXPECT_TRUE(status().paused);
  EXPECT_NE(status().problem.find("exporters.siem.dead_letters.max_rate"), std::string::npos);
  EXPECT_NE(status().problem.find("auditferry dead-letters list"), std::string::npos);
  EXPECT_EQ(log_.count("max_rate"), 1u);
  run(minutes(31));
  EXPECT_EQ(books().dead, 10u) << "the next hour allows more";
  run(hours(3));
  EXPECT_EQ(books().dead, 20u);
  EXPECT_EQ(books().delivered, 20u);
}

// Else it would wait for ever. The next one waits until the hour is over.
TEST_F(VerdictTest, AGroupThatIsLargerThanTheRatePassesAsTheFirstOfItsHour) {
  settings_.dead_letters_max_rate = 5;
  settings_.batch.records = 10;
  answer_ = [](const Lines&) { return WriteOutcome{Verdict::poison, "some of these are rejected"}; };
  publish(20);
  run(minutes(30));
  EXPECT_EQ(books().dead, 10u);
  EXPECT_TRUE(status().paused);
  EXPECT_NE(status().problem.find("dead_letters.max_rate"), std::string::npos);
  run(minutes(31));
  EXPECT_EQ(books().dead, 20u);
  EXPECT_EQ(books().position, journal_->last_seq());
}

TEST_F(VerdictTest, TheRateOutlivesARestart) {
  settings_.dead_letters_max_rate = 5;
  answer_ = [](const Lines& lines) {
    WriteOutcome made;
    for (std::size_t i = 0; i < lines.size(); i += 2) made.records.push_back({i, Verdict::poison, "mapping"});
    return made;
  };
  publish(30);
  run(minutes(1));
  stop();
  deliverer_.reset();
  run(minutes(10));
  EXPECT_EQ(books().dead, 5u);
  EXPECT_TRUE(status().paused);
}

TEST_F(VerdictTest, NoRateNoPause) {
  settings_.dead_letters_max_rate = 0;
  settings_.batch.records = 100;
  answer_ = [](const Lines& lines) {
    WriteOutcome made;
    for (std::size_t i = 1; i < lines.size(); ++i) made.records.push_back({i, Verdict::poison, "mapping"});
    return made;
  };
  publish(5000);
  run();
  EXPECT_EQ(books().dead, 4950u);
  EXPECT_EQ(books().delivered, 50u);
}

// Whatever mixture of verdicts comes, every record ends in one place and the books balance.
// What is sent again has holes, and comes back in part: the holes stay holes.
TEST_F(VerdictTest, WhatIsSentAgainInPartsStaysWhatItWas) {
  int write = 0;
  answer_ = [&write](const Lines&) {
    ++write;
    WriteOutcome made;
    const std::vector<std::size_t> busy = write == 1 ? std::vector<std::size_t>{0, 1, 4, 5} : std::vector<std::size_t>{1, 2, 3};
    if (write > 2) return made;
    for (const std::size_t index : busy) made.records.push_back({index, Verdict::retry, "429"});
    return made;
  };
  publish(6);
  run(hours(1));
  EXPECT_EQ(books().position, journal_->last_seq());
  EXPECT_EQ(books().delivered, 6u);
  const std::set<std::string> once(far_end_->accepted.begin(), far_end_->accepted.end());
  EXPECT_EQ(once.size(), 6u);
  EXPECT_EQ(far_end_->accepted.size(), 6u) << "nothing twice";
}

// As Splunk with acknowledgements answers: the events before a bad one are to be sent again, too.
TEST_F(VerdictTest, BadEventsOneAfterTheOtherAreFoundOneByOne) {
  const std::set<std::string> bad = {std::to_string(next_id_ + 2), std::to_string(next_id_ + 5)};
  answer_ = [bad](const Lines& lines) {
    WriteOutcome made;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (bad.count(lines[i]) == 0) continue;
      made.verdict = Verdict::retry;
      made.reason = "sent again";
      made.retry_after = Duration::zero();
      if (lines.size() == 1) return outcome(Verdict::refused, "code 6");
      made.records.push_back({i, Verdict::poison, "code 6"});
      return made;
    }
    return made;
  };
  publish(10);
  run(hours(1));
  EXPECT_EQ(books().position, journal_->last_seq());
  EXPECT_EQ(books().delivered, 8u);
  EXPECT_EQ(books().dead, 2u);
  EXPECT_EQ(far_end_->accepted.size(), 8u) << "nothing twice";
}

// On a quiet log every record is a batch of its own: the good one behind them is the neighbour they need.
TEST_F(VerdictTest, ManyBadRecordsInBatchesOfTheirOwnDoNotKeepTheGoodOneFromBeingOffered) {
  settings_.batch.records = 1;
  std::set<std::string> bad;
  for (int i = 0; i < 20; ++i) bad.insert(std::to_string(next_id_ + i));
  refuse_batches_with(bad);
  publish(21);
  run(hours(3));
  EXPECT_EQ(books().position, journal_->last_seq());
  EXPECT_EQ(books().dead, 20u);
  EXPECT_EQ(books().delivered, 1u);
}

// All of a batch are bad, and nothing is accepted: what comes later has the neighbour they need.
TEST_F(VerdictTest, ABatchOfBadRecordsDoesNotKeepNewerOnesFromBeingOffered) {
  std::set<std::string> bad;
  for (int i = 0; i < 10; ++i) bad.insert(std::to_string(next_id_ + i));
  refuse_batches_with(bad);
  publish(10);
  run(hours(1));
  EXPECT_TRUE(status().paused);
  EXPECT_EQ(books().dead, 0u);
  publish(1);
  run(hours(1));
  EXPECT_EQ(books().position, journal_->last_seq());
  EXPECT_EQ(books().dead, 10u);
  EXPECT_EQ(books().delivered, 1u);
  EXPECT_TRUE(status().up);
}

// The neighbour was accepted; then the far end is down for a while, just when the suspect is to be judged.
TEST_F(VerdictTest, ASuspectThatMeetsAnOutageWhenItIsJudgedIsJudgedAfterIt) {
  const std::string bad = std::to_string(next_id_);
  const std::string good = std::to_string(next_id_ + 1);
  bool accepted = false;
  int outages = 0;
  answer_ = [&](const Lines& lines) {
    if (lines.front() != bad) {
      accepted = true;
      return WriteOutcome();
    }
    if (accepted && ++outages < 8) return outcome(Verdict::retry, "503");
    return outcome(Verdict::refused, "400");
  };
  publish(1);
  run(minutes(5));
  publish(1);
  run(hours(2));
  EXPECT_EQ(outages, 8);
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 1u);
  EXPECT_EQ(books().position, journal_->last_seq());
}

// Letters may wait for hours: their records can be read again.
TEST_F(VerdictTest, LettersThatWaitForTheirRateKeepNoBatch) {
  settings_.dead_letters_max_rate = 5;
  answer_ = [](const Lines& lines) {
    WriteOutcome made;
    for (std::size_t i = 0; i < lines.size(); i += 2) made.records.push_back({i, Verdict::poison, "mapping"});
    return made;
  };
  publish(100);
  run(minutes(30), {1, 16});
  EXPECT_EQ(books().dead, 5u);
  EXPECT_LE(deliverer_->batches_in_memory(), 2u) << "one that is next, and one that was read ahead";
  EXPECT_NE(status().problem.find("dead_letters.max_rate"), std::string::npos);
  run(hours(12));
  EXPECT_EQ(books().dead, 50u);
  EXPECT_EQ(books().delivered, 50u);
  const std::vector<std::int64_t> ids = dead_letter_ids(*journal_, {}).value();
  const auto letter = find_dead_letter(*journal_, ids.at(7)).value();
  EXPECT_EQ(letter->bytes, letter->batch.records.at(0).id);
  EXPECT_EQ(letter->reason, "mapping");
  EXPECT_EQ(dead_seqs().back(), 99u);
}

TEST_F(VerdictTest, RandomVerdictsLoseNothing) {
  for (std::uint64_t seed = 1; seed <= rounds(6u, 2u); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    settings_.dead_letters_max_rate = 0;
    std::set<std::string> bad;
    const int first = next_id_;
    for (int i = 0; i < 400; ++i) {
      if (random() % 40 == 0) bad.insert(std::to_string(first + i));
    }
    answer_ = [bad, &random](const Lines& lines) {
      WriteOutcome made;
      const std::uint64_t dice = random() % 10;
      if (dice == 0) return outcome(Verdict::retry, "busy");
      if (dice == 1) return outcome(Verdict::pause, "401");
      const bool any = std::any_of(lines.begin(), lines.end(),
                                   [&bad](const std::string& line) { return bad.count(line) > 0; });
      if (any && dice < 6) return outcome(Verdict::refused, "400");
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (bad.count(lines[i]) > 0) {
          made.records.push_back({i, Verdict::poison, "mapping"});
        } else if (random() % 20 == 0) {
          made.records.push_back({i, Verdict::retry, "429"});
        }
      }
      return made;
    };
    const std::uint64_t dead_before = books().dead;
    deliverer_.reset();
    publish(400);
    run(hours(3), seed % 2 == 0 ? WriteLimits{3, 6} : WriteLimits{2, 0});
    publish(1);
    run(hours(1));
    EXPECT_EQ(books().position, journal_->last_seq());
    EXPECT_EQ(books().dead - dead_before, bad.size());
    std::set<std::string> accepted(far_end_->accepted.begin(), far_end_->accepted.end());
    EXPECT_EQ(accepted.size(), far_end_->accepted.size()) << "nothing twice";
    EXPECT_EQ(accepted.size() + bad.size(), 401u);
    stop();
  }
}

}  // namespace
}  // namespace auditferry
