// The real client against a server that does exactly what a script says.
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/compress.h"
#include "tests/support/http_fixture.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;
using Step = ServerStep;

ConnectionScript answering(std::string answer) {
  return {Step::read_request(), Step::write(std::move(answer))};
}

void expect_error(const Result<HttpResponse>& result, ErrorKind kind, std::string_view words) {
  ASSERT_FALSE(result.ok()) << "status " << result->status << " with " << result->body.size() << " bytes";
  EXPECT_STREQ(to_string(result.error().kind), to_string(kind)) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
}

TEST(HttpClient, SendsWhatItIsGivenAndReadsTheAnswer) {
  ScriptedServer server({answering(http_answer(404, "{\"a\":1}", "X-Two: 1\r\nx-two: 2\r\n"))});
  HttpFixture fixture;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url("/path?q=1");
  request.headers = {{"Authorization", "Bearer example-token"}, {"Content-Type", "application/json"}};
  request.body = "{}";
  const Result<HttpResponse> result = fixture.send(std::move(request));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->status, 404);
  EXPECT_EQ(result->body, "{\"a\":1}");
  EXPECT_EQ(result->header("X-TWO"), "1");
  EXPECT_EQ(server.requests().at(0),
            "POST /path?q=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nAuthorization: Bearer example-token\r\nContent-Type: application/json\r\nUser-Agent: " +
                fixture.settings.user_agent +
                "\r\nAccept-Encoding: gzip, deflate\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(fixture.log.text().find("example-token"), std::string::npos);
  EXPECT_EQ(fixture.log.text().find("q=1"), std::string::npos);
}

TEST(HttpClient, ItsLinesSayForWhom) {
  ScriptedServer server({answering(http_answer(200, "x"))});
  HttpFixture fixture;
  HttpRequest request;
  request.url = server.url();
  request.fields = {{"source", "acme"}, {"stream", "audit"}};
  ASSERT_TRUE(fixture.send(std::move(request)).ok());
  EXPECT_NE(fixture.log.text().find("request answered source=acme stream=audit method=GET host=127.0.0.1:"), std::string::npos) << fixture.log.text();
}

TEST(HttpClient, RefusesWhatMustNotGoOut) {
  HttpFixture fixture;
  expect_error(fixture.get("http://portal.example.com/"), ErrorKind::invalid, "tls.insecure");
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X-Key", "example-token\r\nX-Other: 1"}};
  const Result<HttpResponse> result = fixture.send(request);
  expect_error(result, ErrorKind::invalid, "X-Key");
  EXPECT_EQ(result.error().message.find("example-token"), std::string::npos);
  request.headers = {{"Bad Name", "x"}};
  expect_error(fixture.send(request), ErrorKind::invalid, "header");
  request.headers = {{"Host", "x"}};
  expect_error(fixture.send(request), ErrorKind::invalid, "Host");
  request.headers = {};
  request.method = "GET / HTTP/1.1\r\nX:";
  expect_error(fixture.send(request), ErrorKind::invalid, "method");
}

TEST(HttpClient, KeepsConnectionsAndTriesAStaleOneOnce) {
  const Step answer = Step::write(http_answer(200, "x"));
  ScriptedServer server(
      {{Step::read_request(), answer, Step::read_request(), answer, Step::read_request(), Step::reset()},
       {Step::read_request(), answer}});
  HttpFixture fixture;
  for (int i = 0; i < 3; ++i) {
    const Result<HttpResponse> result = fixture.get(server.url());
    ASSERT_TRUE(result.ok()) << result.error().message;
  }
  EXPECT_EQ(server.connections(), 2u);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(HttpClient, DoesNotTryAgainOnceAnAnswerHasBegun) {
  const Step answer = Step::write(http_answer(200, "x"));
  ScriptedServer server({{Step::read_request(), answer, Step::read_request(), Step::write("HTTP/1.1 2")}});
  HttpFixture fixture;
  ASSERT_TRUE(fixture.get(server.url()).ok());
  expect_error(fixture.get(server.url()), ErrorKind::connect, "inside its header");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ANewConnectionThatBreaksIsAnError) {
  ScriptedServer server({{Step::read_request(), Step::reset()}});
  HttpFixture fixture;
  expect_error(fixture.get(server.url()), ErrorKind::connect, "before it answered");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, DoesNotReuseWhatMayNotBeReused) {
  for (const std::string& answer :
       {http_answer(200, "x", "Connection: close\r\n"), http_answer(200, "x") + "surplus",
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx")}) {
    ScriptedServer server({{Step::read_request(), Step::write(answer), Step::half_close()}});
    HttpFixture fixture;
    ASSERT_TRUE(fixture.get(server.url()).ok()) << answer;
    // Served one after the other: a reused connection would hang in the first script.
    fixture.client().close_idle();
    ASSERT_TRUE(fixture.get(server.url()).ok()) << answer;
    EXPECT_EQ(server.connections(), 2u) << answer;
  }
}

TEST(HttpClient, AnswersWithoutBodyAndInterimAnswers) {
  ScriptedServer server(
      {{Step::read_request(), Step::write("HTTP/1.1 204 No Content\r\n\r\n"), Step::read_request(),
        Step::write("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"), Step::read_request(),
        Step::write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), Step::read_request(),
        Step::write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
                    http_answer(200, "x"))}});
  HttpFixture fixture;
  EXPECT_EQ(fixture.get(server.url())->status, 204);
  EXPECT_EQ(fixture.get(server.url())->status, 304);
  HttpRequest head;
  head.method = "HEAD";
  head.url = server.url();
  const Result<HttpResponse> answer = fixture.send(std::move(head));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(fixture.get(server.url())->body, "x");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ChunkedAndCloseDelimitedBodies) {
  ScriptedServer server({{Step::read_request(),
                          Step::write("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                      "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"),
                          Step::read_request(), Step::write("HTTP/1.1 200 OK\r\n\r\nto the end")},
                         {Step::read_request(),
                          Step::write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")},
                         {Step::read_request(), Step::write("HTTP/1.1 200 OK\r\n\r\nnot the end"),
                          Step::delay(20), Step::reset()}});
  HttpFixture fixture;
  EXPECT_EQ(fixture.get(server.url())->body, "abcde");
  EXPECT_EQ(fixture.get(server.url())->body, "to the end");
  expect_error(fixture.get(server.url()), ErrorKind::connect, "ended after 3 bytes");
  expect_error(fixture.get(server.url()), ErrorKind::connect, "ended after");
}

TEST(HttpClient, AnAnswerCutAnywhereIsNeverAShorterOne) {
  const std::string body = "{\"logs\":[1,2,3]}";
  const std::string counted = http_answer(200, body, "Content-Type: application/json\r\n");
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"logs\":\r\n8\r\n[1,2,3]}\r\n0\r\n\r\n";
  for (const std::string& whole : {counted, chunked}) {
    std::vector<ConnectionScript> scripts;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) scripts.push_back(answering(whole.substr(0, cut)));
    ScriptedServer server(std::move(scripts));
    HttpFixture fixture;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
      const Result<HttpResponse> result = fixture.get(server.url());
      if (cut == whole.size()) {
        ASSERT_TRUE(result.ok());
        EXPECT_EQ(result->body, body);
      } else {
        ASSERT_FALSE(result.ok()) << "cut after " << cut << " bytes";
        EXPECT_EQ(result.error().kind, ErrorKind::connect) << result.error().message;
      }
    }
  }
}

TEST(HttpClient, ACutBodySaysHowMuchCame) {
  ScriptedServer server({answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567")});
  HttpFixture fixture;
  expect_error(fixture.get(server.url()), ErrorKind::connect, "ended after 7 of 10 bytes");
}

TEST(HttpClient, NonsenseIsAProtocolError) {
  for (const char* answer : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
                             "HTTP/9.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                             "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                             "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
                             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"}) {
    ScriptedServer server({answering(answer)});
    HttpFixture fixture;
    const Result<HttpResponse> result = fixture.get(server.url());
    ASSERT_FALSE(result.ok()) << answer;
    EXPECT_STREQ(to_string(result.error().kind), "protocol") << answer << result.error().message;
  }
}

TEST(HttpClient, LimitsHeaderAndBody) {
  const std::string long_header =
      "HTTP/1.1 200 OK\r\nX-Long: " + std::string(70'000, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  ScriptedServer server({answering(long_header),
                         answering("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n"),
                         answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                   std::string("800\r\n") + std::string(2048, 'x') + "\r\n"),
                         answering("HTTP/1.1 200 OK\r\n\r\n" + std::string(5'000, 'x'))});
  HttpFixture fixture;
  expect_error(fixture.get(server.url()), ErrorKind::protocol, "64 KiB");
  for (int i = 0; i < 3; ++i) {
    HttpRequest request;
    request.url = server.url();
    request.max_body_bytes = 1'000;
    expect_error(fixture.send(std::move(request)), ErrorKind::too_large, "1000 bytes");
  }
}

TEST(HttpClient, DecodesWithinTheLimit) {
  const std::string plain(100'000, 'a');
  const std::string coded = gzip_compress(plain);
  ASSERT_LT(coded.size(), 1'000u);
  const std::string answer = http_answer(200, coded, "Content-Encoding: gzip\r\n");
  ScriptedServer server({answering(answer)});
  HttpFixture fixture;
  EXPECT_EQ(fixture.get(server.url())->body, plain);
  HttpRequest request;
  request.url = server.url();
  request.max_body_bytes = 99'999;
  expect_error(fixture.send(std::move(request)), ErrorKind::too_large, "127.0.0.1");
}

Result<HttpResponse> fetch_the_beginning(HttpFixture& fixture, const ScriptedServer& server) {
  HttpRequest request;
  request.url = server.url();
  request.max_body_bytes = 1'000;
  request.cut_body = true;
  return fixture.send(std::move(request));
}

TEST(HttpClient, CutsALargerBodyWhereThatIsAskedFor) {
  const std::string body = "begin" + std::string(50'000, 'x');
  std::string noise;
  std::mt19937 random(11);
  for (int i = 0; i < 50'000; ++i) noise += static_cast<char>(random());
  struct Row {
    std::string answer;
    std::string begins;
  };
  const Row table[] = {
      {http_answer(503, body), body},
      {"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\nfff\r\n" + std::string(4095, 'x') + "\r\n", body},
      {"HTTP/1.1 503 X\r\n\r\n" + body, body},
      // So much is neither waited nor reserved for.
      {"HTTP/1.1 503 X\r\nContent-Length: 9000000000000000000\r\n\r\n" + body, body},
      {http_answer(503, gzip_compress(body), "Content-Encoding: gzip\r\n"), body},
      {http_answer(503, gzip_compress(noise), "Content-Encoding: gzip\r\n"), noise},
  };
  for (const Row& row : table) {
    ScriptedServer server({{Step::read_request(), Step::write(row.answer), Step::hang()}});
    HttpFixture fixture;
    const Result<HttpResponse> result = fetch_the_beginning(fixture, server);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->status, 503);
    EXPECT_TRUE(result->cut);
    ASSERT_FALSE(result->body.empty());
    EXPECT_LE(result->body.size(), 1'000u);
    EXPECT_TRUE(row.begins.starts_with(result->body));
    if (row.begins == body) {
      EXPECT_EQ(result->body.size(), 1'000u) << row.answer.substr(0, 80);
    }
  }
}

TEST(HttpClient, ACutBodyIsTheEndOfItsConnection) {
  ScriptedServer server({{Step::read_request(), Step::write(http_answer(200, std::string(1'001, 'x'))), Step::hang()},
                         {Step::read_request(), Step::write(http_answer(200, std::string(1'000, 'y'))), Step::read_request(),
                          Step::write(http_answer(200, "z"))}});
  HttpFixture fixture;
  Result<HttpResponse> result = fetch_the_beginning(fixture, server);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->cut);
  EXPECT_EQ(result->body, std::string(1'000, 'x'));
  // What just fits is whole, and its connection is kept.
  for (const std::string& whole : {std::string(1'000, 'y'), std::string("z")}) {
    result = fetch_the_beginning(fixture, server);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_FALSE(result->cut);
    EXPECT_EQ(result->body, whole);
  }
  EXPECT_EQ(server.connections(), 2u);
}

// Ended by the far end, not by us.
TEST(HttpClient, ABodyThatBreaksOffIsNoCutOne) {
  ScriptedServer server({{Step::read_request(), Step::write("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(999, 'x'))},
                         {Step::read_request(), Step::write(http_answer(200, "no gzip", "Content-Encoding: gzip\r\n"))}});
  HttpFixture fixture;
  expect_error(fetch_the_beginning(fixture, server), ErrorKind::connect, "ended after 999");
  expect_error(fetch_the_beginning(fixture, server), ErrorKind::protocol, "127.0.0.1");
}

TEST(HttpClient, CompressesWhatItSends) {
  ScriptedServer server({answering(http_answer(200, ""))});
  HttpFixture fixture;
  fixture.settings.compression = Compression::gzip;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.body = std::string(10'000, 'b');
  ASSERT_TRUE(fixture.send(request).ok());
  const std::string sent = server.requests().at(0);
  EXPECT_NE(sent.find("Content-Encoding: gzip\r\n"), std::string::npos);
  const Result<std::string> body =
      inflate_body(sent.substr(sent.find("\r\n\r\n") + 4), ContentCoding::gzip, 1u << 20);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body, request.body);
}

TEST(HttpClient, ReadsAnAnswerThatComesBeforeTheBodyWasTaken) {
  ScriptedServer server({{Step::write(http_answer(413, "too much", "Connection: close\r\n")), Step::hang()}});
  HttpFixture fixture;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.body = std::string(1u << 20, 'c');
  const Result<HttpResponse> result = fixture.send(std::move(request));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->status, 413);
}

TEST(HttpClient, TimeRunsOutWithWords) {
  ScriptedServer server({{Step::read_request(), Step::hang()},
                         {Step::read_request(),
                          Step::write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), Step::hang()}});
  HttpFixture fixture;
  fixture.settings.timeout = 60ms;
  expect_error(fixture.get(server.url()), ErrorKind::timeout, "60ms");
  expect_error(fixture.get(server.url()), ErrorKind::timeout, "127.0.0.1:" + std::to_string(server.port()));
}

// More than the buffers of both sides hold.
TEST(HttpClient, TimeRunsOutWhereNobodyTakesTheBody) {
  ScriptedServer server({{Step::hang()}});
  HttpFixture fixture;
  fixture.settings.timeout = 100ms;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.body = std::string(64u << 20, 'd');
  const auto begun = std::chrono::steady_clock::now();
  expect_error(fixture.send(std::move(request)), ErrorKind::timeout, "100ms");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(HttpClient, FollowsNoRedirect) {
  for (const int status : {301, 302, 303, 307, 308}) {
    ScriptedServer other({answering(http_answer(200, "caught"))});
    ScriptedServer server({answering(http_answer(status, "", "Location: " + other.url("/logs") + "\r\n"))});
    HttpFixture fixture;
    HttpRequest request;
    request.url = server.url();
    request.headers = {{"Authorization", "Bearer example-token"}};
    const Result<HttpResponse> answer = fixture.send(std::move(request));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(other.connections(), 0u);
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(HttpClient, TriesEachAddressInTurn) {
  ScriptedServer server({answering(http_answer(200, "x"))});
  HttpFixture fixture;
  fixture.settings.tls.insecure = true;
  // Nothing listens on the port there.
  fixture.resolver.addresses = {"127.0.0.2", "127.0.0.1"};
  EXPECT_TRUE(fixture.get("http://portal.example.com:" + std::to_string(server.port()) + "/").ok());
  fixture.new_client();
  fixture.resolver.addresses = {"127.0.0.2", "127.0.0.3"};
  expect_error(fixture.get("http://portal.example.com:" + std::to_string(server.port()) + "/"),
               ErrorKind::connect, "127.0.0.3: Connection refused");
  fixture.settings.connect_timeout = 40ms;
  fixture.new_client();
  expect_error(fixture.get("http://dead.example.com/"), ErrorKind::resolve, "dead.example.com");
}

}  // namespace
}  // namespace auditferry
