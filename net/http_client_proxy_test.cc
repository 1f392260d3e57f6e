#include <gtest/gtest.h>

#include "tests/support/http_fixture.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;
using Step = ServerStep;

std::string proxy_url(const ScriptedServer& server, const char* credentials = "") {
  return std::string("http://") + credentials + "127.0.0.1:" + std::to_string(server.port());
}

TEST(HttpClientProxy, PlainRequestsGoInAbsoluteForm) {
  ScriptedServer server({{Step::read_request(), Step::write(http_answer(200, "x"))}});
  HttpFixture fixture;
  fixture.settings.tls.insecure = true;
  fixture.settings.proxy = proxy_url(server, "user:example-secret@");
  ASSERT_TRUE(fixture.get("http://portal.example.com/a?b=c").ok());
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(
      request.starts_with("GET http://portal.example.com:80/a?b=c HTTP/1.1\r\nHost: portal.example.com\r\n"))
      << request;
  EXPECT_NE(request.find("Proxy-Authorization: Basic dXNlcjpleGFtcGxlLXNlY3JldA==\r\n"), std::string::npos);
  EXPECT_EQ(fixture.log.text().find("example-secret"), std::string::npos);
}

// `kind`: "permission" where somebody must act before it can work, "proxy" where it may work the next time.
void expect_proxy_error(HttpFixture& fixture, std::string_view words, const char* kind = "proxy") {
  fixture.new_client();
  const Result<HttpResponse> result = fixture.get("https://portal.example.com/");
  ASSERT_FALSE(result.ok());
  EXPECT_STREQ(to_string(result.error().kind), kind) << result.error().message;
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("portal.example.com:443"), std::string::npos)
      << result.error().message;
  EXPECT_EQ(result.error().message.find("example-secret"), std::string::npos);
}

TEST(HttpClientProxy, ATunnelThatIsRefusedSaysWhy) {
  ScriptedServer server(
      {{Step::read_request(), Step::write(http_answer(407, "who are you", "Proxy-Authenticate: Basic\r\n"))},
       {Step::read_request(), Step::write(http_answer(403, "no"))},
       {Step::read_request(), Step::write(http_answer(502, "later"))},
       {Step::read_request()},
       {Step::read_request(), Step::write("not http\r\n\r\n")},
       {Step::read_request(), Step::write("HTTP/1.1 200 OK\r\n\r\nsurplus"), Step::hang()},
       {Step::read_request(), Step::hang()}});
  HttpFixture fixture;
  fixture.environment.https_proxy = Secret(proxy_url(server, "user:example-secret@"));
  expect_proxy_error(fixture, "407", "permission");
  expect_proxy_error(fixture, "403", "permission");
  expect_proxy_error(fixture, "502");
  expect_proxy_error(fixture, "closed the connection");
  expect_proxy_error(fixture, "HTTP");
  expect_proxy_error(fixture, "before the tunnel was used");
  fixture.settings.connect_timeout = 60ms;
  expect_proxy_error(fixture, "in time");
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(
      request.starts_with("CONNECT portal.example.com:443 HTTP/1.1\r\nHost: "
                          "portal.example.com:443\r\nProxy-Authorization: Basic "))
      << request;
}

TEST(HttpClientProxy, AProxyThatIsNotThereIsNamed) {
  std::uint16_t port = 0;
  {
    ScriptedServer gone({{ServerStep::hang()}});
    port = gone.port();
  }
  HttpFixture fixture;
  fixture.settings.proxy = "http://127.0.0.1:" + std::to_string(port);
  expect_proxy_error(fixture, "127.0.0.1:" + std::to_string(port));
}

TEST(HttpClientProxy, NoProxyGoesStraight) {
  ScriptedServer proxy({{Step::read_request(), Step::write(http_answer(403, "no"))}});
  ScriptedServer server({{Step::hang()}});
  HttpFixture fixture;
  fixture.environment.https_proxy = Secret(proxy_url(proxy));
  fixture.environment.no_proxy = "example.com";
  fixture.settings.connect_timeout = 60ms;
  const Result<HttpResponse> result =
      fixture.get("https://portal.example.com:" + std::to_string(server.port()) + "/");
  ASSERT_FALSE(result.ok());
  EXPECT_STREQ(to_string(result.error().kind), "timeout") << result.error().message;
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(proxy.connections(), 0u);
}

}  // namespace
}  // namespace auditferry
