// Several writes under way: order, confirmations, what comes back, the end.

#include <gtest/gtest.h>

#include <utility>

#include "daemon/deliverer_fixture.h"
#include "daemon/far_end.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Lines = FarEnd::Lines;

Lines numbers(int from, int to) {
  Lines lines;
  for (int i = from; i < to; ++i) lines.push_back(std::to_string(i));
  return lines;
}

class WindowTest : public DeliveryWorld {
 protected:
  ~WindowTest() override { stop(); }
  FarEnd& start(WriteLimits limits) {
    far_end_ = std::make_unique<FarEnd>(loop_, limits);
    deliverer_ = make(settings_, *far_end_);
    return *far_end_;
  }
  void run(Duration time = seconds(1)) {
    if (!running_) group_.spawn("deliverer", deliverer_->run());
    running_ = true;
    loop_.run_until_idle(time);
  }
  // The process dies where it stands, and another begins.
  FarEnd& restart(WriteLimits limits) {
    stop();
    running_ = false;
    deliverer_.reset();
    return start(limits);
  }
  std::size_t beginnings() const { return far_end_->writes.size(); }

  ExporterSettings settings_ = settings_of("siem");
  std::unique_ptr<FarEnd> far_end_;
  std::unique_ptr<Deliverer> deliverer_;
  bool running_ = false;
};

TEST_F(WindowTest, WritesAtOnceAsManyAsItMayAndBeginsThemInOrder) {
  FarEnd& far_end = start({4, 0});
  far_end.holding = true;
  publish(100);
  run();
  ASSERT_EQ(beginnings(), 4u);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(far_end.writes[static_cast<std::size_t>(i)], numbers(i * 10, i * 10 + 10));
  far_end.let_all_go();
  run(minutes(1));
  EXPECT_EQ(far_end.accepted.size(), 100u);
  EXPECT_EQ(far_end.most_writing, 4u);
  EXPECT_EQ(books().delivered, 100u);
}

TEST_F(WindowTest, ThePositionMovesOverTheConfirmedOnesInFrontOnly) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(100);
  run();
  ASSERT_EQ(beginnings(), 5u) << "five may be unconfirmed";
  far_end.let_go(2);
  far_end.let_go(1);
  run();
  EXPECT_EQ(books().position, 0u);
  EXPECT_EQ(beginnings(), 7u) << "room for two more";
  far_end.let_go(0);
  run();
  EXPECT_EQ(books().position, 30u);
  EXPECT_EQ(books().delivered, 30u);
  far_end.let_all_go();
  run();
  EXPECT_EQ(books().position, 100u);
  EXPECT_EQ(far_end.most_writing, 1u);
  EXPECT_EQ(far_end.most_unconfirmed, 5u);
}

TEST_F(WindowTest, ALostConnectionSendsTheUnconfirmedAgainBeforeAnythingNew) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(100);
  run();
  far_end.let_go(1);  // confirmed, in the middle: not sent again
  run();
  ASSERT_EQ(beginnings(), 6u);
  far_end.break_connection();
  far_end.holding = false;
  run(minutes(1));
  ASSERT_GE(beginnings(), 11u);
  const std::vector<Lines> again(far_end.writes.begin() + 6, far_end.writes.begin() + 11);
  EXPECT_EQ(again, (std::vector<Lines>{numbers(0, 10), numbers(20, 30), numbers(30, 40), numbers(40, 50),
                                       numbers(50, 60)}));
  EXPECT_EQ(far_end.accepted.size(), 100u) << "and nothing twice";
  EXPECT_EQ(books().delivered, 100u);
  EXPECT_EQ(log_.count("the connection broke"), 1u) << "five writes, one problem";
}

TEST_F(WindowTest, ACrashWithUnconfirmedWritesSendsThemAgain) {
  FarEnd& first = start({1, 5});
  first.holding = true;
  publish(50);
  run();
  first.let_go(0);
  run();
  EXPECT_EQ(books().position, 10u);
  FarEnd& second = restart({1, 5});
  run();
  EXPECT_EQ(second.accepted, numbers(10, 50));
  EXPECT_EQ(books().delivered, 50u);
}

TEST_F(WindowTest, DrainClosesWithUnconfirmedWritesAndSettlesThem) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(40);
  run();
  deliverer_->drain();
  loop_.run(group_.join(), seconds(5));
  EXPECT_TRUE(far_end.closed);
  EXPECT_EQ(books().delivered, 40u);
}

TEST_F(WindowTest, AfterCloseNothingIsWrittenAgain) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  far_end.answer = [](const Lines& lines) {
    WriteOutcome busy;
    if (lines.front() == "10") busy = outcome(Verdict::retry, "not confirmed in time");
    return busy;
  };
  publish(30);
  run();
  deliverer_->drain();
  loop_.run(group_.join(), seconds(5));
  EXPECT_EQ(books().position, 10u);
  EXPECT_EQ(beginnings(), 3u);
  EXPECT_EQ(log_.count("sent again at the next start"), 1u);
}

// As an exporter that sends record by record: told to hurry, it comes back with what it has achieved.
TEST_F(WindowTest, WindingUpSettlesTheFirstRecordsOfABatch) {
  FarEnd& far_end = start({});
  far_end.holding = true;
  far_end.answer = [](const Lines& lines) {
    WriteOutcome made = outcome(Verdict::retry, "the program ends");
    for (std::size_t i = 0; i < 4 && i < lines.size(); ++i) made.records.push_back({i, Verdict::delivered, ""});
    return made;
  };
  publish(30);
  run();
  deliverer_->drain();
  run(minutes(1));
  EXPECT_FALSE(far_end.closed);
  EXPECT_EQ(far_end.hurries, 0);
  deliverer_->wind_up();
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(far_end.closed);
  EXPECT_EQ(far_end.hurries, 1);
  EXPECT_EQ(beginnings(), 1u) << "nothing new is begun";
  EXPECT_EQ(books().position, 4u);
  EXPECT_EQ(books().delivered, 4u);
  FarEnd& second = restart({});
  run();
  EXPECT_EQ(second.accepted, numbers(4, 30));
  EXPECT_EQ(books().delivered, 30u);
}

TEST_F(WindowTest, WindingUpBringsUnconfirmedWritesToTheirEndAndBeginsNone) {
  FarEnd& far_end = start({1, 3});
  far_end.holding = true;
  publish(100);
  run();
  ASSERT_EQ(beginnings(), 3u);
  deliverer_->drain();
  run(seconds(5));
  deliverer_->wind_up();
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(far_end.closed);
  EXPECT_EQ(beginnings(), 3u);
  EXPECT_EQ(books().position, 30u);
}

TEST_F(WindowTest, WindingUpDoesNotWaitForAFarEndThatIsDown) {
  FarEnd& far_end = start({});
  far_end.answer = [](const Lines&) { return outcome(Verdict::pause, "401"); };
  publish(30);
  run(minutes(10));
  deliverer_->wind_up();
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(far_end.closed);
  EXPECT_EQ(books().position, 0u);
}

TEST_F(WindowTest, WithTheDefaultLimitsNoCallsOverlap) {
  FarEnd& far_end = start({});  // it watches
  far_end.takes = [](const Lines&) { return Duration(std::chrono::milliseconds(700)); };
  publish(300);
  for (int i = 0; i < 10; ++i) {
    run();
    deliverer_->reopen();
  }
  run(minutes(1));
  EXPECT_EQ(far_end.accepted, numbers(0, 300));
  EXPECT_GE(far_end.tends, 10);
  EXPECT_GE(far_end.reopens, 5);
  deliverer_->drain();
  loop_.run(group_.join(), seconds(5));
  EXPECT_TRUE(far_end.closed);
}

TEST_F(WindowTest, WhatIsDoneInStepsIsFinishedWhereThereIsTime) {
  FarEnd& far_end = start({});
  far_end.steps_left = 1000;
  run(std::chrono::milliseconds(100));
  deliverer_->drain(true);
  loop_.run(group_.join(), seconds(30));
  EXPECT_EQ(far_end.steps_left, 0);
  EXPECT_TRUE(far_end.closed);
}

TEST_F(WindowTest, WhatIsDoneInStepsIsLeftWhereItFailsOrThereIsNoTime) {
  FarEnd& far_end = start({});
  far_end.steps_left = 1000;
  far_end.tended.verdict = Verdict::retry;
  far_end.tended.reason = "the disk is full";
  run(std::chrono::milliseconds(100));
  deliverer_->drain(true);
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(far_end.closed);
  EXPECT_EQ(far_end.tends, 1);
}

TEST_F(WindowTest, AnOrderlyEndDoesNotWaitForWhatIsDoneInSteps) {
  FarEnd& stopped = start({});
  stopped.steps_left = 1000;
  run(std::chrono::milliseconds(100));
  deliverer_->drain();
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(stopped.closed);
  EXPECT_EQ(stopped.steps_left, 999);

  FarEnd& interrupted = restart({});
  interrupted.steps_left = 1000;
  run(std::chrono::milliseconds(100));
  deliverer_->drain(true);
  run(std::chrono::milliseconds(100));
  deliverer_->wind_up();
  loop_.run(group_.join(), seconds(1));
  EXPECT_TRUE(interrupted.closed);
  EXPECT_GT(interrupted.steps_left, 900);
}

TEST_F(WindowTest, CareGoesOnWhileConfirmationsAreWaitedFor) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(100);
  run(seconds(10));
  deliverer_->reopen();
  run(seconds(1));
  EXPECT_GE(far_end.tends, 9);
  EXPECT_EQ(far_end.reopens, 1);
}

TEST_F(WindowTest, WritesThatFailTogetherLengthenTheWaitOnce) {
  FarEnd& far_end = start({8, 0});
  far_end.holding = true;
  publish(80);
  run();
  ASSERT_EQ(beginnings(), 8u);
  far_end.break_connection();
  far_end.holding = false;
  run(seconds(2));
  EXPECT_EQ(far_end.accepted.size(), 80u)
      << "the first wait is at most a second; the eighth would be two minutes";
}

TEST_F(WindowTest, InTroubleOneWriteProbesForAll) {
  FarEnd& far_end = start({8, 0});
  bool down = true;
  far_end.answer = [&down](const Lines&) { return down ? outcome(Verdict::retry, "down") : WriteOutcome(); };
  publish(200);
  run();
  const std::size_t before = beginnings();
  run(minutes(10));
  const std::size_t tries = beginnings() - before;
  EXPECT_LE(tries, 40u);
  for (std::size_t i = before; i < beginnings(); ++i) EXPECT_EQ(far_end.writes[i], numbers(0, 10));
  down = false;
  run(minutes(10));
  EXPECT_EQ(far_end.accepted.size(), 200u);
}

TEST_F(WindowTest, OnlyTheRecordsToBeRetriedAreSentAgain) {
  FarEnd& far_end = start({1, 5});
  bool first = true;
  far_end.answer = [&first](const Lines&) {
    WriteOutcome mixed;
    if (!std::exchange(first, false)) return mixed;
    mixed.records = {{1, Verdict::retry, "429"}, {4, Verdict::poison, "mapping"}, {7, Verdict::retry, "429"}};
    mixed.retry_after = minutes(3);
    return mixed;
  };
  publish(10);
  run(minutes(2));
  EXPECT_EQ(beginnings(), 1u) << "Retry-After is waited for in full";
  EXPECT_EQ(books().position, 0u);
  run(minutes(2));
  ASSERT_EQ(beginnings(), 2u);
  EXPECT_EQ(far_end.writes[1], (Lines{"1", "7"}));
  EXPECT_EQ(books().delivered, 9u);
  EXPECT_EQ(books().dead, 1u);
}

TEST_F(WindowTest, ARetryAfterOfZeroIsAtOnce) {
  FarEnd& far_end = start({});
  bool first = true;
  far_end.answer = [&first](const Lines&) {
    WriteOutcome busy;
    if (!std::exchange(first, false)) return busy;
    busy = outcome(Verdict::retry, "not yet");
    busy.retry_after = Duration::zero();
    return busy;
  };
  publish(1);
  run(Duration(1));
  EXPECT_EQ(far_end.accepted, numbers(0, 1));
}

TEST_F(WindowTest, ReleasedRecordsUnderUnconfirmedWritesAreNoGapOfTypeDamaged) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(30);
  run();
  ASSERT_TRUE(journal_->attach_exporter("siem", "scripted", "release", false).ok());
  PruneRules full;
  full.max_bytes = 1;
  ASSERT_EQ(journal_->prune(full, loop_.clock().now())->released, 30u);
  far_end.let_all_go();
  publish(5);
  run(minutes(1));
  EXPECT_EQ(books().released, 30u);
  EXPECT_EQ(books().position, journal_->last_seq());
  const JournalSnapshot snapshot = take_snapshot(*journal_).value();
  for (const GapRow& gap : snapshot.gaps) EXPECT_EQ(gap.type, "released");
}

TEST_F(WindowTest, ARecordThatIsDamagedBetweenTwoSendsIsAGap) {
  FarEnd& far_end = start({1, 5});
  far_end.holding = true;
  publish(3);
  run();
  publish(3);
  run();
  journal_->database().execute("UPDATE payload SET hash = zeroblob(16) WHERE payload_id = 2");
  for (int i = 0; i < 6; ++i) publish(1);  // what was read is still in the reader's cache: push it out
  far_end.break_connection();
  far_end.holding = false;
  run(minutes(1));
  EXPECT_EQ(far_end.accepted, (Lines{"0", "1", "2", "6", "7", "8", "9", "10", "11", "gap"}));
  EXPECT_EQ(books().released, 3u);
  EXPECT_EQ(books().delivered, 10u);
  EXPECT_EQ(take_snapshot(*journal_)->gaps.at(0).type, "damaged");
}

TEST_F(WindowTest, CanBeCancelledWithWritesUnderWay) {
  FarEnd& far_end = start({4, 8});
  far_end.holding = true;
  publish(200);
  run(hours(1));
  stop();
  EXPECT_EQ(books().position, 0u);
}

// One exporter's trouble is nobody else's.
TEST_F(WindowTest, FourBadExportersHoldUpNobody) {
  FarEnd hangs(loop_, {});
  hangs.holding = true;
  FarEnd fails(loop_, {4, 0});
  fails.answer = [](const Lines&) { return outcome(Verdict::retry, "500"); };
  FarEnd paused(loop_, {});
  paused.answer = [](const Lines&) { return outcome(Verdict::pause, "401: the token was refused"); };
  FarEnd slow(loop_, {1, 8});
  slow.takes = [](const Lines& lines) {
    std::size_t bytes = 0;
    for (const std::string& line : lines) bytes += line.size();
    return Duration(seconds(bytes));
  };
  FarEnd good(loop_, {4, 0});
  std::vector<std::pair<std::string, FarEnd*>> all{
      {"hangs", &hangs}, {"fails", &fails}, {"paused", &paused}, {"slow", &slow}, {"good", &good}};
  std::vector<ExporterSettings> settings;
  settings.reserve(all.size());
  std::vector<std::unique_ptr<Deliverer>> deliverers;
  for (const auto& [name, far_end] : all) {
    settings.push_back(settings_of(name));
    deliverers.push_back(make(settings.back(), *far_end));
  }
  publish(500);
  for (const auto& deliverer : deliverers) group_.spawn("deliverer", deliverer->run());
  loop_.run_until_idle(seconds(1));
  EXPECT_EQ(good.accepted.size(), 500u);
  EXPECT_EQ(books("good").delivered, 500u);
  loop_.run_until_idle(minutes(10));
  EXPECT_EQ(books("hangs").position, 0u);
  EXPECT_EQ(books("fails").delivered, 0u);
  EXPECT_EQ(books("paused").delivered, 0u);
  EXPECT_TRUE(deliverers[2]->status().paused);
  EXPECT_GT(books("slow").delivered, 0u);
  EXPECT_GT(fails.writes.size(), 5u);
  EXPECT_LE(paused.writes.size(), 12u);
  stop();
}

}  // namespace
}  // namespace auditferry
