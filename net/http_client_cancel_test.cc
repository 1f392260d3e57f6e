// A cancelled request unwinds at once, wherever it waits.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/http_fixture.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using Step = ServerStep;

// Listens, but accepts nothing, and its queue is full: connecting to it hangs.
class FullListener {
 public:
  FullListener() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 0), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      // In progress, or waiting for its turn for ever: both are wanted.
      static_cast<void>(connect(filler, reinterpret_cast<sockaddr*>(&address), size));
    }
  }
  ~FullListener() {
    for (const int filler : fillers_) close(filler);
    close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  int listener_;
  int fillers_[4] = {};
  std::uint16_t port_ = 0;
};

TEST(HttpClientCancel, WhileResolving) {
  HttpFixture fixture;
  EXPECT_TRUE(fixture.cancelled_when("https://dead.example.com/", [] { return true; }));
}

TEST(HttpClientCancel, WhileConnecting) {
  FullListener full;
  HttpFixture fixture;
  EXPECT_TRUE(
      fixture.cancelled_when("http://127.0.0.1:" + std::to_string(full.port()) + "/", [] { return true; }));
}

TEST(HttpClientConnect, TimesOutWithTheAddress) {
  FullListener full;
  HttpFixture fixture;
  fixture.settings.connect_timeout = std::chrono::milliseconds(60);
  const Result<HttpResponse> result = fixture.get("http://127.0.0.1:" + std::to_string(full.port()) + "/");
  ASSERT_FALSE(result.ok());
  EXPECT_STREQ(to_string(result.error().kind), "timeout");
  EXPECT_NE(result.error().message.find("127.0.0.1: no answer in time"), std::string::npos)
      << result.error().message;
}

TEST(HttpClientCancel, WhileTheProxyThinks) {
  ScriptedServer proxy({{Step::read_request(), Step::hang()}});
  HttpFixture fixture;
  fixture.settings.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_TRUE(
      fixture.cancelled_when("https://portal.example.com/", [&] { return proxy.requests().size() == 1; }));
}

TEST(HttpClientCancel, WhileShakingHands) {
  ScriptedServer server({{Step::hang()}});
  HttpFixture fixture;
  EXPECT_TRUE(fixture.cancelled_when("https://127.0.0.1:" + std::to_string(server.port()) + "/",
                                     [&] { return server.connections() == 1; }));
}

TEST(HttpClientCancel, WhileWaitingForTheAnswer) {
  ScriptedServer server({{Step::read_request(), Step::hang()}});
  HttpFixture fixture;
  EXPECT_TRUE(fixture.cancelled_when(server.url(), [&] { return server.requests().size() == 1; }));
}

TEST(HttpClientCancel, WhileReadingTheBody) {
  ScriptedServer server({{Step::read_request(),
                          Step::write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), Step::hang()}});
  HttpFixture fixture;
  EXPECT_TRUE(fixture.cancelled_when(server.url(), [&] { return server.requests().size() == 1; }));
}

}  // namespace
}  // namespace auditferry
