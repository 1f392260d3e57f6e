#include "exporters/relp_session.h"

#include <gtest/gtest.h>

#include "exporters/syslog_fixture.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

class RelpSessionTest : public testing::Test {
 protected:
  RelpSessionTest() : exporter(rig.make()) {}
  std::unique_ptr<WriteUnderWay> write(const std::vector<std::string>& lines) {
    std::vector<OutgoingRecord> batch;
    for (const std::string& line : lines) {
      texts.push_back(line);
      records.push_back({});
      records.back().seq = records.size();
      records.back().stream = "audit";
      batch.push_back({&records.back(), texts.back()});
    }
    return std::make_unique<WriteUnderWay>(rig.loop, *exporter, batch);
  }
  void pass(Duration time) { rig.loop.run_until_idle(time); }
  void expect_delivered(const WriteUnderWay& one) {
    ASSERT_TRUE(one.outcome);
    EXPECT_EQ(one.outcome->verdict, Verdict::delivered) << one.outcome->reason;
  }
  void expect_retry(const WriteUnderWay& one, const char* words) {
    ASSERT_TRUE(one.outcome);
    EXPECT_EQ(one.outcome->verdict, Verdict::retry);
    EXPECT_NE(one.outcome->reason.find(words), std::string::npos) << one.outcome->reason;
  }

  std::deque<std::string> texts;
  std::deque<Record> records;
  SyslogRig rig{SyslogTransport::relp, FakeReceiver::Speaks::relp};
  std::unique_ptr<Exporter> exporter;
};

TEST_F(RelpSessionTest, IsDeliveredWhenEverythingIsAnswered) {
  rig.receiver.reading_delay = 1s;
  const auto one = write({"one", "two"});
  EXPECT_FALSE(one->was_sent) << "nothing is sent before the session is open";
  pass(1s);
  EXPECT_TRUE(one->was_sent);
  EXPECT_FALSE(one->outcome);
  const auto two = write({"three"});
  EXPECT_TRUE(two->was_sent) << "the next write begins while the first waits";
  pass(1s);
  expect_delivered(*one);
  expect_delivered(*two);
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(RelpSessionTest, OneThatIsRefusedIsPoisonAndItsNeighboursAreDelivered) {
  rig.receiver.refuses = "bad";
  const auto one = write({"one", "bad", "three"});
  pass(1s);
  expect_delivered(*one);
  ASSERT_EQ(one->outcome->records.size(), 1u);
  EXPECT_EQ(one->outcome->records[0].index, 1u);
  EXPECT_EQ(one->outcome->records[0].verdict, Verdict::poison);
  EXPECT_NE(one->outcome->records[0].reason.find("500 \"not this one\""), std::string::npos);
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "three"}));
}

TEST_F(RelpSessionTest, WhatIsNotAnsweredComesAgainAfterALoss) {
  const auto one = write({"one"});
  pass(1s);
  expect_delivered(*one);
  rig.receiver.reading_delay = 1h;
  const auto two = write({"two"});
  rig.receiver.kill();
  pass(1ms);
  expect_retry(*two, "reset");
  rig.receiver.reading_delay = 0s;
  const auto again = write({"two"});
  pass(1s);
  expect_delivered(*again);
  EXPECT_EQ(rig.receiver.connections(), 2u);
}

TEST_F(RelpSessionTest, AReceiverThatAnswersNothingIsGivenUp) {
  const auto one = write({"one"});
  pass(1s);
  rig.receiver.hangs = true;
  const auto two = write({"two"});
  pass(58s);
  EXPECT_FALSE(two->outcome);
  pass(4s);
  expect_retry(*two, "answered nothing");
}

TEST_F(RelpSessionTest, TheHintOfAClosingServerIsObeyed) {
  const auto one = write({"one"});
  pass(1s);
  rig.receiver.hangs = true;
  const auto two = write({"two"});
  rig.receiver.say("0 serverclose 0\n");
  pass(1ms);
  expect_retry(*two, "closes the session");
}

TEST_F(RelpSessionTest, NonsenseEndsTheSession) {
  for (const char* nonsense : {"HTTP/1.1 400 Bad\r\n", "77 rsp 6 200 OK\n", "2 rsp 2 xx\n", "2 open 0\n"}) {
    rig.receiver.hangs = false;
    const auto one = write({"one"});
    pass(1s);
    expect_delivered(*one);
    rig.receiver.hangs = true;
    const auto two = write({"two"});
    rig.receiver.say(nonsense);
    pass(1ms);
    expect_retry(*two, "");
  }
}

TEST_F(RelpSessionTest, ARefusedSessionPauses) {
  rig.receiver.welcome = "500 unwanted";
  const auto one = write({"one"});
  pass(1s);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::pause);
  EXPECT_NE(one->outcome->reason.find("500 \"unwanted\""), std::string::npos) << one->outcome->reason;
  rig.receiver.welcome = "200 OK\nrelp_version=0\ncommands=eventlog,syslogx";
  const auto two = write({"one"});
  pass(1s);
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::pause);
}

TEST_F(RelpSessionTest, AReceiverThatTakesNothingIsGivenUp) {
  rig.receiver.takes_nothing = true;
  const auto one = write({"one"});
  pass(9s);
  EXPECT_FALSE(one->outcome);
  pass(2s);
  expect_retry(*one, "relp://logs.example:6514 takes nothing any more");
  rig.receiver.takes_nothing = false;
  const auto again = write({"one"});
  pass(1s);
  expect_delivered(*again);
  rig.receiver.takes_nothing = true;
  const auto two = write({"two"});
  EXPECT_FALSE(two->was_sent);
  pass(59s);
  EXPECT_FALSE(two->outcome);
  pass(2s);
  expect_retry(*two, "relp://logs.example:6514");
}

TEST_F(RelpSessionTest, CloseEndsAWriteThatIsNotTaken) {
  const auto one = write({"one"});
  pass(1s);
  rig.receiver.takes_nothing = true;
  const auto two = write({"two"});
  const Duration before = rig.loop.clock().slept();
  rig.loop.run(exporter->close());
  EXPECT_LE(rig.loop.clock().slept() - before, 18s);
  pass(Duration::zero());
  expect_retry(*two, "relp://logs.example:6514 took too long");
}

TEST_F(RelpSessionTest, CloseWaitsForTheAnswers) {
  rig.receiver.reading_delay = 1s;
  const auto one = write({"one"});
  pass(1s);
  EXPECT_TRUE(one->was_sent);
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  expect_delivered(*one);
}

TEST_F(RelpSessionTest, CloseIsBounded) {
  const auto one = write({"one"});
  pass(1s);
  rig.receiver.hangs = true;
  const auto two = write({"two"});
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::retry);
  EXPECT_LE(rig.loop.clock().slept(), 20s);
}

// More than the window: what has no room waits until something is answered.
TEST_F(RelpSessionTest, SendsNoMoreThanTheWindow) {
  rig.receiver.reading_delay = 1s;
  std::vector<std::string> lines;
  for (int i = 0; i < 25'000; ++i) lines.push_back(std::to_string(i));
  const auto one = write(lines);
  pass(1s);
  EXPECT_FALSE(one->was_sent);
  pass(5s);
  expect_delivered(*one);
  EXPECT_EQ(rig.texts(), lines);
}

// close() in the middle of such a write: what was answered is not enough, all of it comes again.
TEST_F(RelpSessionTest, CloseInTheMiddleOfAWrite) {
  rig.receiver.reading_delay = 1s;
  std::vector<std::string> lines;
  for (int i = 0; i < 25'000; ++i) lines.push_back(std::to_string(i));
  const auto one = write(lines);
  pass(1500ms);
  EXPECT_FALSE(one->was_sent);
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome);
  if (one->outcome->verdict == Verdict::delivered) {
    EXPECT_EQ(rig.texts(), lines);
  } else {
    EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  }
}

}  // namespace
}  // namespace auditferry
