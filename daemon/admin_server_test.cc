#include "daemon/admin_server.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "tests/support/real_loop.h"
#include "tests/support/recording_log.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

// Answers with the path that it was asked for.
class EchoPages final : public AdminPages {
 public:
  Task<AdminAnswer> get(std::string path) override {
    ++asked;
    AdminAnswer answer;
    answer.status = path == "/missing" ? 404 : 200;
    if (path == "/page") answer.content_policy = "script-src 'sha256-x'";
    answer.body = path == "/large" ? std::string(1u << 20, 'x') : "path " + path;
    co_return answer;
  }
  int asked = 0;
};

// Sends the bytes and reads to the end of the connection.
Task<void> talk(std::uint16_t port, std::string request, std::string& answer) {
  tcp::socket socket(co_await boost::asio::this_coro::executor);
  const tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port);
  co_await socket.async_connect(endpoint, use_awaitable);
  boost::system::error_code error;
  co_await boost::asio::async_write(socket, boost::asio::buffer(request), redirect_error(use_awaitable, error));
  co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), redirect_error(use_awaitable, error));
}

class AdminServerTest : public testing::Test {
 protected:
  AdminServerTest() {
    settings_.port = 0;
    settings_.hosts = {"audit.example.com"};
    open({});
  }
  ~AdminServerTest() override { close(); }

  void open(AdminLimits limits) {
    server_ = std::make_unique<AdminServer>(loop_.executor(), loop_.clock(), log_, settings_, pages_, limits);
    const Status opened = server_->open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    server_->start(group_);
  }
  void close() { loop_.run(end()); }
  // On the loop, as the daemon does it: from outside, a cancellation would be queued behind the task's own end.
  Task<void> end() {
    server_->stop();
    group_.cancel();
    co_await group_.join();
  }
  std::string send(std::string request) {
    std::string answer;
    loop_.run(talk(server_->port(), std::move(request), answer));
    return answer;
  }
  std::string get(const std::string& path, const std::string& host = "localhost") {
    return send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  }

  RealLoop loop_;
  RecordingLog log_;
  AdminSettings settings_;
  EchoPages pages_;
  TaskGroup group_{loop_.executor()};
  std::unique_ptr<AdminServer> server_;
};

bool answer_holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(AdminServerTest, AnswersWithTheHeadersThatKeepBrowsersInLine) {
  const std::string answer = get("/metrics?x=1");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  for (const char* header : {"Connection: close\r\n", "Cache-Control: no-store\r\n", "X-Content-Type-Options: nosniff\r\n",
                             "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
                             "Referrer-Policy: no-referrer\r\n", "X-Frame-Options: DENY\r\n", "Cross-Origin-Resource-Policy: same-origin\r\n",
                             "Cross-Origin-Opener-Policy: same-origin\r\n", "Content-Length: 13\r\n"})
    EXPECT_TRUE(answer_holds(answer, header)) << header << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\npath /metrics")) << answer;
  EXPECT_TRUE(answer_holds(get("/page"), "Content-Security-Policy: script-src 'sha256-x'\r\n"));
  EXPECT_TRUE(get("/missing").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get("/large").ends_with(std::string(1u << 20, 'x')));
}

TEST_F(AdminServerTest, LogsThePortThatItGot) {
  EXPECT_GT(server_->port(), 0);
  EXPECT_EQ(log_.count("admin listens on http://127.0.0.1:" + std::to_string(server_->port())), 1u) << log_.text();
}

TEST_F(AdminServerTest, HeadHasNoBody) {
  const std::string answer = send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer_holds(answer, "Content-Length: 13\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(AdminServerTest, RefusesOtherMethodsAndBodies) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    const std::string answer = send(std::string(method) + " / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_TRUE(answer_holds(answer, "Allow: GET, HEAD\r\n")) << answer;
  }
  EXPECT_TRUE(send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(send("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(send("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(pages_.asked, 0);
}

TEST_F(AdminServerTest, RefusesNamesThatItDoesNotKnow) {
  for (const char* host : {"evil.example.com", "audit.example.com.evil.example.com", "", "localhost:80x", "[::1", "x localhost"}) {
    const std::string answer = get("/", host);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << host << "\n" << answer;
    EXPECT_TRUE(answer_holds(answer, "admin.hosts")) << answer;
  }
  EXPECT_TRUE(send("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(send("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_EQ(pages_.asked, 0);
  for (const char* host : {"localhost", "LOCALHOST:9640", "127.0.0.1", "127.0.0.1:9640", "[::1]", "[::1]:9640", "192.0.2.7",
                           "audit.example.com", "Audit.Example.com:443"})
    EXPECT_TRUE(get("/", host).starts_with("HTTP/1.1 200 ")) << host;
}

TEST_F(AdminServerTest, SurvivesWhatIsNoRequest) {
  EXPECT_TRUE(get("/", "localhost\r\nX: " + std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(get("/" + std::string(9000, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(send("GET / HTTP/1.1\r\nHost: " + std::string(1u << 20, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(send(std::string("\x16\x03\x01\x00\xff\x00", 6) + "\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(send("GET / HTTP/9.9\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(pages_.asked, 0);
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, CutsOffWhoeverIsSlow) {
  close();
  AdminLimits limits;
  limits.patience = std::chrono::milliseconds(50);
  limits.connections = 1;
  open(limits);
  EXPECT_EQ(send("GET / HTTP/1.1\r\nHos"), "");
  // And the only place is free again.
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, EndsWithItsGroupWhileSomebodyIsConnected) {
  tcp::socket socket(loop_.executor());
  socket.connect({boost::asio::ip::address_v4::loopback(), server_->port()});
  loop_.run_for(std::chrono::milliseconds(20));
  close();
  EXPECT_TRUE(group_.empty());
}

TEST_F(AdminServerTest, ATakenPortStopsTheStart) {
  AdminSettings same = settings_;
  same.port = server_->port();
  AdminServer second(loop_.executor(), loop_.clock(), log_, same, pages_);
  const Status opened = second.open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::busy);
  for (const std::string& part : {std::string("127.0.0.1:") + std::to_string(same.port), std::string("admin.listen")})
    EXPECT_TRUE(answer_holds(opened.error().message, part)) << opened.error().message;
}

}  // namespace
}  // namespace auditferry
