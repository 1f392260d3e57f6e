// What lingering shows: under virtual time, with a receiver whose system acknowledges at once and whose
// program reads later.
#include "exporters/syslog_stream.h"

#include <gtest/gtest.h>

#include "exporters/syslog_fixture.h"
#include "tests/support/allocated_bytes.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

class SyslogStreamTest : public testing::Test {
 protected:
  SyslogStreamTest() : exporter(rig.make()) {}
  // One record with this text.
  std::unique_ptr<WriteUnderWay> write(const std::string& text) {
    texts.push_back(text);
    records.push_back({});
    records.back().seq = records.size();
    records.back().stream = "audit";
    return std::make_unique<WriteUnderWay>(rig.loop, *exporter,
                                           std::vector<OutgoingRecord>{{&records.back(), texts.back()}});
  }
  void pass(Duration time) { rig.loop.run_until_idle(time); }
  // Virtual time that close() takes; the writes have returned then.
  Duration close() {
    const Duration before = rig.loop.clock().slept();
    rig.loop.run(exporter->close());
    const Duration took = rig.loop.clock().slept() - before;
    pass(Duration::zero());
    return took;
  }
  static void expect_comes_again(const WriteUnderWay& one, const std::string& words, Verdict verdict = Verdict::retry) {
    ASSERT_TRUE(one.outcome);
    EXPECT_EQ(one.outcome->verdict, verdict);
    EXPECT_NE(one.outcome->reason.find("tcp://logs.example:6514"), std::string::npos) << one.outcome->reason;
    EXPECT_NE(one.outcome->reason.find(words), std::string::npos) << one.outcome->reason;
  }

  std::deque<std::string> texts;
  std::deque<Record> records;
  SyslogRig rig{SyslogTransport::tcp};
  std::unique_ptr<Exporter> exporter;
};

TEST_F(SyslogStreamTest, IsDeliveredWhenTheConnectionHasStayedOpenForLinger) {
  const auto one = write("one");
  EXPECT_TRUE(one->was_sent);
  pass(9s);
  EXPECT_FALSE(one->outcome);
  const auto two = write("two");
  EXPECT_TRUE(two->was_sent) << "the next write begins while the first waits";
  pass(1500ms);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered);
  EXPECT_FALSE(two->outcome) << "each has its own time";
  pass(9s);
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::delivered);
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(rig.receiver.connections(), 1u);
}

TEST_F(SyslogStreamTest, WhatIsYoungerThanLingerComesAgainAfterALoss) {
  rig.receiver.reading_delay = 8s;
  const auto one = write("one");
  pass(5s);
  const auto two = write("two");
  pass(5500ms);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered);
  rig.receiver.kill();
  pass(1ms);
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::retry);
  EXPECT_FALSE(two->outcome->reason.empty());
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one"}))
      << "two was acknowledged by the system, and is gone";
  const auto again = write("two");
  pass(11s);
  ASSERT_TRUE(again->outcome);
  EXPECT_EQ(again->outcome->verdict, Verdict::delivered);
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(SyslogStreamTest, AnOrderlyEndOfTheReceiverIsALossToo) {
  const auto one = write("one");
  pass(9s);
  rig.receiver.end();
  pass(1ms);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  EXPECT_NE(one->outcome->reason.find("closed the connection"), std::string::npos) << one->outcome->reason;
}

TEST_F(SyslogStreamTest, LingerBeginsWithTheAcknowledgement) {
  rig.receiver.deaf = true;
  const auto one = write("one");
  pass(30s);
  EXPECT_FALSE(one->outcome);
  rig.receiver.deaf = false;
  pass(9500ms);
  EXPECT_FALSE(one->outcome);
  pass(1s);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered);
}

TEST_F(SyslogStreamTest, AFarEndThatAcknowledgesNothingIsGivenUp) {
  rig.receiver.deaf = true;
  const auto one = write("one");
  pass(59s);
  EXPECT_FALSE(one->outcome);
  pass(2s);
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  EXPECT_NE(one->outcome->reason.find("acknowledged nothing for 1m"), std::string::npos)
      << one->outcome->reason;
  rig.receiver.deaf = false;
  const auto again = write("one");
  pass(11s);
  ASSERT_TRUE(again->outcome);
  EXPECT_EQ(again->outcome->verdict, Verdict::delivered);
  EXPECT_EQ(rig.receiver.connections(), 2u);
}

TEST_F(SyslogStreamTest, CloseDeliversWhatTheReceiverHasReadToTheEnd) {
  rig.receiver.reading_delay = 500ms;
  const auto one = write("one");
  const auto two = write("two");
  const Duration before = rig.loop.clock().slept();
  rig.loop.run(exporter->close());
  EXPECT_LT(rig.loop.clock().slept() - before, 1s) << "the receiver's end ends the wait";
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome && two->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered);
  EXPECT_EQ(two->outcome->verdict, Verdict::delivered);
  EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "two"}));
  const auto late = write("three");
  ASSERT_TRUE(late->outcome);
  EXPECT_EQ(late->outcome->verdict, Verdict::retry) << "no write is begun after close()";
}

TEST_F(SyslogStreamTest, CloseDoesNotTrustAReceiverThatDoesNotClose) {
  rig.receiver.closes_in_return = false;
  const auto one = write("one");
  pass(500ms);
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered) << "linger has passed while close() waited";
  EXPECT_LE(rig.loop.clock().slept(), 12s);
}

// What the far end's system has acknowledged its program need not have read.
TEST_F(SyslogStreamTest, CloseGivesBackWhatAReceiverHasThatDoesNotClose) {
  rig.settings.linger = 60s;
  exporter = rig.make();
  rig.receiver.closes_in_return = false;
  const auto one = write("one");
  pass(500ms);
  EXPECT_LE(close(), 16s);
  expect_comes_again(*one, "did not close the connection");
}

TEST_F(SyslogStreamTest, CloseGivesBackWhatAReceiverHadThatDiesMeanwhile) {
  rig.receiver.reading_delay = 5s;
  const auto one = write("one");
  const CloseUnderWay closing(rig.loop, *exporter);
  pass(1s);
  EXPECT_FALSE(closing.ended());
  EXPECT_FALSE(one->outcome);
  rig.receiver.kill();
  pass(Duration::zero());
  EXPECT_TRUE(closing.ended());
  expect_comes_again(*one, "reset");
  EXPECT_TRUE(rig.texts().empty()) << "it was acknowledged, and is gone";
}

TEST_F(SyslogStreamTest, AReceiverThatTakesNothingIsGivenUp) {
  const auto one = write("one");
  rig.receiver.takes_nothing = true;
  const auto two = write("two");
  EXPECT_FALSE(two->was_sent);
  pass(59s);
  EXPECT_FALSE(two->outcome);
  pass(2s);
  expect_comes_again(*two, "takes nothing any more");
  rig.receiver.takes_nothing = false;
  const auto again = write("two");
  pass(11s);
  ASSERT_TRUE(again->outcome);
  EXPECT_EQ(again->outcome->verdict, Verdict::delivered);
}

TEST_F(SyslogStreamTest, CloseEndsAWriteThatIsNotTaken) {
  rig.receiver.takes_nothing = true;
  const auto one = write("one");
  EXPECT_LE(close(), 12s);
  expect_comes_again(*one, "took too long");
}

// Under TLS the end itself is bytes that have to be taken.
TEST_F(SyslogStreamTest, CloseEndsAnEndThatIsNotTaken) {
  rig.settings.linger = 60s;
  exporter = rig.make();
  const auto one = write("one");
  EXPECT_TRUE(one->was_sent);
  rig.receiver.takes_nothing = true;
  EXPECT_LE(close(), 16s);
  expect_comes_again(*one, "took too long");
}

// A server that asks for a certificate later, or has found ours withdrawn.
TEST_F(SyslogStreamTest, AnAlertInTheMiddlePausesWhatWaits) {
  const auto one = write("one");
  pass(5s);
  rig.receiver.fail_reading({ErrorKind::tls, "the far end refuses this TLS connection"});
  pass(Duration::zero());
  expect_comes_again(*one, "refuses this TLS connection", Verdict::pause);
  const auto again = write("one");
  pass(11s);
  ASSERT_TRUE(again->outcome);
  EXPECT_EQ(again->outcome->verdict, Verdict::delivered) << "the next connection is a new beginning";
}

// The read, the write, the counters: whichever breaks, the message says whom it concerns.
TEST_F(SyslogStreamTest, EveryBreakNamesThePeer) {
  for (std::uint64_t call = 2; call <= 5; ++call) {
    SCOPED_TRACE(call);
    exporter = rig.make();
    rig.receiver.fail_at(call);
    const auto one = write("one");
    pass(1s);
    ASSERT_TRUE(rig.receiver.has_failed());
    expect_comes_again(*one, "reset");
  }
}

TEST_F(SyslogStreamTest, CloseGivesBackWhatIsNotAcknowledged) {
  rig.receiver.deaf = true;
  const auto one = write("one");
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  EXPECT_LE(rig.loop.clock().slept(), 16s);
}

TEST_F(SyslogStreamTest, CloseEndsAWriteThatIsConnecting) {
  rig.receiver.connecting_takes = 1h;
  const auto one = write("one");
  EXPECT_FALSE(one->was_sent);
  rig.loop.run(exporter->close());
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  EXPECT_EQ(rig.loop.clock().slept(), 0s);
}

TEST_F(SyslogStreamTest, ReopenBeginsANewConnectionInOrder) {
  const auto one = write("one");
  rig.loop.run(exporter->reopen());
  const auto two = write("two");
  pass(Duration::zero());
  ASSERT_TRUE(one->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::delivered) << "the old connection was ended in order";
  EXPECT_TRUE(two->was_sent);
  EXPECT_EQ(rig.receiver.connections(), 2u);
}

TEST_F(SyslogStreamTest, ReopenSendsNothingBeforeWhatComesBack) {
  rig.receiver.deaf = true;
  const auto one = write("one");
  rig.loop.run(exporter->reopen());
  const auto two = write("two");
  pass(12s);
  ASSERT_TRUE(one->outcome && two->outcome);
  EXPECT_EQ(one->outcome->verdict, Verdict::retry);
  EXPECT_EQ(two->outcome->verdict, Verdict::retry);
  EXPECT_EQ(rig.receiver.connections(), 1u);
}

TEST_F(SyslogStreamTest, ACancelledWriteLeavesTheOthers) {
  const auto one = write("one");
  const auto two = write("two");
  one->cancel();
  pass(11s);
  EXPECT_FALSE(one->outcome);
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::delivered);
}

TEST_F(SyslogStreamTest, ALostConnectionWithoutWritesIsReplacedByTheNextWrite) {
  const auto one = write("one");
  pass(11s);
  rig.receiver.kill();
  pass(1s);
  const auto two = write("two");
  EXPECT_TRUE(two->was_sent);
  pass(11s);
  ASSERT_TRUE(two->outcome);
  EXPECT_EQ(two->outcome->verdict, Verdict::delivered);
}

TEST_F(SyslogStreamTest, GreetConnectsAndSendsNothing) {
  Status greeted = Error{ErrorKind::invalid, "not run"};
  struct Run {
    static Task<void> greet(Exporter& exporter, Status& status) { status = co_await exporter.greet(); }
  };
  rig.loop.run(Run::greet(*exporter, greeted));
  EXPECT_TRUE(greeted.ok());
  EXPECT_EQ(rig.receiver.connections(), 1u);
  EXPECT_EQ(rig.receiver.bytes_handed_over(), 0u);
  rig.receiver.refuse(true);
  rig.loop.run(Run::greet(*exporter, greeted));
  EXPECT_FALSE(greeted.ok());
}

// A thousand waiting writes need one look at the counters each time, and end by themselves.
TEST_F(SyslogStreamTest, HasManyWritesUnderWay) {
  std::vector<std::unique_ptr<WriteUnderWay>> writes;
  for (int i = 0; i < 1000; ++i) {
    writes.push_back(write("x"));
    pass(9ms);
  }
  pass(11s);
  for (const auto& one : writes) ASSERT_TRUE(one->outcome);
  EXPECT_EQ(rig.receiver.messages().size(), 1000u);
}

// Their messages are with the far end's system, and can be read from the journal again.
TEST_F(SyslogStreamTest, WritesThatWaitForLingerKeepNoMessages) {
  rig.settings.max_message = 1u << 20;
  exporter = rig.make();
  const std::string text(100'000, 'x');
  std::vector<std::unique_ptr<WriteUnderWay>> writes;
  writes.push_back(write(text));
  const std::size_t before = allocated_bytes();
  for (int i = 0; i < 100; ++i) {
    records.push_back({});
    records.back().seq = records.size();
    records.back().stream = "audit";
    writes.push_back(std::make_unique<WriteUnderWay>(rig.loop, *exporter,
                                                     std::vector<OutgoingRecord>{{&records.back(), text}}));
    ASSERT_TRUE(writes.back()->was_sent);
    pass(1ms);
    rig.receiver.forget();
  }
  EXPECT_LT(allocated_bytes() - before, 3'000'000u) << "a hundred messages have ten million bytes";
  pass(11s);
  for (const auto& one : writes) EXPECT_TRUE(one->outcome);
}

}  // namespace
}  // namespace auditferry
