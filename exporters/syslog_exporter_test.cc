#include "exporters/syslog_exporter.h"

#include <gtest/gtest.h>

#include "exporters/syslog_fixture.h"

namespace auditferry {
namespace {

using Speaks = FakeReceiver::Speaks;

TEST(SyslogContract, Tcp) {
  expect_exporter_contract([] { return std::make_unique<SyslogSink>(SyslogTransport::tcp); });
}
TEST(SyslogContract, TlsWithNewlines) {
  expect_exporter_contract([] { return std::make_unique<SyslogSink>(SyslogTransport::tls, Speaks::lines); });
}
TEST(SyslogContract, UnixStream) {
  expect_exporter_contract(
      [] { return std::make_unique<SyslogSink>(SyslogTransport::unix_stream, Speaks::lines); });
}
TEST(SyslogContract, Relp) {
  expect_exporter_contract([] { return std::make_unique<SyslogSink>(SyslogTransport::relp, Speaks::relp); });
}
TEST(SyslogContract, Udp) {
  expect_exporter_contract([] { return std::make_unique<SyslogSink>(SyslogTransport::udp); });
}
TEST(SyslogContract, UnixDatagram) {
  expect_exporter_contract([] { return std::make_unique<SyslogSink>(SyslogTransport::unix_datagram); });
}

// Records of the rig's own, with lines of a length that the test wants.
class SyslogExporterTest : public testing::Test {
 protected:
  WriteOutcome write(SyslogRig& rig, Exporter& exporter, const std::vector<std::string>& lines) {
    std::vector<Record> records(lines.size());
    std::vector<OutgoingRecord> batch;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      records[i].seq = i + 1;
      records[i].stream = "audit";
      batch.push_back({&records[i], lines[i]});
    }
    WriteUnderWay under_way(rig.loop, exporter, batch);
    rig.loop.run_until_idle(std::chrono::seconds(30));
    EXPECT_TRUE(under_way.outcome);
    return under_way.outcome.value_or(WriteOutcome());
  }
};

TEST_F(SyslogExporterTest, WhatIsTooLongIsPoisonAndItsNeighboursAreDelivered) {
  for (const SyslogTransport transport : {SyslogTransport::tcp, SyslogTransport::udp}) {
    SyslogRig rig(transport);
    const auto exporter = rig.make();
    const WriteOutcome outcome =
        write(rig, *exporter, {"one", std::string(9000, 'x'), "three", std::string(9000, 'y'), "five"});
    EXPECT_EQ(outcome.verdict, Verdict::delivered);
    ASSERT_EQ(outcome.records.size(), 2u);
    EXPECT_EQ(outcome.records[0].index, 1u);
    EXPECT_EQ(outcome.records[1].index, 3u);
    EXPECT_EQ(outcome.records[0].verdict, Verdict::poison);
    EXPECT_NE(outcome.records[0].reason.find("max_message (8192)"), std::string::npos)
        << outcome.records[0].reason;
    EXPECT_EQ(rig.texts(), (std::vector<std::string>{"one", "three", "five"}));
  }
}

TEST_F(SyslogExporterTest, WhatIsTooLongIsCutOnRequest) {
  SyslogRig rig(SyslogTransport::tcp);
  rig.settings.oversize = SyslogOversize::truncate;
  const auto exporter = rig.make();
  const WriteOutcome outcome = write(rig, *exporter, {std::string(9000, 'x')});
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  EXPECT_TRUE(outcome.records.empty());
  const auto parsed = SyslogParser::parse(rig.receiver.messages().at(0));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->elements.begin()->second.at("truncated"), "9000");
}

TEST_F(SyslogExporterTest, ABatchOfNothingButPoisonIsSettledWithoutConnecting) {
  SyslogRig rig(SyslogTransport::tcp);
  const auto exporter = rig.make();
  const WriteOutcome outcome = write(rig, *exporter, {std::string(9000, 'x')});
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records.size(), 1u);
  EXPECT_EQ(rig.receiver.connections(), 0u);
}

TEST_F(SyslogExporterTest, ADatagramThatTheSystemRefusesIsPoison) {
  SyslogRig rig(SyslogTransport::udp);
  rig.settings.max_message = 65507;
  const auto exporter = rig.make();
  const WriteOutcome outcome = write(rig, *exporter, {"one", std::string(61000, 'x'), "three"});
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  ASSERT_EQ(outcome.records.size(), 1u);
  EXPECT_EQ(outcome.records[0].index, 1u);
}

// A Unix datagram socket whose owner does not read blocks its writers.
TEST_F(SyslogExporterTest, ADatagramThatIsNotTakenIsGivenUp) {
  SyslogRig rig(SyslogTransport::unix_datagram);
  rig.settings.address.unix_path = "/run/log";
  rig.receiver.takes_nothing = true;
  const auto exporter = rig.make();
  const std::vector<Record> records(1);
  WriteUnderWay one(rig.loop, *exporter, {{&records[0], "one"}});
  rig.loop.run_until_idle(std::chrono::seconds(59));
  EXPECT_FALSE(one.outcome);
  rig.loop.run_until_idle(std::chrono::seconds(2));
  ASSERT_TRUE(one.outcome);
  EXPECT_EQ(one.outcome->verdict, Verdict::retry);
  EXPECT_EQ(one.outcome->reason, "/run/log takes nothing any more: see what holds it up");
  const Duration before = rig.loop.clock().slept();
  rig.loop.run(exporter->close());
  EXPECT_EQ(rig.loop.clock().slept(), before);
  EXPECT_TRUE(rig.texts().empty());
}

TEST_F(SyslogExporterTest, TheSeverityIsThatOfTheConfiguration) {
  Profile profile;
  profile.vendor = "apptego";
  profile.streams["audit"].fields.outcome = "/successful";
  profile.streams["device"].kind = "detection";
  ProfileBook book;
  book.add(profile);
  SyslogRig rig(SyslogTransport::udp);
  rig.profiles = &book;
  rig.settings.severities = {SyslogSeverity::debug, SyslogSeverity::alert, SyslogSeverity::critical, SyslogSeverity::notice};
  rig.settings.facility = 13;
  Record record;
  record.vendor = "apptego";
  record.stream = "audit";
  record.raw = "{\"successful\":true}";
  std::vector<Record> records(4, record);
  records[1].raw = "{\"successful\":false}";
  records[2].stream = "device";
  records[3].gap = true;
  std::vector<OutgoingRecord> batch;
  for (const Record& one : records) batch.push_back({&one, "x"});
  const auto exporter = rig.make();
  WriteUnderWay write(rig.loop, *exporter, batch);
  ASSERT_TRUE(write.outcome);
  std::vector<int> priorities;
  for (const std::string& message : rig.receiver.messages()) priorities.push_back(SyslogParser::parse(message)->priority);
  EXPECT_EQ(priorities, (std::vector<int>{13 * 8 + 7, 13 * 8 + 1, 13 * 8 + 2, 13 * 8 + 5}));
}

TEST_F(SyslogExporterTest, WhatOnlyAnOperatorCanPutRightPauses) {
  const Error refused{ErrorKind::tls, "certificate refused"};
  SyslogRig rig(SyslogTransport::tls);
  rig.receiver.refusal = &refused;
  const auto exporter = rig.make();
  const WriteOutcome outcome = write(rig, *exporter, {"one"});
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_EQ(outcome.reason, "certificate refused");
}

}  // namespace
}  // namespace auditferry
