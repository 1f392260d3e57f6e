#include "exporters/splunk_exporter.h"

#include <gtest/gtest.h>

#include <set>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "exporters/splunk_event.h"
#include "tests/support/fake_far_end.h"

namespace auditferry {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const std::string splunk_at = "url = \"https://splunk.example.com:8088\"\ntoken = { env = \"example-token\" }\n";
const std::string with_ack = splunk_at + "ack = true\nack_poll = \"5s\"\nack_timeout = \"1m\"\n";
const std::string collector = "https://splunk.example.com:8088/services/collector/";
const std::string two_collectors =
    "url = [\"https://a.example.com:8088\", \"https://b.example.com:8088/services/collector\"]\ntoken = { env = \"example-token\" }\n";

HttpResponse said(int status, int code, const std::string& more = "") {
  return answer(status, "{\"text\":\"words of Splunk\",\"code\":" + std::to_string(code) + more + "}",
                {{"Content-Type", "application/json"}});
}

// A collector with one token. A batch is indexed some time after it was taken; then it is acknowledged once.
class FakeCollector {
 public:
  explicit FakeCollector(FakeClock& clock, std::string at = collector) : clock_(clock), at_(std::move(at)) {}

  bool acks = true;
  bool indexes = true;
  Duration takes = seconds(2);
  std::uint64_t next_ack = 0;
  std::vector<std::string> events;

  // Forgets everything, its numbers too.
  void restart() {
    pending_.clear();
    events.clear();
    next_ack = 0;
  }

  HttpResponse handle(const HttpRequest& request) {
    if (header_of(request, "Authorization") != "Splunk example-token") return said(403, 4);
    if (request.url == at_ + "health") return said(200, 17);
    if (request.url.starts_with(at_ + "ack")) return poll(request);
    if (request.url != at_ + "event") return answer(404, "no such address");
    if (request.body.empty()) return said(400, 5);
    if (acks && header_of(request, "X-Splunk-Request-Channel") == "(none)") return said(400, 10);
    for (const std::string& line : lines_of(request.body)) {
      const auto event = JsonView(line).find("event");
      events.emplace_back(event ? event->raw() : "(none)");
    }
    if (!acks) return said(200, 0);
    pending_.emplace_back(next_ack, clock_.steady_now() + takes);
    return said(200, 0, ",\"ackId\":" + std::to_string(next_ack++));
  }

 private:
  HttpResponse poll(const HttpRequest& request) {
    if (!acks) return said(400, 14);
    std::string all;
    for (const JsonView id : JsonView(request.body).find("acks")->elements()) {
      bool done = false;
      for (auto& [ack, when] : pending_) {
        if (std::to_string(ack) != id.raw() || when > clock_.steady_now() || !indexes) continue;
        done = true;
        when = SteadyTime::max();
      }
      all += (all.empty() ? "\"" : ",\"") + std::string(id.raw()) + (done ? "\":true" : "\":false");
    }
    return answer(200, "{\"acks\":{" + all + "}}");
  }
  FakeClock& clock_;
  const std::string at_;
  std::vector<std::pair<std::uint64_t, SteadyTime>> pending_;
};

class CollectorSink final : public FarEndSink {
 public:
  CollectorSink(const std::string& configuration, bool acks)
      : FarEndSink("splunk_hec", configuration), collector_(fixture_.loop.clock()) {
    collector_.acks = acks;
    collector_.takes = std::chrono::milliseconds(300);
  }
  std::vector<std::string> lines() override { return collector_.events; }

 private:
  Result<HttpResponse> handle(const HttpRequest& request) override { return collector_.handle(request); }
  Result<HttpResponse> broken_answer() override { return said(503, 9); }
  FakeCollector collector_;
};

TEST(SplunkExporter, KeepsTheContract) {
  expect_exporter_contract([] { return std::make_unique<CollectorSink>(splunk_at, false); });
}
TEST(SplunkExporter, KeepsTheContractWithAcknowledgements) {
  expect_exporter_contract([] { return std::make_unique<CollectorSink>(with_ack, true); });
}

class Splunk : public testing::Test {
 protected:
  // Starts with the far end being the collector.
  explicit Splunk(const std::string& configuration = splunk_at) : fixture("splunk_hec", configuration) {
    collector_.acks = false;
    fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
      return collector_.handle(request);
    };
  }
  void always(HttpResponse given) {
    fixture.far_end.handler = [given](const HttpRequest&) { return given; };
  }
  WriteOutcome outcome_of(HttpResponse given, std::size_t count = 3) {
    always(std::move(given));
    const WriteOutcome outcome = fixture.write_once(count);
    EXPECT_EQ(outcome.reason.find("example-token"), std::string::npos) << outcome.reason;
    for (const RecordOutcome& record : outcome.records)
      EXPECT_EQ(record.reason.find("example-token"), std::string::npos) << record.reason;
    return outcome;
  }
  FarEndFixture fixture;
  FakeCollector collector_{fixture.loop.clock()};
};

class SplunkWithAck : public Splunk {
 protected:
  SplunkWithAck() : Splunk(with_ack) { collector_.acks = true; }
};

TEST_F(Splunk, SendsEventsOneAfterTheOther) {
  EXPECT_EQ(fixture.write_once().verdict, Verdict::delivered);
  const HttpRequest& request = fixture.far_end.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, collector + "event");
  EXPECT_EQ(header_of(request, "Authorization"), "Splunk example-token");
  const std::vector<std::string> lines = lines_of(request.body);
  ASSERT_EQ(lines.size(), 3u);
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  EXPECT_EQ(lines[1],
            "{\"time\":1763888460.000,\"source\":\"acme\",\"sourcetype\":\"apptego:s0\","
            "\"fields\":{\"auditferry_id\":\"apptego/t1/s0/1001\",\"vendor\":\"apptego\",\"tenant\":\"t1\","
            "\"stream\":\"s0\"},\"event\":" +
                records.line(1) + "}");
  for (const std::string& line : lines) EXPECT_TRUE(scan_json(line).ok()) << line;
}

TEST(SplunkBody, PutsLabelsInAndLeavesEmptyOnesOut) {
  FarEndFixture fixture("splunk_hec", splunk_at + "index = \"audit-{tenant}\"\nhost = \"portal\"\nsource = \"\"\n"
                                           "sourcetype = \"x:{source}\"\nformat = \"cef\"");
  fixture.far_end.handler = [](const HttpRequest&) { return said(200, 0); };
  fixture.write_once(1);
  const std::string& body = fixture.far_end.requests.at(0).body;
  EXPECT_NE(body.find("\"host\":\"portal\",\"sourcetype\":\"x:acme\",\"index\":\"audit-t1\","),
            std::string::npos)
      << body;
  EXPECT_NE(body.find("\"event\":\"{\\\"id\\\""), std::string::npos)
      << body;  // a line that is no JSON is a string
}

// A gap of an exporter ("released", "damaged") is of no source, tenant or stream. An index with a hole in its name
// would be refused by code 7, and the exporter would stand still.
TEST(SplunkBody, LeavesOutWhatARecordHasNothingFor) {
  SplunkSettings settings;
  settings.index = *TextTemplate::parse("audit-{tenant}");
  settings.host = *TextTemplate::parse("portal");
  settings.source = *TextTemplate::parse("{source}");
  settings.sourcetype = *TextTemplate::parse("{vendor}:{stream}");
  Record gap;
  gap.gap = true;
  gap.id = "gap-0011-3";
  EXPECT_EQ(splunk_body(settings, {{&gap, "{}"}}),
            "{\"time\":0.000,\"host\":\"portal\",\"fields\":{\"auditferry_id\":\"gap-0011-3\",\"auditferry_kind\":\"gap\"},"
            "\"event\":{}}\n");
}

TEST(SplunkBody, FindsTheAddressInEitherForm) {
  for (const char* url :
       {"https://s.example.com/services/collector/event", "https://s.example.com/services/collector",
        "https://s.example.com", "https://s.example.com/"}) {
    FarEndFixture fixture("splunk_hec",
                          "url = \"" + std::string(url) + "\"\ntoken = { env = \"example-token\" }\n");
    fixture.far_end.handler = [](const HttpRequest&) { return said(200, 0); };
    fixture.write_once(1);
    EXPECT_EQ(fixture.far_end.requests.at(0).url, "https://s.example.com/services/collector/event") << url;
  }
}

TEST_F(Splunk, TakesNothingButItsOwnWordForDelivered) {
  EXPECT_EQ(outcome_of(answer(200, "")).verdict, Verdict::retry);
  EXPECT_EQ(outcome_of(answer(200, "ok")).verdict, Verdict::retry);
  EXPECT_EQ(outcome_of(answer(200, "<html>Sign in</html>")).verdict, Verdict::pause);
  EXPECT_EQ(outcome_of(said(200, 17)).verdict, Verdict::retry);
  EXPECT_EQ(outcome_of(said(200, 0)).verdict, Verdict::delivered);
}

TEST_F(Splunk, EveryCodeGetsItsVerdict) {
  const std::pair<std::pair<int, int>, Verdict> table[] = {
      {{403, 1}, Verdict::pause},    {{401, 2}, Verdict::pause},      {{401, 3}, Verdict::pause},
      {{403, 4}, Verdict::pause},    {{400, 5}, Verdict::pause},      {{400, 6}, Verdict::refused},
      {{400, 7}, Verdict::pause},    {{500, 8}, Verdict::retry},      {{503, 9}, Verdict::retry},
      {{400, 10}, Verdict::pause},   {{400, 11}, Verdict::pause},     {{400, 12}, Verdict::refused},
      {{400, 13}, Verdict::refused}, {{400, 14}, Verdict::pause},     {{400, 15}, Verdict::refused},
      {{400, 16}, Verdict::pause},   {{503, 18}, Verdict::retry},     {{503, 19}, Verdict::retry},
      {{503, 20}, Verdict::retry},   {{400, 21}, Verdict::pause},     {{400, 22}, Verdict::pause},
      {{503, 23}, Verdict::retry},   {{200, 24}, Verdict::delivered}, {{200, 25}, Verdict::delivered},
      {{429, 26}, Verdict::retry},   {{429, 27}, Verdict::retry},     {{413, 27}, Verdict::refused}};
  for (const auto& [given, verdict] : table) {
    const WriteOutcome outcome = outcome_of(said(given.first, given.second));
    EXPECT_EQ(outcome.verdict, verdict) << given.second;
    if (verdict != Verdict::delivered) {
      EXPECT_NE(outcome.reason.find("splunk.example.com:8088"), std::string::npos);
      EXPECT_NE(outcome.reason.find("words of Splunk"), std::string::npos) << outcome.reason;
    }
  }
  EXPECT_NE(outcome_of(said(400, 7)).reason.find("correct index"), std::string::npos);
  EXPECT_NE(outcome_of(said(400, 10)).reason.find("set ack = true"), std::string::npos);
}

// ack = true is set already.
TEST_F(SplunkWithAck, AChannelThatIsLostOnTheWayIsTheProxysFault) {
  for (const int code : {10, 11}) {
    const WriteOutcome outcome = outcome_of(said(400, code));
    EXPECT_EQ(outcome.verdict, Verdict::pause);
    EXPECT_EQ(outcome.reason.find("set ack"), std::string::npos) << outcome.reason;
    EXPECT_NE(outcome.reason.find("removes the header X-Splunk-Request-Channel"), std::string::npos) << outcome.reason;
    EXPECT_NE(outcome.reason.find("words of Splunk"), std::string::npos) << outcome.reason;
  }
}

TEST_F(Splunk, ObeysRetryAfter) {
  HttpResponse busy = said(503, 9);
  busy.headers.push_back({"Retry-After", "77"});
  EXPECT_EQ(outcome_of(busy).retry_after, Duration(seconds(77)));
}

TEST_F(Splunk, SlowsDownWhenQueuesAreNearlyFull) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 2, 1, minutes(1));
  always(said(200, 24));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_GE(fixture.loop.clock().slept(), seconds(1 + 2 + 4));
  always(said(200, 0));
  fixture.write(*exporter, records);
  const Duration before = fixture.loop.clock().slept();
  fixture.write(*exporter, records);
  EXPECT_LT(fixture.loop.clock().slept() - before, seconds(1));
}

TEST_F(Splunk, ABadEventHoldsUpNoOther) {
  const WriteOutcome outcome = outcome_of(said(400, 6, ",\"invalid-event-number\":2"), 5);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration::zero());
  ASSERT_EQ(outcome.records.size(), 3u);
  EXPECT_EQ(outcome.records[0].verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records[1].verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records[2].verdict, Verdict::poison);
  EXPECT_EQ(outcome.records[2].index, 2u);
  EXPECT_NE(outcome.records[2].reason.find("words of Splunk"), std::string::npos);
}

TEST_F(Splunk, ABadEventAtTheEndOrAloneLeavesNothingToSend) {
  for (const std::size_t count : {1u, 4u}) {
    const WriteOutcome outcome =
        outcome_of(said(400, 12, ",\"invalid-event-number\":" + std::to_string(count - 1)), count);
    EXPECT_EQ(outcome.verdict, Verdict::delivered);
    ASSERT_EQ(outcome.records.size(), 1u);
    EXPECT_EQ(outcome.records[0].index, count - 1);
    EXPECT_EQ(outcome.records[0].verdict, Verdict::poison);
  }
  // A number that no event has names none.
  EXPECT_EQ(outcome_of(said(400, 6, ",\"invalid-event-number\":5"), 5).verdict, Verdict::refused);
}

TEST_F(Splunk, QuotesNoToken) {
  const WriteOutcome outcome =
      outcome_of(answer(403, "{\"text\":\"Invalid token example-token\",\"code\":4}"));
  EXPECT_NE(outcome.reason.find("Invalid token ***"), std::string::npos) << outcome.reason;
}

TEST_F(Splunk, GreetsWithoutLeavingAnything) {
  EXPECT_TRUE(fixture.greet().ok());
  EXPECT_TRUE(collector_.events.empty());
  for (const HttpRequest& request : fixture.far_end.requests) EXPECT_EQ(request.body, "");
  always(said(403, 4));
  EXPECT_FALSE(fixture.greet().ok());
  always(said(503, 18));
  EXPECT_FALSE(fixture.greet().ok());
  always(answer(200, "<html>"));
  EXPECT_FALSE(fixture.greet().ok());
}

// Splunk says there what is wrong with the token.
TEST_F(Splunk, TheHealthOfACollectorIsJudgedByItsCode) {
  const auto greeted = [&](HttpResponse health) {
    fixture.far_end.handler = [this, health](const HttpRequest& request) -> Result<HttpResponse> {
      return request.url.ends_with("/health") ? health : collector_.handle(request);
    };
    return fixture.greet();
  };
  for (const int status : {400, 404, 200}) {
    const Status unknown = greeted(said(status, 21));
    ASSERT_FALSE(unknown.ok()) << status;
    EXPECT_NE(unknown.error().message.find("the token is not known: check token"), std::string::npos) << unknown.error().message;
    const Status disabled = greeted(said(status, 22));
    ASSERT_FALSE(disabled.ok()) << status;
    EXPECT_NE(disabled.error().message.find("the token is disabled: enable it"), std::string::npos) << disabled.error().message;
  }
  for (const int code : {18, 19, 20, 23}) {
    const Status busy = greeted(said(503, code));
    ASSERT_FALSE(busy.ok()) << code;
    EXPECT_EQ(busy.error().kind, ErrorKind::unavailable);
  }
  EXPECT_FALSE(greeted(answer(401)).ok());
  // Those that have no such address, or another answer there.
  EXPECT_TRUE(greeted(answer(404, "{\"text\":\"not found\",\"code\":404}")).ok());
  EXPECT_TRUE(greeted(answer(405)).ok());
  EXPECT_TRUE(greeted(answer(200, "ok")).ok());
  EXPECT_TRUE(greeted(said(200, 24)).ok());
}

TEST_F(SplunkWithAck, GreetAsksForAcknowledgementsToo) {
  EXPECT_TRUE(fixture.greet().ok());
  collector_.acks = false;
  const Status status = fixture.greet();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("code 14"), std::string::npos) << status.error().message;
}

// Else the exporter would send, hear nothing of any batch, and send again for ever.
TEST_F(SplunkWithAck, GreetWantsAnAnswerToTheQuestionForAcknowledgements) {
  const std::pair<HttpResponse, const char*> answers[] = {
      {answer(404, "no such path"), "check the path in url"},
      {answer(401, ""), "check token"},
      {said(403, 4), "the token is not known"},
      {answer(503, "<html>"), "status 503"},
      {answer(200, "<html>Sign in</html>", {{"Content-Type", "text/html"}}), "HTML page"},
      {answer(200, "{\"ok\":true}"), "without the JSON of a Splunk"},
      {answer(500, "{\"acks\":{}}"), "status 500"},
  };
  for (const auto& [given, words] : answers) {
    fixture.far_end.handler = [&, response = given](const HttpRequest& request) -> Result<HttpResponse> {
      if (request.url.find("/ack") != std::string::npos) return response;
      return collector_.handle(request);
    };
    const Status status = fixture.greet();
    ASSERT_FALSE(status.ok()) << words;
    EXPECT_NE(status.error().message.find(words), std::string::npos) << status.error().message;
    EXPECT_NE(status.error().message.find("the question for acknowledgements"), std::string::npos) << status.error().message;
  }
}

TEST_F(SplunkWithAck, IsDeliveredWhenIndexedAndNotBefore) {
  EXPECT_EQ(fixture.write_once().verdict, Verdict::delivered);
  EXPECT_GE(fixture.loop.clock().slept(), collector_.takes);
  const std::string channel = header_of(fixture.far_end.requests.at(0), "X-Splunk-Request-Channel");
  ASSERT_EQ(channel.size(), 36u);
  EXPECT_EQ(channel[14], '4');
  const HttpRequest& poll = fixture.far_end.requests.at(1);
  EXPECT_EQ(poll.url, collector + "ack?channel=" + channel);
  EXPECT_EQ(poll.body, "{\"acks\":[0]}");
  // Another process has another channel.
  fixture.write_once();
  EXPECT_NE(header_of(fixture.far_end.requests.back(), "X-Splunk-Request-Channel"), channel);
}

TEST_F(SplunkWithAck, OnePollAsksForAllThatWait) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 60, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  for (int i = 0; i < 6; ++i) rig.turn(10, std::chrono::milliseconds(50));
  EXPECT_EQ(rig.unconfirmed(), 6u);
  fixture.loop.run_until_idle(seconds(8));
  EXPECT_TRUE(rig.done());
  std::set<std::string> polls;
  for (const HttpRequest& request : fixture.far_end.requests) {
    if (request.url.find("/ack") != std::string::npos) polls.insert(request.body);
  }
  EXPECT_EQ(polls, (std::set<std::string>{"{\"acks\":[0,1,2,3,4,5]}"}));
  EXPECT_EQ(fixture.far_end.requests.size(), 8u);  // six batches, and two polls
}

TEST_F(SplunkWithAck, SendsAgainWhatIsNotAcknowledgedAndThenAsksForHelp) {
  collector_.indexes = false;
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  for (int round = 1; round <= 3; ++round) {
    const Duration before = fixture.loop.clock().slept();
    const WriteOutcome outcome = fixture.write(*exporter, records);
    EXPECT_GE(fixture.loop.clock().slept() - before, minutes(1));
    EXPECT_LT(fixture.loop.clock().slept() - before, minutes(1) + seconds(10));
    EXPECT_EQ(outcome.verdict, round < 3 ? Verdict::retry : Verdict::pause) << round;
    EXPECT_NE(outcome.reason.find(round < 3 ? "may be double" : "sticky"), std::string::npos)
        << outcome.reason;
  }
  collector_.indexes = true;
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  collector_.indexes = false;
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::retry);
}

TEST_F(SplunkWithAck, SaysWhyPollsTellNothing) {
  fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.find("/ack") != std::string::npos) return answer(404, "no such path");
    return collector_.handle(request);
  };
  const WriteOutcome outcome = fixture.write_once();
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_NE(outcome.reason.find("status 404 (\"no such path\")"), std::string::npos) << outcome.reason;
}

TEST_F(SplunkWithAck, GoesOnWithoutAcknowledgementsLoudly) {
  collector_.acks = false;
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.log.count("no indexer acknowledgements", LogLevel::error), 1u);
  // And with them again, once they are there.
  collector_.acks = true;
  const std::size_t before = fixture.far_end.requests.size();
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_GT(fixture.far_end.requests.size(), before + 1);
}

TEST_F(SplunkWithAck, AFarEndThatRefusesTheChannelGetsNone) {
  fixture.far_end.handler = [](const HttpRequest& request) -> Result<HttpResponse> {
    if (header_of(request, "X-Splunk-Request-Channel") != "(none)") return said(400, 14);
    return said(200, 0);
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  const WriteOutcome outcome = fixture.write(*exporter, records);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration::zero());
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.log.count("no indexer acknowledgements", LogLevel::error), 1u);
}

// The operator switched acknowledgements off and on again: a refusal without a channel is no reason to pause.
TEST_F(SplunkWithAck, TheChannelComesBackWhenItIsWantedAgain) {
  bool wanted = false;
  fixture.far_end.handler = [&wanted](const HttpRequest& request) -> Result<HttpResponse> {
    const bool has_channel = header_of(request, "X-Splunk-Request-Channel") != "(none)";
    if (has_channel && !wanted) return said(400, 14);
    if (!has_channel && wanted) return said(400, 10);
    return said(200, 0);
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::retry);
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  wanted = true;
  const WriteOutcome outcome = fixture.write(*exporter, records);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration::zero());
  fixture.write(*exporter, records);
  EXPECT_NE(header_of(fixture.far_end.requests.back(), "X-Splunk-Request-Channel"), "(none)");
}

TEST_F(SplunkWithAck, WhatWaitsIsSentAgainWhenAcknowledgementsEnd) {
  fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
    const HttpResponse given = collector_.handle(request);
    collector_.acks = false;  // after the first batch
    return given;
  };
  const WriteOutcome outcome = fixture.write_once();
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration::zero());
  EXPECT_EQ(collector_.events.size(), 3u);
}

// After a restart of Splunk its numbers begin anew, and "true" for 0 means the new batch.
TEST_F(SplunkWithAck, ANumberGivenAwayAgainConfirmsNothingOld) {
  collector_.indexes = false;
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 20, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  collector_.restart();
  collector_.indexes = true;
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  EXPECT_EQ(rig.came_back(), 1u);
  EXPECT_EQ(rig.position(), 0u);
  for (int i = 0; i < 20; ++i) rig.turn(10, seconds(5));
  EXPECT_TRUE(rig.done());
  EXPECT_EQ(collector_.events.size(), 20u);
}

// One collector behind the address acknowledges and another does not: sending again and again would only double.
TEST_F(SplunkWithAck, AFarEndThatContradictsItselfPauses) {
  fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.find("/ack") != std::string::npos) return said(400, 14);
    return collector_.handle(request);
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::retry);
  for (int i = 0; i < 3; ++i) {
    const WriteOutcome outcome = fixture.write(*exporter, records);
    EXPECT_EQ(outcome.verdict, Verdict::pause);
    EXPECT_NE(outcome.reason.find("contradicts itself"), std::string::npos) << outcome.reason;
    EXPECT_NE(outcome.reason.find("set ack = false"), std::string::npos) << outcome.reason;
  }
  fixture.far_end.handler = [this](const HttpRequest& request) { return collector_.handle(request); };
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
}

// Counts the pauses of another exporter, which outlives it.
class CountsPauses final : public Exporter {
 public:
  explicit CountsPauses(Exporter& exporter) : exporter_(exporter) {}
  std::size_t pauses = 0;
  WriteLimits limits() const override { return exporter_.limits(); }
  Task<Status> open(const ExporterState& state) override { return exporter_.open(state); }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override {
    WriteOutcome outcome = co_await exporter_.write(records, progress);
    if (outcome.verdict == Verdict::pause) ++pauses;
    co_return outcome;
  }
  Task<Status> greet() override { return exporter_.greet(); }
  Task<void> reopen() override { return exporter_.reopen(); }
  Task<WriteOutcome> tend() override { return exporter_.tend(); }
  Task<void> close() override { return exporter_.close(); }

 private:
  Exporter& exporter_;
};

// Of batches that were under way together none contradicts the other.
TEST_F(SplunkWithAck, AcknowledgementsThatEndUnderSeveralBatchesAreNoContradiction) {
  bool ended = false;
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.find("/ack") != std::string::npos) ended = true;
    collector_.acks = !ended;
    return collector_.handle(request);
  };
  const auto exporter = fixture.make();
  CountsPauses watched(*exporter);
  const TestRecords records(fixture.format, 60, 1, minutes(1));
  WindowRig rig(fixture.loop, records, watched);
  rig.open();
  for (int i = 0; i < 6; ++i) rig.turn(10, std::chrono::milliseconds(50));
  ASSERT_EQ(rig.unconfirmed(), 6u);
  for (int i = 0; i < 12; ++i) rig.turn(10, seconds(1));
  EXPECT_TRUE(rig.done());
  EXPECT_EQ(rig.came_back(), 6u);
  EXPECT_EQ(watched.pauses, 0u);
}

// What the window lets through in a second is what it can carry; the far end acknowledges after a second.
TEST_F(SplunkWithAck, AFarEndThatKeepsUpIsAskedOften) {
  collector_.takes = std::chrono::milliseconds(900);
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 600, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  const SteadyTime begin = fixture.loop.clock().steady_now();
  // Never without a batch that waits, so that the first look does not come to help.
  for (int i = 0; i < 3000 && !rig.done(); ++i) {
    if (rig.unconfirmed() < 20) rig.begin(10);
    fixture.loop.run_until_idle(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(rig.done());
  EXPECT_LT(fixture.loop.clock().steady_now() - begin, seconds(7)) << "sixty batches, twenty at a time";
}

TEST_F(SplunkWithAck, AFarEndThatTakesItsTimeIsAskedSeldom) {
  collector_.takes = seconds(55);
  EXPECT_EQ(fixture.write_once().verdict, Verdict::delivered);
  EXPECT_LE(fixture.far_end.requests.size(), 16u) << "after a second, two, four, and every five (ack_poll)";
}

TEST_F(SplunkWithAck, ABadEventSendsTheOthersAgainForTheirAcknowledgement) {
  const WriteOutcome outcome = outcome_of(said(400, 6, ",\"invalid-event-number\":2"), 5);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  ASSERT_EQ(outcome.records.size(), 1u);
  EXPECT_EQ(outcome.records[0].index, 2u);
  EXPECT_EQ(outcome.records[0].verdict, Verdict::poison);
}

Task<void> write_one(Exporter& exporter, std::vector<OutgoingRecord> batch, std::optional<Verdict>& verdict) {
  class Sent final : public WriteProgress {
   public:
    void sent() override {}
  };
  Sent progress;
  const WriteOutcome outcome = co_await exporter.write(batch, progress);
  verdict = outcome.verdict;
}

// One of those that wait asks for all; when it is cancelled meanwhile, another does.
TEST_F(SplunkWithAck, ACancelledPollLeavesNobodyWaiting) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 2, 1, minutes(1));
  std::optional<Verdict> first;
  std::optional<Verdict> second;
  TaskGroup one(fixture.loop.executor());
  TaskGroup other(fixture.loop.executor());
  std::vector<OutgoingRecord> batch{{&records.record(0), records.line(0)}};
  one.spawn("one", write_one(*exporter, batch, first));
  fixture.loop.run_until_idle(std::chrono::milliseconds(10));
  batch = {{&records.record(1), records.line(1)}};
  other.spawn("other", write_one(*exporter, batch, second));
  fixture.loop.run_until_idle(std::chrono::milliseconds(10));
  fixture.far_end.latency = std::chrono::milliseconds(500);
  fixture.loop.run_until_idle(std::chrono::milliseconds(1200));
  one.cancel();
  fixture.loop.run(one.join());
  EXPECT_FALSE(first.has_value());
  fixture.loop.run_until_idle(seconds(12));
  fixture.loop.run(other.join());
  EXPECT_EQ(second, Verdict::delivered);
}

TEST_F(SplunkWithAck, ClosingWaitsForAcknowledgements) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 20, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  collector_.takes = seconds(4);
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(200));
  collector_.takes = minutes(10);
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(200));
  EXPECT_EQ(rig.position(), 0u);
  EXPECT_TRUE(rig.close());
  EXPECT_EQ(rig.position(), 10u);
  EXPECT_EQ(rig.came_back(), 1u);
  EXPECT_LT(fixture.loop.clock().slept(), minutes(1) + seconds(2));
}

// Two hosts, of which either may be dead.
class TwoCollectors : public testing::Test {
 protected:
  explicit TwoCollectors(const std::string& more = "") : fixture("splunk_hec", two_collectors + more) {
    for (FakeCollector* one : {&a_, &b_}) one->acks = !more.empty();
    fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
      const char host = request.url[8];
      const bool ack = request.url.find("/ack?") != std::string::npos;
      (ack ? polled_ : asked_) += host;
      if (dead_.find(host) != std::string::npos) return Error{ErrorKind::connect, "cannot connect to it"};
      return (host == 'a' ? a_ : b_).handle(request);
    };
  }
  FarEndFixture fixture;
  FakeCollector a_{fixture.loop.clock(), "https://a.example.com:8088/services/collector/"};
  FakeCollector b_{fixture.loop.clock(), "https://b.example.com:8088/services/collector/"};
  std::string dead_;
  std::string asked_;   // the hosts of requests for anything but acknowledgements
  std::string polled_;
};

class TwoCollectorsWithAck : public TwoCollectors {
 protected:
  TwoCollectorsWithAck() : TwoCollectors("ack = true\nack_poll = \"5s\"\nack_timeout = \"5m\"\n") {}
};

TEST_F(TwoCollectors, TheNextOneTakesWhatADeadOneDoesNot) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  dead_ = "a";
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(asked_, "abb");
  EXPECT_EQ(b_.events.size(), 6u);
  asked_.clear();
  dead_ = "ab";
  const WriteOutcome outcome = fixture.write(*exporter, records);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.reason, "cannot connect to it");
  EXPECT_EQ(asked_, "ba");
  const auto& requests = fixture.far_end.requests;
  EXPECT_EQ(requests[requests.size() - 1].body, requests[requests.size() - 2].body);
}

TEST_F(TwoCollectors, OneThatIsBusyIsPassedOverAndOneThatRefusesIsNot) {
  HttpResponse given = said(503, 9);
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    return request.url[8] == 'a' ? given : b_.handle(request);
  };
  EXPECT_EQ(fixture.write_once().verdict, Verdict::delivered);
  for (const HttpResponse& refusal : {said(403, 4), said(400, 7), said(400, 6), said(500, 8)}) {
    given = refusal;
    const std::size_t before = fixture.far_end.requests.size();
    const WriteOutcome outcome = fixture.write_once();
    EXPECT_NE(outcome.verdict, Verdict::delivered);
    EXPECT_NE(outcome.reason.find("a.example.com:8088"), std::string::npos) << outcome.reason;
    EXPECT_EQ(fixture.far_end.requests.size(), before + 1);
  }
}

TEST_F(TwoCollectorsWithAck, OnlyTheHostThatTookABatchIsAskedForIt) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 30, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  // a takes no more, and still says what it has indexed.
  fixture.far_end.handler = [this](const HttpRequest& request) -> Result<HttpResponse> {
    const char host = request.url[8];
    if (request.url.ends_with("/event") && host == 'a') return said(503, 9);
    if (request.url.find("/ack?") != std::string::npos) polled_ += host;
    return (host == 'a' ? a_ : b_).handle(request);
  };
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(seconds(20));
  EXPECT_TRUE(rig.done());
  EXPECT_EQ(rig.came_back(), 0u);
  EXPECT_EQ(a_.events.size(), 10u);
  EXPECT_EQ(b_.events.size(), 20u);
  std::set<std::string> channels;
  for (const HttpRequest& request : fixture.far_end.requests) {
    if (request.url.find("/ack?") == std::string::npos) continue;
    channels.insert(request.url.substr(0, 9) + header_of(request, "X-Splunk-Request-Channel"));
    if (request.url[8] == 'a') {
      EXPECT_EQ(request.body, "{\"acks\":[0]}");
    }
  }
  EXPECT_EQ(channels.size(), 2u) << "each host has a channel of its own, in which it counts";
  EXPECT_NE(polled_.find('a'), std::string::npos);
  EXPECT_NE(polled_.find('b'), std::string::npos);
}

TEST_F(TwoCollectorsWithAck, OneThatDiesGivesBackWhatItHadNotConfirmed) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 20, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  dead_ = "a";
  const SteadyTime died = fixture.loop.clock().steady_now();
  // It may only be starting anew.
  fixture.loop.run_until_idle(seconds(25));
  EXPECT_EQ(rig.came_back(), 0u);
  for (int i = 0; i < 60 && !rig.done(); ++i) rig.turn(10, seconds(1));
  EXPECT_TRUE(rig.done());
  EXPECT_EQ(rig.came_back(), 1u);
  EXPECT_EQ(b_.events.size(), 20u);
  EXPECT_LT(fixture.loop.clock().steady_now() - died, minutes(1)) << "long before ack_timeout";
}

TEST_F(TwoCollectorsWithAck, OneThatIsBackInTimeConfirmsWhatItTook) {
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 10, 1, minutes(1));
  WindowRig rig(fixture.loop, records, *exporter);
  rig.open();
  ASSERT_TRUE(rig.begin(10));
  fixture.loop.run_until_idle(std::chrono::milliseconds(100));
  dead_ = "a";
  fixture.loop.run_until_idle(seconds(20));
  dead_ = "";
  fixture.loop.run_until_idle(seconds(10));
  EXPECT_TRUE(rig.done());
  EXPECT_EQ(rig.came_back(), 0u);
  EXPECT_TRUE(b_.events.empty());
}

TEST_F(TwoCollectorsWithAck, WhatOneHostCannotDoAnotherMay) {
  a_.acks = false;
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 3, 1, minutes(1));
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.log.count("a.example.com:8088 gives no indexer acknowledgements", LogLevel::error), 1u);
  dead_ = "a";
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_NE(polled_.find('b'), std::string::npos) << "b is asked";
  EXPECT_EQ(fixture.log.count("gives no indexer acknowledgements", LogLevel::error), 1u);
}

TEST_F(TwoCollectorsWithAck, EachIsGreeted) {
  EXPECT_TRUE(fixture.greet().ok());
  EXPECT_EQ(asked_, "aabb");
  EXPECT_EQ(polled_, "ab");
  dead_ = "b";
  EXPECT_FALSE(fixture.greet().ok());
  dead_ = "";
  b_.acks = false;
  const Status status = fixture.greet();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("b.example.com:8088"), std::string::npos) << status.error().message;
}

// The far end of which any host may answer 502 or break; both keep what they take.
class TwoCollectorsSink final : public FarEndSink {
 public:
  explicit TwoCollectorsSink(bool acks) : FarEndSink("splunk_hec", two_collectors + (acks ? "ack = true\nack_poll = \"5s\"\nack_timeout = \"1m\"\n" : "")) {
    for (FakeCollector* one : {&a_, &b_}) {
      one->acks = acks;
      one->takes = std::chrono::milliseconds(300);
    }
  }

 private:
  Result<HttpResponse> handle(const HttpRequest& request) override {
    FakeCollector& one = request.url[8] == 'a' ? a_ : b_;
    const std::size_t before = one.events.size();
    HttpResponse given = one.handle(request);
    taken.insert(taken.end(), one.events.begin() + static_cast<std::ptrdiff_t>(before), one.events.end());
    return given;
  }
  Result<HttpResponse> broken_answer() override { return said(503, 9); }
  FakeCollector a_{fixture_.loop.clock(), "https://a.example.com:8088/services/collector/"};
  FakeCollector b_{fixture_.loop.clock(), "https://b.example.com:8088/services/collector/"};
};

TEST(SplunkExporter, KeepsTheContractWithSeveralHosts) {
  expect_exporter_contract([] { return std::make_unique<TwoCollectorsSink>(false); });
}
TEST(SplunkExporter, KeepsTheContractWithSeveralHostsAndAcknowledgements) {
  expect_exporter_contract([] { return std::make_unique<TwoCollectorsSink>(true); });
}

TEST(SplunkSettings, AreRefusedWithOneClearMessageEach) {
  const std::pair<std::string, const char*> wrong[] = {
      {splunk_at + "compression = \"zstd\"", "unpack gzip alone"},
      {"token = { env = \"A\" }", "url: is missing"},
      {"url = \"https://s.example.com\"", "token: is missing"},
      {"url = \"https://s.example.com\"\ntoken = \"A\"", "a secret never stands in this file"},
      {"url = \"http://s.example.com\"\ntoken = { env = \"A\" }", "in the clear to s.example.com"},
      {"url = []\ntoken = { env = \"A\" }", "url: is empty: write at least one address"},
      {"url = [\"s.example.com\"]\ntoken = { env = \"A\" }", "begins with https://"},
      {"url = [\"https://s.example.com\", \"https://s.example.com/services/collector/event\"]\ntoken = { env = \"A\" }", "there twice"},
      {"url = [\"https://s.example.com\", 1]\ntoken = { env = \"A\" }", "url"},
      {"url = 1\ntoken = { env = \"A\" }", "url"},
      {splunk_at + "index = \"{indx}\"", "is not a placeholder"},
      {splunk_at + "ack_poll = \"10ms\"", "at least 1s"},
      {splunk_at + "ack_timeout = \"15s\"", "at least twice ack_poll"},
      {splunk_at + "unconfirmed = 0", "unconfirmed"},
      {splunk_at + "headers.Authorization = \"x\"", "is set from token"},
      {splunk_at + "headers.AUTHORIZATION = \"x\"", "is set from token"},
      {splunk_at + "auth.bearer = { env = \"A\" }", "auth"},
  };
  for (const auto& [text, words] : wrong) {
    const std::string problems = problems_of_exporter("splunk_hec", text);
    EXPECT_NE(problems.find(words), std::string::npos) << text << "\n-> " << problems;
    EXPECT_EQ(lines_of(problems).size(), 1u) << text << "\n-> " << problems;
  }
}

}  // namespace
}  // namespace auditferry
