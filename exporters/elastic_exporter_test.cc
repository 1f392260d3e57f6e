#include "exporters/elastic_exporter.h"

#include <gtest/gtest.h>

#include <map>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "tests/support/fake_far_end.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

const std::string elastic_at =
    "hosts = [\"https://one.example.com:9200\"]\nindex = \"audit-{tenant}\"\napi_key = { env = "
    "\"example-key\" }\n";
const std::string two_hosts =
    "hosts = [\"https://one.example.com:9200\", \"https://two.example.com:9200\"]\nindex = \"audit\"\n";

HttpResponse items(const std::vector<std::string>& all, bool errors = true) {
  std::string body = errors ? R"({"errors":true,"items":[)" : R"({"errors":false,"items":[)";
  for (std::size_t i = 0; i < all.size(); ++i)
    body += (i ? ",{\"create\":{" : "{\"create\":{") + all[i] + "}}";
  return answer(200, body + "]}", {{"Content-Type", "application/json"}});
}

std::string failed(int status, const std::string& type) {
  return "\"status\":" + std::to_string(status) + ",\"error\":{\"type\":\"" + type +
         "\",\"reason\":\"words of Elastic\"}";
}

// Documents by index and id, as Elasticsearch keeps them.
class FakeCluster {
 public:
  std::map<std::string, std::string> documents;
  std::vector<std::string> lines;  // the documents in the order of their arrival, without the time stamp

  HttpResponse handle(const HttpRequest& request) {
    if (header_of(request, "Authorization") != "ApiKey example-key")
      return answer(401, R"({"error":"who are you"})");
    if (request.method == "GET")
      return answer(200, R"({"name":"a","version":{"number":"8.15.0"},"tagline":"x"})");
    if (request.url.ends_with("_has_privileges")) return answer(200, R"({"has_all_requested":true})");
    if (request.url.find("/_bulk?filter_path=") == std::string::npos) return answer(404, "{}");
    if (!request.body.ends_with('\n')) return answer(400, R"({"error":"must be terminated by a newline"})");
    const std::vector<std::string> all = lines_of(request.body);
    std::vector<std::string> results;
    bool errors = false;
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
      EXPECT_TRUE(scan_json(all[i]).ok() && scan_json(all[i + 1]).ok()) << all[i] << all[i + 1];
      const auto action = JsonView(all[i]).find("create");
      const std::string id = *action->find("_index")->as_string() + "#" + *action->find("_id")->as_string();
      if (!documents.emplace(id, all[i + 1]).second) {
        errors = true;
        results.push_back(failed(409, "version_conflict_engine_exception"));
        continue;
      }
      lines.push_back("{" + all[i + 1].substr(all[i + 1].find(',') + 1));
      results.push_back("\"status\":201");
    }
    return items(results, errors);
  }
};

class ClusterSink final : public FarEndSink {
 public:
  ClusterSink() : FarEndSink("elasticsearch", elastic_at) {}
  std::vector<std::string> lines() override { return cluster_.lines; }
  bool exactly_once() const override { return true; }

 private:
  Result<HttpResponse> handle(const HttpRequest& request) override { return cluster_.handle(request); }
  FakeCluster cluster_;
};

TEST(ElasticExporter, KeepsTheContractExactlyOnce) {
  expect_exporter_contract([] { return std::make_unique<ClusterSink>(); });
}

class Elastic : public testing::Test {
 protected:
  WriteOutcome outcome_of(HttpResponse given, std::size_t count) {
    fixture.far_end.handler = [given](const HttpRequest&) { return given; };
    const WriteOutcome outcome = fixture.write_once(count);
    EXPECT_EQ(outcome.reason.find("example-key"), std::string::npos) << outcome.reason;
    for (const RecordOutcome& record : outcome.records)
      EXPECT_EQ(record.reason.find("example-key"), std::string::npos) << record.reason;
    return outcome;
  }
  FarEndFixture fixture{"elasticsearch", elastic_at};
};

TEST_F(Elastic, SendsOneBulkRequest) {
  EXPECT_EQ(outcome_of(items({"\"status\":201", "\"status\":200"}, false), 2).verdict, Verdict::delivered);
  const HttpRequest& request = fixture.far_end.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url,
            "https://one.example.com:9200/_bulk?filter_path=errors,items.*.status,items.*.error");
  EXPECT_EQ(header_of(request, "Content-Type"), "application/x-ndjson");
  EXPECT_EQ(header_of(request, "Authorization"), "ApiKey example-key");
  const TestRecords records(fixture.format, 2, 1, std::chrono::minutes(1));
  EXPECT_EQ(request.body,
            "{\"create\":{\"_index\":\"audit-t1\",\"_id\":\"apptego/t1/s0/1000\"}}\n"
            "{\"@timestamp\":\"2025-11-23T09:00:00Z\"," +
                records.line(0).substr(1) +
                "\n{\"create\":{\"_index\":\"audit-t1\",\"_id\":\"apptego/t1/s0/1001\"}}\n"
                "{\"@timestamp\":\"2025-11-23T09:01:00Z\"," +
                records.line(1).substr(1) + "\n");
}

TEST_F(Elastic, EveryRecordHasItsOwnVerdict) {
  const WriteOutcome outcome = outcome_of(
      items({"\"status\":201", failed(409, "version_conflict_engine_exception"),
             failed(429, "es_rejected_execution_exception"),
             failed(400, "mapper_parsing_exception example-key"), failed(404, "index_not_found_exception")}),
      5);
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  ASSERT_EQ(outcome.records.size(), 3u);
  EXPECT_EQ(outcome.records[0].index, 2u);
  EXPECT_EQ(outcome.records[0].verdict, Verdict::retry);
  EXPECT_EQ(outcome.records[1].index, 3u);
  EXPECT_EQ(outcome.records[1].verdict, Verdict::poison);
  EXPECT_NE(outcome.records[1].reason.find("words of Elastic"), std::string::npos);
  EXPECT_EQ(outcome.records[2].index, 4u);
  EXPECT_EQ(outcome.records[2].verdict, Verdict::pause);
}

TEST_F(Elastic, WhatAllShareIsTheVerdictOfTheBatch) {
  const std::string busy = failed(429, "es_rejected_execution_exception");
  WriteOutcome outcome = outcome_of(items({busy, busy, busy}), 3);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_TRUE(outcome.records.empty());
  EXPECT_NE(outcome.reason.find("es_rejected_execution_exception"), std::string::npos);
  const std::string gone = failed(404, "index_not_found_exception");
  outcome = outcome_of(items({gone, gone}), 2);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("check index"), std::string::npos);
  const std::string wrong = failed(400, "mapper_parsing_exception");
  outcome = outcome_of(items({wrong, wrong}), 2);
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records.size(), 2u);
}

TEST_F(Elastic, AnAnswerForAnotherNumberOfRecordsConfirmsNothing) {
  for (const auto& all : {std::vector<std::string>{"\"status\":201"},
                          std::vector<std::string>{"\"status\":201", "\"status\":201", "\"status\":201"}}) {
    const WriteOutcome outcome = outcome_of(items(all, false), 2);
    EXPECT_EQ(outcome.verdict, Verdict::retry);
    EXPECT_NE(outcome.reason.find("was sent 2 records"), std::string::npos) << outcome.reason;
  }
}

TEST_F(Elastic, OtherBodiesConfirmNothing) {
  EXPECT_EQ(outcome_of(answer(200, "<html>"), 2).verdict, Verdict::pause);
  EXPECT_EQ(outcome_of(answer(200, ""), 2).verdict, Verdict::retry);
  EXPECT_EQ(outcome_of(answer(200, "{\"ok\":true}"), 2).verdict, Verdict::retry);
}

// Fewer records have a shorter answer. A single one would be a dead letter for what it is not to blame for.
TEST_F(Elastic, AnAnswerThatIsTooLongIsAskedForInSmallerParts) {
  HttpResponse given = items({"\"status\":201", "\"status\":201"}, false);
  given.cut = true;
  WriteOutcome outcome = outcome_of(given, 2);
  EXPECT_EQ(outcome.verdict, Verdict::refused);
  EXPECT_NE(outcome.reason.find("lower batch.records"), std::string::npos) << outcome.reason;
  given = items({"\"status\":201"}, false);
  given.cut = true;
  outcome = outcome_of(given, 1);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("check hosts"), std::string::npos) << outcome.reason;
  given = answer(200, "<html>");
  given.cut = true;
  EXPECT_EQ(outcome_of(given, 2).verdict, Verdict::pause);
  given.status = 401;
  EXPECT_NE(outcome_of(given, 2).reason.find("check api_key"), std::string::npos);
}

TEST_F(Elastic, TheWholeRequestCanBeRefused) {
  EXPECT_EQ(outcome_of(answer(413, ""), 2).verdict, Verdict::refused);
  EXPECT_EQ(outcome_of(answer(400, R"({"error":{"type":"x","reason":"y"}})"), 2).verdict, Verdict::refused);
  const WriteOutcome outcome = outcome_of(
      answer(401, R"({"error":{"type":"security_exception","reason":"no key example-key"},"status":401})"),
      2);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("security_exception: no key ***"), std::string::npos) << outcome.reason;
  HttpResponse busy = answer(429, "");
  busy.headers.push_back({"Retry-After", "9"});
  EXPECT_EQ(outcome_of(busy, 2).retry_after, Duration(seconds(9)));
}

TEST(ElasticHosts, TheNextOneIsAskedAndADeadOneLeftAlone) {
  FarEndFixture fixture("elasticsearch", two_hosts);
  std::vector<std::string> asked;
  bool second_lives = true;
  bool first_lives = false;
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    asked.push_back(request.url.substr(8, 3));
    const bool lives = asked.back() == "one" ? first_lives : second_lives;
    if (!lives) return Error{ErrorKind::connect, "cannot connect to " + asked.back()};
    return items({"\"status\":201", "\"status\":201"}, false);
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 2, 1, std::chrono::minutes(1));
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(asked, (std::vector<std::string>{"one", "two", "two"}));
  asked.clear();
  first_lives = true;
  second_lives = false;
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::delivered);
  EXPECT_EQ(asked, (std::vector<std::string>{"two", "one"}));
  // None: every one is tried, and then it is a retry.
  first_lives = false;
  asked.clear();
  const WriteOutcome outcome = fixture.write(*exporter, records);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_NE(outcome.reason.find("cannot connect to"), std::string::npos);
  // The bodies were the same.
  const auto& requests = fixture.far_end.requests;
  EXPECT_EQ(requests[requests.size() - 1].body, requests[requests.size() - 2].body);
}

Task<void> bulk_once(Exporter& exporter, const std::vector<OutgoingRecord>& batch, std::vector<Verdict>& verdicts) {
  NoProgress progress;
  const WriteOutcome outcome = co_await exporter.write(batch, progress);
  verdicts.push_back(outcome.verdict);
}

// Which hosts are asked when c dies, `later` after two writes at once have left c in use and a known as dead.
std::string asked_when_c_dies(Duration later) {
  FarEndFixture fixture("elasticsearch",
                        "hosts = [\"https://a.example.com\", \"https://b.example.com\", \"https://c.example.com\"]\nindex = \"audit\"\n");
  std::string asked;
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    asked += request.url[8];
    // Both find a dead. The first then waits a second for b; to the second b is not there, and it waits for c.
    if (asked == "a") fixture.far_end.latency = seconds(1);
    if (asked == "aa") fixture.far_end.latency = std::chrono::milliseconds(5);
    if (asked == "aab") fixture.far_end.latency = seconds(10);
    if (asked.size() <= 3) return Error{ErrorKind::connect, "cannot connect to it"};
    return items({"\"status\":201"}, false);
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 1, 1, std::chrono::minutes(1));
  const std::vector<OutgoingRecord> batch{{&records.record(0), records.line(0)}};
  std::vector<Verdict> verdicts;
  TaskGroup both(fixture.loop.executor());
  both.spawn("first", bulk_once(*exporter, batch, verdicts));
  both.spawn("second", bulk_once(*exporter, batch, verdicts));
  fixture.loop.run(both.join());
  EXPECT_EQ(asked, "aabbc");
  EXPECT_EQ(verdicts, (std::vector<Verdict>{Verdict::delivered, Verdict::delivered}));
  fixture.far_end.latency = std::chrono::milliseconds(5);
  fixture.loop.run(fixture.loop.clock().sleep(later));
  asked.clear();
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    asked += request.url[8];
    return Error{ErrorKind::connect, "cannot connect to it"};
  };
  EXPECT_EQ(fixture.write(*exporter, records).verdict, Verdict::retry);
  return asked;
}

TEST(ElasticHosts, ADeadOneComesLastUntilHalfAMinuteIsOver) {
  EXPECT_EQ(asked_when_c_dies(seconds(1)), "cba");
  EXPECT_EQ(asked_when_c_dies(seconds(25)), "cab");
}

TEST(ElasticHosts, AGatewayThatAnswersForADeadHostIsPassedOver) {
  FarEndFixture fixture("elasticsearch", two_hosts);
  fixture.far_end.handler = [](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.find("one") != std::string::npos) return answer(503, "<html>");
    return items({"\"status\":201"}, false);
  };
  EXPECT_EQ(fixture.write_once(1).verdict, Verdict::delivered);
}

// RFC 9110 section 10.2.3: whoever names a time is left alone until then, however little the others ask.
TEST(ElasticHosts, EachIsLeftAloneForAsLongAsItAsked) {
  FarEndFixture fixture("elasticsearch", two_hosts);
  std::string asked;
  fixture.far_end.handler = [&asked](const HttpRequest& request) -> Result<HttpResponse> {
    const bool one = request.url.find("one") != std::string::npos;
    asked += one ? '1' : '2';
    return HttpResponse{503, {{"Retry-After", one ? "60" : "1"}}, ""};
  };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 1, 1, std::chrono::minutes(1));
  for (int second = 0; second < 60; ++second) {
    const WriteOutcome outcome = fixture.write(*exporter, records);
    EXPECT_EQ(outcome.verdict, Verdict::retry);
    ASSERT_TRUE(outcome.retry_after);
    EXPECT_GT(*outcome.retry_after, Duration::zero());
    EXPECT_LE(*outcome.retry_after, seconds(1));
    fixture.loop.run(fixture.loop.clock().sleep(*outcome.retry_after));
  }
  EXPECT_EQ(std::count(asked.begin(), asked.end(), '1'), 1) << asked;
  EXPECT_GT(std::count(asked.begin(), asked.end(), '2'), 50) << asked;
  EXPECT_EQ(fixture.log.count("one.example.com", LogLevel::warn), 1u) << "the outcome names the last one only";
}

TEST(ElasticGreet, AsksForVersionAndRights) {
  FarEndFixture fixture("elasticsearch", elastic_at);
  FakeCluster cluster;
  fixture.far_end.handler = [&](const HttpRequest& request) -> Result<HttpResponse> {
    return cluster.handle(request);
  };
  EXPECT_TRUE(fixture.greet().ok());
  EXPECT_TRUE(cluster.documents.empty());
  EXPECT_EQ(fixture.far_end.requests.at(1).body,
            R"({"index":[{"names":["audit-*"],"privileges":["create_doc"]}]})");
  const auto greeted = [&](HttpResponse version, HttpResponse rights) {
    fixture.far_end.handler = [=](const HttpRequest& request) {
      return request.method == "GET" ? version : rights;
    };
    return fixture.greet();
  };
  const HttpResponse version = answer(200, R"({"version":{"distribution":"opensearch"}})");
  EXPECT_TRUE(greeted(version, answer(404)).ok());
  EXPECT_TRUE(greeted(answer(403), answer(404)).ok());
  EXPECT_FALSE(greeted(version, answer(200, R"({"has_all_requested":false})")).ok());
  EXPECT_FALSE(greeted(answer(401), answer(404)).ok());
  EXPECT_FALSE(greeted(answer(200, "<html>"), answer(404)).ok());
  EXPECT_FALSE(greeted(answer(200, "{}"), answer(404)).ok());
}

TEST(ElasticSettings, AreRefusedWithOneClearMessageEach) {
  const std::string host = "hosts = [\"https://e.example.com\"]\n";
  const std::pair<std::string, const char*> wrong[] = {
      {elastic_at + "compression = \"zstd\"", "unpack gzip alone"},
      {"index = \"a\"", "hosts: is missing"},
      {"hosts = []\nindex = \"a\"", "at least one address"},
      {"hosts = [\"e.example.com\"]\nindex = \"a\"", "begins with https://"},
      {"hosts = [\"https://e.example.com\", \"https://e.example.com/\"]\nindex = \"a\"", "there twice"},
      {"hosts = [\"http://e.example.com\"]\nindex = \"a\"", "in the clear"},
      {host, "index: is missing"},
      {host + "index = \"Audit\"", "no index is called so"},
      {host + "index = \"_audit\"", "no index is called so"},
      {host + "index = \"audit-{day}\"", "is not a placeholder"},
      {host + "index = \"a\"\nformat = \"leef\"", "makes no JSON"},
      {host + "index = \"a\"\napi_key = \"x\"", "a secret never stands in this file"},
      {host + "index = \"a\"\napi_key = { env = \"A\" }\nauth.bearer = { env = \"B\" }",
       "api_key and auth.bearer exclude each other"},
  };
  for (const auto& [text, words] : wrong) {
    const std::string problems = problems_of_exporter("elasticsearch", text);
    EXPECT_NE(problems.find(words), std::string::npos) << text << "\n-> " << problems;
    EXPECT_EQ(lines_of(problems).size(), 1u) << text << "\n-> " << problems;
  }
  FarEndFixture fixture("elasticsearch", host + "index = \"a\"\napi_key = { env = \"id:example\" }");
  fixture.far_end.handler = [](const HttpRequest&) { return answer(503); };
  fixture.write_once(1);
  EXPECT_EQ(header_of(fixture.far_end.requests.at(0), "Authorization"), "ApiKey aWQ6ZXhhbXBsZQ==");
}

}  // namespace
}  // namespace auditferry
