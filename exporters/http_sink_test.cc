#include "exporters/http_sink.h"

#include <gtest/gtest.h>

#include "tests/support/fake_far_end.h"

namespace auditferry {
namespace {

const HttpPeerWords who{"siem.example.com:443", "url", "token"};

class HttpSinkTest : public testing::Test {
 protected:
  static HttpSinkSettings settings() {
    HttpSinkSettings made;
    made.authorization = Secret("Bearer example-token");
    made.hidden.emplace_back("word \"in\" quotes");
    return made;
  }
  WriteOutcome judge(const HttpResponse& given) const {
    return sink.judge_answer(given, HttpSink::verdict_of(given.status), who);
  }
  FarEndFixture fixture{"http", ""};
  ExporterWorld world{
      fixture.loop.executor(), fixture.loop.clock(), fixture.log, fixture.disk, fixture.loop.blocking(), {}};
  HttpSink sink{settings(), world, "siem"};
};

TEST_F(HttpSinkTest, TellsStatusesApart) {
  const std::pair<int, Verdict> table[] = {
      {200, Verdict::delivered}, {201, Verdict::delivered}, {204, Verdict::delivered},
      {301, Verdict::pause},     {307, Verdict::pause},     {400, Verdict::refused},
      {401, Verdict::pause},     {403, Verdict::pause},     {404, Verdict::pause},
      {405, Verdict::pause},     {408, Verdict::retry},     {413, Verdict::refused},
      {415, Verdict::pause},     {422, Verdict::refused},   {429, Verdict::retry},
      {500, Verdict::retry},     {502, Verdict::retry},     {503, Verdict::retry},
      {504, Verdict::retry},     {101, Verdict::pause},
  };
  for (const auto& [status, verdict] : table) EXPECT_EQ(HttpSink::verdict_of(status), verdict) << status;
}

TEST_F(HttpSinkTest, HasWordsForEachOfThem) {
  EXPECT_EQ(judge(answer(401, "who are you")).reason,
            "siem.example.com:443 refused the credentials, status 401 (\"who are you\"): check token");
  EXPECT_NE(judge(answer(404)).reason.find("check the path in url"), std::string::npos);
  EXPECT_NE(judge(answer(403)).reason.find("permissions of token"), std::string::npos);
  EXPECT_NE(judge(answer(413)).reason.find("refused what we sent, status 413"), std::string::npos);
  EXPECT_NE(judge(answer(415)).reason.find("compression"), std::string::npos);
  for (int status = 300; status < 600; ++status) EXPECT_FALSE(judge(answer(status)).reason.empty()) << status;
}

TEST_F(HttpSinkTest, NamesOnlyTheHostOfARedirect) {
  const std::string reason =
      judge(answer(302, "", {{"Location", "https://login.example.com/path?session=example-session"}})).reason;
  EXPECT_NE(reason.find("login.example.com:443"), std::string::npos) << reason;
  EXPECT_EQ(reason.find("session"), std::string::npos) << reason;
  EXPECT_NE(reason.find("not followed with credentials"), std::string::npos) << reason;
  EXPECT_EQ(judge(answer(302, "", {{"Location", "/elsewhere?example"}})).reason.find("elsewhere"),
            std::string::npos);
}

TEST_F(HttpSinkTest, TellsErrorsApart) {
  const std::pair<ErrorKind, Verdict> table[] = {
      {ErrorKind::connect, Verdict::retry}, {ErrorKind::resolve, Verdict::retry},
      {ErrorKind::timeout, Verdict::retry}, {ErrorKind::protocol, Verdict::retry},
      {ErrorKind::proxy, Verdict::retry},   {ErrorKind::tls, Verdict::pause},
      {ErrorKind::invalid, Verdict::pause}, {ErrorKind::too_large, Verdict::pause},
      {ErrorKind::permission, Verdict::pause}, {ErrorKind::unsupported, Verdict::pause}};
  for (const auto& [kind, verdict] : table) {
    const WriteOutcome outcome = sink.judge_error({kind, "it did not work"});
    EXPECT_EQ(outcome.verdict, verdict) << to_string(kind);
    EXPECT_EQ(outcome.reason, "it did not work");
  }
}

// The advice stands at the end, behind all that was tried.
TEST_F(HttpSinkTest, OurOwnAdviceIsNotCutOff) {
  std::string tried;
  for (int n = 1; n <= 6; ++n)
    tried += (tried.empty() ? "" : "; ") + ("2001:db8:1111:2222:3333:4444:5555:" + std::to_string(n)) + ": Network is unreachable";
  const std::string message = "cannot connect to siem.example.com:443 (" + tried + "): check that it runs";
  EXPECT_EQ(sink.judge_error({ErrorKind::connect, message}).reason, message);
  // It is not for that without its limits.
  const std::string reason = sink.judge_error({ErrorKind::connect, "example-token\n" + std::string(100'000, 'x')}).reason;
  EXPECT_TRUE(reason.starts_with("*** xxx")) << reason.substr(0, 20);
  EXPECT_LE(reason.size(), 2100u);
}

TEST_F(HttpSinkTest, NeverQuotesASecret) {
  EXPECT_EQ(sink.quotable("bad token example-token!"), "bad token ***!");
  EXPECT_EQ(sink.quotable("Bearer example-tokenexample-token"), "******");
  EXPECT_EQ(sink.quotable("said word \"in\" quotes"), "said ***");
  EXPECT_EQ(sink.quotable(R"({"got":"word \"in\" quotes"})"), R"({"got":"***"})");
  // Also not in part, where the quotation is cut.
  for (std::size_t before = 280; before < 305; ++before) {
    const std::string quoted = sink.quotable(std::string(before, 'x') + "example-token");
    EXPECT_EQ(quoted.find("exa"), std::string::npos) << quoted;
  }
}

TEST_F(HttpSinkTest, QuotesInOneHarmlessLine) {
  EXPECT_EQ(sink.quotable("a\r\nb\x1b[31m\xff"), "a  b [31m\xEF\xBF\xBD");
  EXPECT_LE(sink.quotable(std::string(100'000, '\xff')).size(), 310u);
  EXPECT_LE(sink.quotable(std::string(100'000, 'x')).size(), 310u);
}

HttpResponse certificate_page(int status, const std::string& why) {
  return answer(status, "<html>\r\n<head><title>400 " + why + "</title></head>\r\n<body>\r\n<center>" + why + "</center>",
                {{"Content-Type", "text/html"}});
}

TEST_F(HttpSinkTest, TellsAPageAboutOurCertificateFromARefusal) {
  EXPECT_TRUE(lacks_client_certificate(certificate_page(400, "No required SSL certificate was sent")));
  EXPECT_TRUE(lacks_client_certificate(certificate_page(400, "The SSL certificate error")));
  EXPECT_TRUE(lacks_client_certificate(answer(495)));
  EXPECT_TRUE(lacks_client_certificate(answer(496)));
  EXPECT_FALSE(lacks_client_certificate(certificate_page(400, "Bad Request")));
  EXPECT_FALSE(lacks_client_certificate(certificate_page(200, "No required SSL certificate was sent")));
  EXPECT_FALSE(lacks_client_certificate(answer(400, R"({"bad":"No required SSL certificate was sent"})")));
}

TEST_F(HttpSinkTest, KnowsAWebPage) {
  EXPECT_TRUE(looks_like_html(answer(200, "<!DOCTYPE HTML>")));
  EXPECT_TRUE(looks_like_html(answer(200, "\xEF\xBB\xBF \n<html>")));
  EXPECT_TRUE(looks_like_html(answer(200, "<div>", {{"content-type", "text/html; charset=utf-8"}})));
  EXPECT_FALSE(looks_like_html(answer(200, "<ok/>", {{"Content-Type", "application/xml"}})));
  EXPECT_FALSE(looks_like_html(answer(200, "ok", {{"Content-Type", "text/html"}})));
  EXPECT_FALSE(looks_like_html(answer(200, "")));
}

}  // namespace
}  // namespace auditferry
