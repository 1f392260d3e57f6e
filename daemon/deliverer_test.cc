#include "daemon/deliverer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "daemon/deliverer_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Answers what the test says, then "delivered"; remembers what was delivered.
class ScriptedExporter final : public Exporter {
 public:
  explicit ScriptedExporter(Clock& clock) : clock_(clock) {}
  std::deque<WriteOutcome> script;
  std::vector<std::string> delivered;
  std::vector<std::size_t> sizes;  // of the writes, in records
  std::size_t writes = 0;
  bool hangs = false;
  bool closed = false;
  int open_failures = 0;
  ExporterState opened_with;

  Task<Status> open(const ExporterState& state) override {
    opened_with = state;
    if (open_failures-- > 0) co_return Error{ErrorKind::permission, "not yet"};
    co_return Status();
  }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress&) override {
    ++writes;
    sizes.push_back(records.size());
    while (hangs) co_await clock_.sleep(hours(1));
    WriteOutcome outcome;
    if (!script.empty()) {
      outcome = std::move(script.front());
      script.pop_front();
    }
    if (outcome.verdict == Verdict::delivered) {
      for (std::size_t i = 0; i < records.size(); ++i) {
        const bool refused = std::any_of(outcome.records.begin(), outcome.records.end(),
                                         [&](const RecordOutcome& one) { return one.index == i; });
        if (!refused) delivered.emplace_back(records[i].bytes);
      }
      outcome.state = {{"writes", std::to_string(writes)}};
    }
    co_return outcome;
  }
  Task<Status> greet() override { co_return Status(); }
  Task<void> reopen() override { co_return; }
  Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
  Task<void> close() override {
    closed = true;
    co_return;
  }

 private:
  Clock& clock_;
};

class DelivererTest : public DeliveryWorld {
 protected:
  ~DelivererTest() override { stop(); }
  Deliverer& start() {
    deliverer_ = make(settings_, exporter_);
    group_.spawn("deliverer", deliverer_->run());
    return *deliverer_;
  }
  ExporterSettings settings_ = settings_of("siem");
  ScriptedExporter exporter_{loop_.clock()};
  std::unique_ptr<Deliverer> deliverer_;
};

TEST_F(DelivererTest, DeliversInOrderAndKeepsTheExportersState) {
  publish(25);
  start();
  loop_.run_until_idle(seconds(5));
  publish(5);
  loop_.run_until_idle(seconds(5));
  ASSERT_EQ(exporter_.delivered.size(), 30u);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(exporter_.delivered[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(books().delivered, 30u);
  EXPECT_EQ(journal_->exporter_state(deliverer_->exporter_id())->at("writes"), "4");
  EXPECT_TRUE(deliverer_->status().up);
}

TEST_F(DelivererTest, ASmallBatchWaitsForMoreRecords) {
  settings_.batch.wait = seconds(10);
  start();
  loop_.run_until_idle(seconds(1));
  publish(3);
  loop_.run_until_idle(seconds(5));
  EXPECT_EQ(exporter_.writes, 0u);
  EXPECT_TRUE(deliverer_->status().oldest_waiting);
  publish(3);
  loop_.run_until_idle(std::chrono::milliseconds(4900));
  EXPECT_EQ(exporter_.writes, 0u);
  loop_.run_until_idle(std::chrono::milliseconds(200));
  EXPECT_EQ(exporter_.sizes, std::vector<std::size_t>{6}) << "the wait of the first three has passed";
  publish(1);
  loop_.run_until_idle(std::chrono::milliseconds(9900));
  EXPECT_EQ(exporter_.writes, 1u) << "what comes later has a wait of its own";
  loop_.run_until_idle(std::chrono::milliseconds(200));
  EXPECT_EQ(exporter_.sizes, (std::vector<std::size_t>{6, 1}));
}

TEST_F(DelivererTest, AFullBatchDoesNotWait) {
  settings_.batch.wait = hours(1);
  start();
  loop_.run_until_idle(seconds(1));
  publish(6);
  loop_.run_until_idle(seconds(1));
  EXPECT_EQ(exporter_.writes, 0u);
  publish(6);
  loop_.run_until_idle(Duration(1));
  EXPECT_EQ(exporter_.sizes, std::vector<std::size_t>{10});
  loop_.run_until_idle(hours(1));
  EXPECT_EQ(exporter_.sizes, (std::vector<std::size_t>{10, 2}));
}

TEST_F(DelivererTest, ABatchIsFullByItsBytesToo) {
  settings_.batch.wait = hours(1);
  settings_.batch.bytes = 9;  // each record has three: its id and "{}"
  start();
  loop_.run_until_idle(seconds(1));
  publish(8);
  loop_.run_until_idle(Duration(1));
  EXPECT_EQ(exporter_.sizes, (std::vector<std::size_t>{3, 3}));
  publish(1);
  loop_.run_until_idle(Duration(1));
  EXPECT_EQ(exporter_.sizes, (std::vector<std::size_t>{3, 3, 3}));
}

TEST_F(DelivererTest, WhatWaitsIsSentAtOnceAtTheEnd) {
  settings_.batch.wait = hours(1);
  Deliverer& deliverer = start();
  loop_.run_until_idle(seconds(1));
  publish(3);
  loop_.run_until_idle(seconds(1));
  EXPECT_EQ(exporter_.writes, 0u);
  const Duration before = loop_.clock().slept();
  deliverer.drain();
  loop_.run(group_.join());
  EXPECT_EQ(exporter_.delivered.size(), 3u);
  EXPECT_LT(loop_.clock().slept() - before, seconds(2));
}

TEST_F(DelivererTest, RetryWaitsAsLongAsAskedAndSendsTheSameAgain) {
  WriteOutcome busy = outcome(Verdict::retry, "the sink is busy");
  busy.retry_after = minutes(7);
  exporter_.script = {busy};
  publish(3);
  start();
  loop_.run_until_idle(minutes(6));
  EXPECT_EQ(exporter_.writes, 1u);
  EXPECT_EQ(books().position, 0u);
  EXPECT_FALSE(deliverer_->status().up);
  EXPECT_EQ(take_snapshot(*journal_)->exporters[0].last_error, "the sink is busy");
  loop_.run_until_idle(minutes(2));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
  EXPECT_EQ(take_snapshot(*journal_)->exporters[0].last_error, "");
}

TEST_F(DelivererTest, RetriesForEverAndTellsItOnce) {
  for (int i = 0; i < rounds(200, 60); ++i) exporter_.script.push_back(outcome(Verdict::retry, "connection refused"));
  publish(3);
  start();
  loop_.run_until_idle(hours(rounds(24, 8)));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
  EXPECT_EQ(log_.count("connection refused"), 1u);
  EXPECT_EQ(log_.count("delivery works again"), 1u);
}

TEST_F(DelivererTest, PauseIsShoutedOnceAndProbedSlowly) {
  for (int i = 0; i < 5; ++i)
    exporter_.script.push_back(outcome(Verdict::pause, "the token was refused (\"request 7f" + std::to_string(i) + "\"): check exporters.siem.token"));
  publish(3);
  start();
  loop_.run_until_idle(minutes(3));
  EXPECT_TRUE(deliverer_->status().paused);
  EXPECT_LE(exporter_.writes, 4u);
  EXPECT_EQ(log_.count("the token was refused", LogLevel::error), 1u);
  loop_.run_until_idle(minutes(10));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
}

TEST_F(DelivererTest, OnlyThePoisonedRecordBecomesADeadLetter) {
  WriteOutcome poisoned;
  poisoned.records = {{1, Verdict::poison, "400: mapping error"}};
  exporter_.script = {poisoned};
  publish(4);
  start();
  loop_.run_until_idle(seconds(5));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"0", "2", "3"}));
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 3u);
  EXPECT_EQ(journal_->database().query_text("SELECT reason FROM dead_letter WHERE seq = 2"),
            "400: mapping error");
}

TEST_F(DelivererTest, WhatIsNotSelectedIsCountedNotLost) {
  settings_.select.sources = {"other"};
  publish(4);
  publish(2, "other");
  start();
  loop_.run_until_idle(seconds(5));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"4", "5"}));
  EXPECT_EQ(books().not_selected, 4u);
  EXPECT_EQ(books().delivered, 2u);
}

TEST_F(DelivererTest, ADamagedPayloadBecomesAGapAndDeliveryGoesOn) {
  publish(3);
  publish(3);
  publish(3);
  journal_->database().execute("UPDATE payload SET hash = zeroblob(16) WHERE payload_id = 2");
  start();
  loop_.run_until_idle(seconds(30));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"0", "1", "2", "6", "7", "8", "gap"}));
  EXPECT_EQ(books().released, 3u);
  EXPECT_EQ(take_snapshot(*journal_)->gaps.at(0).type, "damaged");
  EXPECT_EQ(take_snapshot(*journal_)->gaps.size(), 1u);
}

TEST_F(DelivererTest, RecordsThatAreReleasedUnderItsHandsAreSkipped) {
  exporter_.script = {outcome(Verdict::retry, "down")};
  publish(30);
  start();
  loop_.run_until_idle(Duration(1));
  ASSERT_TRUE(journal_->attach_exporter("siem", "scripted", "release", false).ok());
  PruneRules full;
  full.max_bytes = 1;
  ASSERT_EQ(journal_->prune(full, loop_.clock().now())->released, 30u);
  loop_.run_until_idle(minutes(2));
  EXPECT_EQ(books().released, 30u);
  EXPECT_EQ(books().position, journal_->last_seq());
}

TEST_F(DelivererTest, DrainEndsWhenNothingWaitsAndClosesTheExporter) {
  publish(25);
  Deliverer& deliverer = start();
  deliverer.drain();
  loop_.run(group_.join());
  EXPECT_EQ(exporter_.delivered.size(), 25u);
  EXPECT_TRUE(exporter_.closed);
}

TEST_F(DelivererTest, CanBeCancelledWhileTheSinkHangs) {
  exporter_.hangs = true;
  publish(2);
  start();
  loop_.run_until_idle(hours(3));
  group_.cancel();
  loop_.run(group_.join());
  EXPECT_EQ(books().position, 0u);
}

TEST_F(DelivererTest, AnExporterThatCannotOpenIsTriedAgain) {
  exporter_.open_failures = 3;
  publish(2);
  start();
  loop_.run_until_idle(minutes(1));
  EXPECT_EQ(exporter_.delivered.size(), 2u);
  EXPECT_EQ(log_.count("not yet", LogLevel::error), 1u);
}

}  // namespace
}  // namespace auditferry
