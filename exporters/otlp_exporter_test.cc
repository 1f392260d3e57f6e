#include "exporters/otlp_exporter.h"

#include <gtest/gtest.h>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "exporters/otlp_protobuf.h"
#include "tests/support/fake_far_end.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

const std::string otlp_at = "url = \"https://otel.example.com:4318\"\nauth.bearer = { env = \"example-token\" }\n";

// The bodies of the log records of a request in protobuf.
std::vector<std::string> bodies_of(std::string_view request) {
  std::vector<std::string> bodies;
  const auto inside = [](std::string_view message, std::uint32_t number) {
    std::vector<std::string_view> found;
    ProtobufReader reader(message);
    while (const auto field = reader.next()) {
      if (field->number == number && !field->is_number) found.push_back(field->bytes);
    }
    EXPECT_FALSE(reader.broken());
    return found;
  };
  for (const std::string_view resource_logs : inside(request, 1)) {
    for (const std::string_view scope_logs : inside(resource_logs, 2)) {
      for (const std::string_view log_record : inside(scope_logs, 2)) {
        for (const std::string_view body : inside(log_record, 5)) bodies.emplace_back(inside(body, 1).at(0));
      }
    }
  }
  return bodies;
}

class ReceiverSink final : public FarEndSink {
 public:
  explicit ReceiverSink(const std::string& more) : FarEndSink("otlp", otlp_at + more) {}

 private:
  Result<HttpResponse> handle(const HttpRequest& request) override {
    if (header_of(request, "Authorization") != "Bearer example-token") return answer(401);
    if (request.url != "https://otel.example.com:4318/v1/logs") return answer(404);
    const std::string type = header_of(request, "Content-Type");
    if (type == "application/x-protobuf") {
      for (std::string& body : bodies_of(request.body)) taken.push_back(std::move(body));
      return answer(200, "", {{"Content-Type", type}});
    }
    const JsonView view(request.body);
    for (const JsonView resource : view.find("resourceLogs")->elements()) {
      for (const JsonView record : resource.at_pointer("/scopeLogs/0/logRecords")->elements())
        taken.push_back(*record.at_pointer("/body/stringValue")->as_string());
    }
    return answer(200, "{}", {{"Content-Type", type}});
  }
};

TEST(OtlpExporter, KeepsTheContract) {
  expect_exporter_contract([] { return std::make_unique<ReceiverSink>(""); });
}
TEST(OtlpExporter, KeepsTheContractInJson) {
  expect_exporter_contract([] { return std::make_unique<ReceiverSink>("encoding = \"json\""); });
}

class Otlp : public testing::Test {
 protected:
  WriteOutcome outcome_of(HttpResponse given, std::size_t count = 3) {
    fixture.far_end.handler = [given](const HttpRequest&) { return given; };
    const WriteOutcome outcome = fixture.write_once(count);
    EXPECT_EQ(outcome.reason.find("example-token"), std::string::npos) << outcome.reason;
    return outcome;
  }
  FarEndFixture fixture{"otlp", otlp_at};
};

std::string status_message(const std::string& words) {
  std::string body;
  ProtobufWriter writer(body);
  writer.varint(1, 3);
  writer.text(2, words);
  return body;
}

TEST_F(Otlp, OnlyWhatTheSpecificationSaysIsRetried) {
  const std::pair<int, Verdict> table[] = {
      {429, Verdict::retry},   {502, Verdict::retry},    {503, Verdict::retry}, {504, Verdict::retry},
      {400, Verdict::refused}, {413, Verdict::refused},  {401, Verdict::pause}, {403, Verdict::pause},
      {404, Verdict::pause},   {301, Verdict::pause},    {500, Verdict::pause}, {501, Verdict::pause},
      {408, Verdict::pause},   {200, Verdict::delivered}};
  for (const auto& [status, verdict] : table)
    EXPECT_EQ(outcome_of(answer(status)).verdict, verdict) << status;
  EXPECT_NE(outcome_of(answer(500)).reason.find("tried again slowly"), std::string::npos);
  EXPECT_EQ(outcome_of(answer(503, "", {{"Retry-After", "30"}})).retry_after, Duration(seconds(30)));
}

TEST_F(Otlp, QuotesTheWordsOfAStatus) {
  const std::string words = outcome_of(answer(400, status_message("no such thing: example-token"),
                                              {{"Content-Type", "application/x-protobuf"}}))
                                .reason;
  EXPECT_NE(words.find("status 400 (\"no such thing: ***\")"), std::string::npos) << words;
  const std::string json =
      outcome_of(answer(400, R"({"code":3,"message":"not so"})", {{"Content-Type", "application/json"}}))
          .reason;
  EXPECT_NE(json.find("(\"not so\")"), std::string::npos) << json;
}

TEST_F(Otlp, APartialSuccessIsNoSuccess) {
  const WriteOutcome outcome =
      outcome_of(answer(200, R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}})",
                        {{"Content-Type", "application/json"}}));
  EXPECT_EQ(outcome.verdict, Verdict::poison);
  EXPECT_NE(outcome.reason.find("rejected 2 of 3 log records for good (\"too old\")"), std::string::npos)
      << outcome.reason;
  EXPECT_EQ(outcome_of(answer(200, R"({"partialSuccess":{"errorMessage":"nearly full"}})",
                              {{"Content-Type", "application/json"}}))
                .verdict,
            Verdict::delivered);
  EXPECT_EQ(fixture.log.count("nearly full", LogLevel::warn), 1u);
}

// Nothing was accepted beside them: perhaps it is not the records.
TEST_F(Otlp, WhenAllAreRejectedTheyAreNoDeadLettersYet) {
  for (const char* count : {"3", "4"}) {
    const WriteOutcome outcome =
        outcome_of(answer(200, std::string(R"({"partialSuccess":{"rejectedLogRecords":")") + count + R"(","errorMessage":"no"}})",
                          {{"Content-Type", "application/json"}}));
    EXPECT_EQ(outcome.verdict, Verdict::refused) << count;
    EXPECT_NE(outcome.reason.find("rejected all of 3 log records (\"no\")"), std::string::npos) << outcome.reason;
  }
}

TEST_F(Otlp, ANegativeCountConfirmsNothing) {
  EXPECT_EQ(outcome_of(answer(200, R"({"partialSuccess":{"rejectedLogRecords":"-1"}})", {{"Content-Type", "application/json"}})).verdict,
            Verdict::retry);
}

TEST_F(Otlp, OtherBodiesConfirmNothing) {
  EXPECT_EQ(outcome_of(answer(200, "<html>", {{"Content-Type", "text/html"}})).verdict, Verdict::pause);
  EXPECT_EQ(outcome_of(answer(200, "ok", {{"Content-Type", "text/plain"}})).verdict, Verdict::retry);
  EXPECT_EQ(outcome_of(answer(200, "ok")).verdict, Verdict::retry);
}

TEST_F(Otlp, GreetsWithoutRecords) {
  fixture.far_end.handler = [](const HttpRequest&) { return answer(200); };
  EXPECT_TRUE(fixture.greet().ok());
  EXPECT_EQ(fixture.far_end.requests.at(0).body, "");
  for (const int status : {401, 404, 503}) {
    fixture.far_end.handler = [status](const HttpRequest&) { return answer(status); };
    EXPECT_FALSE(fixture.greet().ok()) << status;
  }
  fixture.far_end.handler = [](const HttpRequest&) { return answer(200, "<html>"); };
  EXPECT_FALSE(fixture.greet().ok());
}

TEST(OtlpSettings, AddThePathOnce) {
  for (const char* url :
       {"https://o.example.com/v1/logs", "https://o.example.com/v1/logs/", "https://o.example.com"}) {
    FarEndFixture fixture("otlp", "url = \"" + std::string(url) + "\"");
    fixture.far_end.handler = [](const HttpRequest&) { return answer(200); };
    fixture.write_once(1);
    EXPECT_EQ(fixture.far_end.requests.at(0).url, "https://o.example.com/v1/logs");
  }
}

TEST(OtlpSettings, AreRefusedWithOneClearMessageEach) {
  const std::pair<std::string, const char*> wrong[] = {
      {otlp_at + "compression = \"zstd\"", "unpack gzip alone"},
      {"", "url: is missing"},
      {"url = \"otel.example.com:4318\"", "begins with https://"},
      {"url = \"http://otel.example.com:4318\"", "in the clear"},
      {otlp_at + "encoding = \"grpc\"", "encoding"},
      {otlp_at + "auth.username = \"u\"\nauth.password = { env = \"B\" }", "exclude each other"},
      {otlp_at + "headers.X-Key = { env = \"A\", file = \"B\" }", "more than one place"},
  };
  for (const auto& [text, words] : wrong) {
    const std::string problems = problems_of_exporter("otlp", text);
    EXPECT_NE(problems.find(words), std::string::npos) << text << "\n-> " << problems;
    EXPECT_EQ(lines_of(problems).size(), 1u) << text << "\n-> " << problems;
  }
}

}  // namespace
}  // namespace auditferry
