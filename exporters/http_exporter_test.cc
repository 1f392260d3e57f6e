#include "exporters/http_exporter.h"

#include <gtest/gtest.h>

#include "encoding/hash.h"
#include "tests/support/fake_far_end.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

const std::string webhook_at = "url = \"https://hook.example.com/audit/\"\n";

class HttpSinkOfLines final : public FarEndSink {
 public:
  explicit HttpSinkOfLines(const std::string& more) : FarEndSink("http", webhook_at + more) {}

 private:
  Result<HttpResponse> handle(const HttpRequest& request) override {
    if (request.method == "HEAD") return answer(405);
    if (request.method != "POST" || request.url != "https://hook.example.com/audit/") return answer(404);
    for (std::string& line : lines_of(request.body)) taken.push_back(std::move(line));
    return answer(204);
  }
};

TEST(HttpExporter, KeepsTheContract) {
  expect_exporter_contract([] { return std::make_unique<HttpSinkOfLines>(""); });
}
TEST(HttpExporter, KeepsTheContractWithARequestForEveryRecord) {
  expect_exporter_contract([] { return std::make_unique<HttpSinkOfLines>("body = \"single\""); });
}
TEST(HttpExporter, KeepsTheContractWithSeveralRequestsAtOnce) {
  expect_exporter_contract([] { return std::make_unique<HttpSinkOfLines>("concurrency = 4"); });
}

// What came of writing three records to a far end that always answers so.
WriteOutcome webhook_outcome(HttpResponse given, const std::string& more = "", FarEndFixture* use = nullptr) {
  FarEndFixture own("http", webhook_at + more);
  FarEndFixture& fixture = use ? *use : own;
  fixture.far_end.handler = [&](const HttpRequest&) { return given; };
  return fixture.write_once();
}

TEST(HttpExporter, SendsEachRecordOnALineOfItsOwn) {
  FarEndFixture fixture("http", webhook_at);
  EXPECT_EQ(webhook_outcome(answer(200), "", &fixture).verdict, Verdict::delivered);
  ASSERT_EQ(fixture.far_end.requests.size(), 1u);
  const HttpRequest& request = fixture.far_end.requests[0];
  const TestRecords records(fixture.format, 3, 1, std::chrono::minutes(1));
  EXPECT_EQ(request.body, records.line(0) + "\n" + records.line(1) + "\n" + records.line(2) + "\n");
  EXPECT_EQ(header_of(request, "Content-Type"), "application/x-ndjson");
  EXPECT_EQ(header_of(request, "Authorization"), "(none)");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://hook.example.com/audit/");
}

TEST(HttpExporter, AnAddressThatIsASecretIsInNoMessage) {
  FarEndFixture fixture("http", "url = { env = \"https://hook.example.com/example-token?key=example-key\" }");
  const WriteOutcome outcome =
      webhook_outcome(answer(404, "no /example-token?key=example-key here"), "", &fixture);
  EXPECT_EQ(fixture.far_end.requests.at(0).url, "https://hook.example.com/example-token?key=example-key");
  EXPECT_NE(outcome.reason.find("hook.example.com:443"), std::string::npos) << outcome.reason;
  EXPECT_EQ(outcome.reason.find("example-"), std::string::npos) << outcome.reason;
}

TEST(HttpExporter, SendsOneArray) {
  FarEndFixture fixture("http", webhook_at + "body = \"array\"\nmethod = \"PUT\"");
  webhook_outcome(answer(200), "", &fixture);
  const TestRecords records(fixture.format, 3, 1, std::chrono::minutes(1));
  const HttpRequest& request = fixture.far_end.requests.at(0);
  EXPECT_EQ(request.body, "[" + records.line(0) + "," + records.line(1) + "," + records.line(2) + "]");
  EXPECT_EQ(header_of(request, "Content-Type"), "application/json");
  EXPECT_EQ(request.method, "PUT");
}

TEST(HttpExporter, SendsHeadersAndCredentials) {
  FarEndFixture fixture("http", webhook_at + "content_type = \"text/plain\"\nauth.username = \"ferry\"\n"
                                     "auth.password = { env = \"example-password\" }\n"
                                     "[headers]\nX-Tenant = \"blue\"\nX-Key = { env = \"example-key\" }\n");
  webhook_outcome(answer(200), "", &fixture);
  const HttpRequest& request = fixture.far_end.requests.at(0);
  EXPECT_EQ(header_of(request, "Authorization"), "Basic ZmVycnk6ZXhhbXBsZS1wYXNzd29yZA==");
  EXPECT_EQ(header_of(request, "X-Tenant"), "blue");
  EXPECT_EQ(header_of(request, "X-Key"), "example-key");
  EXPECT_EQ(header_of(request, "Content-Type"), "text/plain");
}

TEST(HttpExporter, SignsTheBodyTogetherWithTheTime) {
  FarEndFixture fixture("http",
                        webhook_at + "signature.key = { env = \"example-key\" }\nsignature.header = \"X-Seal\"");
  webhook_outcome(answer(200), "", &fixture);
  const HttpRequest& request = fixture.far_end.requests.at(0);
  const std::string seal = header_of(request, "X-Seal");
  ASSERT_TRUE(seal.starts_with("t=1763892"));
  const std::string time = seal.substr(2, seal.find(',') - 2);
  EXPECT_EQ(seal, "t=" + time + ",v1=" + hex(hmac_sha256("example-key", time + "." + request.body)));
}

TEST(HttpExporter, QuotesNoSecret) {
  FarEndFixture fixture(
      "http", webhook_at + "auth.bearer = { env = \"example-token\" }\nsignature.key = { env = \"example-key\" }\n"
                   "headers.X-Key = { env = \"example-header\" }");
  const WriteOutcome outcome =
      webhook_outcome(answer(401, "Bearer example-token, example-key and example-header are wrong"), "", &fixture);
  EXPECT_NE(outcome.reason.find("(\"***, *** and *** are wrong\")"), std::string::npos) << outcome.reason;
}

TEST(HttpExporter, WaitsAsLongAsItIsTold) {
  WriteOutcome outcome = webhook_outcome(answer(503, "busy", {{"Retry-After", "120"}}));
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration(seconds(120)));
  EXPECT_NE(outcome.reason.find("status 503 (\"busy\")"), std::string::npos) << outcome.reason;
  outcome = webhook_outcome(
      answer(429, "",
             {{"Date", "Sun, 23 Nov 2025 12:00:00 GMT"}, {"Retry-After", "Sun, 23 Nov 2025 12:01:30 GMT"}}));
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(outcome.retry_after, Duration(seconds(90)));
  FarEndFixture fixture("http", webhook_at + "max_retry_after = \"1h\"");
  outcome = webhook_outcome(answer(429, "", {{"Retry-After", "86400"}}), "", &fixture);
  EXPECT_EQ(outcome.retry_after, Duration(seconds(3600)));
  EXPECT_EQ(fixture.log.count("Retry-After: 86400", LogLevel::error), 1u);
}

TEST(HttpExporter, TakesNoWebPageForAConfirmation) {
  const HttpResponse page =
      answer(200, "\n<!DOCTYPE html><html>Sign in</html>", {{"Content-Type", "text/html"}});
  const WriteOutcome outcome = webhook_outcome(page);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("HTML page"), std::string::npos);
  EXPECT_NE(outcome.reason.find("accept_html"), std::string::npos);
  EXPECT_EQ(webhook_outcome(page, "accept_html = true").verdict, Verdict::delivered);
}

TEST(HttpExporter, StatusesMeanWhatTheConfigurationSays) {
  const std::string own =
      "status.delivered = [409, \"3xx\"]\nstatus.retry = [\"4xx\", 302]\nstatus.pause = "
      "[500]\nstatus.refused = [\"418\"]";
  EXPECT_EQ(webhook_outcome(answer(409), own).verdict, Verdict::delivered);
  EXPECT_EQ(webhook_outcome(answer(301), own).verdict, Verdict::delivered);
  EXPECT_EQ(webhook_outcome(answer(302), own).verdict, Verdict::retry);
  EXPECT_EQ(webhook_outcome(answer(401), own).verdict, Verdict::retry);
  EXPECT_EQ(webhook_outcome(answer(500), own).verdict, Verdict::pause);
  EXPECT_EQ(webhook_outcome(answer(418), own).verdict, Verdict::refused);
  EXPECT_EQ(webhook_outcome(answer(502), own).verdict, Verdict::retry);
}

TEST(HttpExporter, ASingleRecordThatIsRefusedHoldsUpNoOther) {
  FarEndFixture fixture("http", webhook_at + "body = \"single\"");
  int calls = 0;
  fixture.far_end.handler = [&](const HttpRequest&) {
    return answer(++calls == 2 ? 400 : 200, "no such field");
  };
  WriteOutcome outcome = fixture.write_once(4);
  EXPECT_EQ(outcome.verdict, Verdict::delivered);
  ASSERT_EQ(outcome.records.size(), 1u);
  EXPECT_EQ(outcome.records[0].index, 1u);
  EXPECT_EQ(outcome.records[0].verdict, Verdict::poison);
  EXPECT_NE(outcome.records[0].reason.find("no such field"), std::string::npos);
  // And when the far end goes away in the middle, what it has taken is not sent again.
  calls = 0;
  fixture.far_end.handler = [&](const HttpRequest&) {
    ++calls;
    return answer(calls == 2 ? 400 : calls == 4 ? 503 : 200);
  };
  outcome = fixture.write_once(5);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  ASSERT_EQ(outcome.records.size(), 3u);
  EXPECT_EQ(outcome.records[0].verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records[1].verdict, Verdict::poison);
  EXPECT_EQ(outcome.records[2].verdict, Verdict::delivered);
  EXPECT_EQ(outcome.records[2].index, 2u);
  EXPECT_EQ(calls, 4);
}

TEST(HttpExporter, GreetsWithoutWriting) {
  FarEndFixture fixture("http", webhook_at + "auth.bearer = { env = \"example-token\" }");
  int status = 405;
  fixture.far_end.handler = [&](const HttpRequest&) { return answer(status); };
  EXPECT_TRUE(fixture.greet().ok());
  EXPECT_EQ(fixture.far_end.requests.at(0).method, "HEAD");
  EXPECT_EQ(fixture.far_end.requests.at(0).body, "");
  for (const int refusal : {301, 401, 403}) {
    status = refusal;
    EXPECT_FALSE(fixture.greet().ok()) << refusal;
  }
  // They say nothing about HEAD, but that the receiver is not there.
  for (const int away : {502, 503, 504}) {
    status = away;
    const Status greeted = fixture.greet();
    ASSERT_FALSE(greeted.ok()) << away;
    EXPECT_NE(greeted.error().message.find("cannot take records now, status " + std::to_string(away)), std::string::npos)
        << greeted.error().message;
  }
  for (const int unclear : {200, 404, 500, 501}) {
    status = unclear;
    EXPECT_TRUE(fixture.greet().ok()) << unclear;
  }
}

TEST(HttpExporter, ReadsCertificatesAnewOnReopen) {
  FarEndFixture fixture("http", webhook_at);
  fixture.far_end.handler = [](const HttpRequest&) { return answer(200); };
  const auto exporter = fixture.make();
  const TestRecords records(fixture.format, 2, 1, std::chrono::minutes(1));
  fixture.write(*exporter, records);
  fixture.write(*exporter, records);
  EXPECT_EQ(fixture.far_end.clients.size(), 1u);
  fixture.loop.run(exporter->reopen());
  fixture.write(*exporter, records);
  EXPECT_EQ(fixture.far_end.clients.size(), 2u);
}

TEST(HttpExporterSettings, AreRefusedWithOneClearMessageEach) {
  const std::pair<std::string, const char*> wrong[] = {
      {"", "url: is missing"},
      {"url = \"\"", "url"},
      {"url = \"hook.example.com\"", "begins with https://"},
      {"url = \"http://hook.example.com/\"", "in the clear to hook.example.com"},
      {"url = \"https://user:word@hook.example.com/\"", "under their own keys"},
      {"url = { env = \"http://hook.example.com/\" }", "in the clear"},
      {"url = { env = \"hook.example.com\" }", "the secret is no address"},
      {webhook_at + "method = \"GET\"", "method"},
      {webhook_at + "body = \"lines\"", "body"},
      {webhook_at + "body = \"array\"\nformat = \"cef\"", "makes no JSON"},
      {webhook_at + "auth.bearer = { env = \"A\" }\nauth.username = \"u\"\nauth.password = { env = \"B\" }",
       "auth.bearer and auth.username exclude each other"},
      {webhook_at + "auth.bearer = { env = \"A\" }\n[headers]\nauthorization = \"x\"", "exclude each other"},
      {webhook_at + "auth.username = \"u\"", "password: is missing"},
      {webhook_at + "auth.password = { env = \"B\" }", "username: is missing"},
      {webhook_at + "auth.username = \"u:v\"\nauth.password = { env = \"B\" }", "holds a ':'"},
      {webhook_at + "auth.bearer = \"plain\"", "a secret never stands in this file"},
      {webhook_at + "auth.password = { env = \"A\\nB\" }\nauth.username = \"u\"", "control character"},
      {webhook_at + "headers.Host = \"x\"", "set by auditferry itself"},
      {webhook_at + "headers.User-Agent = \"x\"", "user_agent"},
      {webhook_at + "headers.\"a b\" = \"x\"", "no name of a header"},
      {webhook_at + "headers.A = \"x\"\nheaders.a = \"y\"", "twice"},
      {webhook_at + "signature.header = \"X-Seal\"", "key: is missing"},
      {webhook_at + "signature.key = { env = \"A\" }\nsignature.header = \"X Seal\"", "no name of a header"},
      {webhook_at + "status.retry = [\"6xx\"]", "is no status"},
      {webhook_at + "status.retry = 503", "expected a list"},
      {webhook_at + "status.retry = [503]\nstatus.pause = [\"503\"]", "exclude each other"},
      {webhook_at + "max_retry_after = \"1ms\"", "at least 1s"},
      {webhook_at + "signatur.key = { env = \"A\" }", "signature"},
  };
  for (const auto& [text, words] : wrong) {
    const std::string problems = problems_of_exporter("http", text);
    EXPECT_NE(problems.find(words), std::string::npos) << text << "\n-> " << problems;
    EXPECT_EQ(lines_of(problems).size(), 1u) << text << "\n-> " << problems;
  }
  EXPECT_EQ(problems_of_exporter("http", "url = \"http://hook.example.com/\"\ntls.insecure = true"), "");
  EXPECT_EQ(problems_of_exporter("http", "url = \"http://127.0.0.1:8080/hook\""), "");
}

}  // namespace
}  // namespace auditferry
