// The server over loopback, asked with plain sockets so that the daemon's own client is not what proves it.
#include "sandbox/portal_server.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

#include "tests/support/portal_fixture.h"

namespace auditferry {
namespace {

using boost::asio::ip::tcp;

std::string post_logs(const char* connection = "close") {
  return "POST /frontend/audit_logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
         PortalFixture::good_token() + "\r\ntenant: " + sandbox_tenant + "\r\nConnection: " + connection +
         "\r\nContent-Length: 2\r\n\r\n{}";
}

class PortalServerTest : public testing::Test {
 protected:
  PortalServerTest() : server_(fixture_.portal(), PortalServerOptions()) {
    fixture_.portal().make("audit", 50, fixture_.now() - std::chrono::hours(1), fixture_.now());
    const Status started = server_.start();
    EXPECT_TRUE(started.ok());
  }

  // Everything that comes until the connection ends; `error` tells how.
  std::string exchange(const std::string& request, boost::system::error_code& error) {
    tcp::socket socket(context_);
    socket.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), server_.port()));
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string exchange(const std::string& request) {
    boost::system::error_code error;
    return exchange(request, error);
  }
  void order(FaultKind kind, std::uint64_t bytes = 0) {
    Fault fault;
    fault.kind = kind;
    fault.bytes = bytes;
    fault.delay = std::chrono::milliseconds(kind == FaultKind::delay ? 30 : 0);
    fixture_.portal().add_fault({"audit", 0, 1, fault});
  }
  static std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

  PortalFixture fixture_;
  PortalServer server_;
  boost::asio::io_context context_;
};

TEST_F(PortalServerTest, AnswersAsThePortalDoes) {
  const std::string answer = exchange(post_logs());
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body_of(answer), fixture_.logs("audit_logs", "{}"));
  EXPECT_EQ(server_.origin(), "http://127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_TRUE(exchange("nonsense\r\n\r\n").empty());
}

TEST_F(PortalServerTest, KeepsConnectionsAlive) {
  const std::string answer = exchange(post_logs("keep-alive") + post_logs());
  EXPECT_NE(answer.find("HTTP/1.1 200", 20), std::string::npos);
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(PortalServerTest, CutsResetsAndHalfCloses) {
  boost::system::error_code error;
  order(FaultKind::cut, 10);
  EXPECT_EQ(body_of(exchange(post_logs(), error)).size(), 10u);
  EXPECT_EQ(error, boost::asio::error::eof);
  order(FaultKind::half_close, 11);
  EXPECT_EQ(body_of(exchange(post_logs(), error)).size(), 11u);
  EXPECT_EQ(error, boost::asio::error::eof);
  order(FaultKind::reset, 12);
  exchange(post_logs(), error);
  EXPECT_EQ(error, boost::asio::error::connection_reset);
  order(FaultKind::refuse);
  EXPECT_TRUE(exchange(post_logs(), error).empty());
  EXPECT_EQ(error, boost::asio::error::connection_reset);
}

TEST_F(PortalServerTest, StreamsHugeBodiesAndTheListOfRecords) {
  order(FaultKind::huge_body, 3u << 20);
  const std::string answer = exchange(post_logs());
  EXPECT_EQ(body_of(answer).size(), (3u << 20) + fixture_.logs("audit_logs", "{}").size());
  const std::string listed =
      exchange("GET /sandbox/records?stream=audit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(listed.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(listed.ends_with("\r\n0\r\n\r\n"));
  std::size_t lines = 0;
  for (std::size_t at = listed.find("\"first_visible\""); at != std::string::npos;
       at = listed.find("\"first_visible\"", at + 1))
    ++lines;
  EXPECT_EQ(lines, 50u);
}

TEST_F(PortalServerTest, SlowAnswersArriveWhole) {
  const std::string whole = fixture_.logs("audit_logs", "{}");
  order(FaultKind::delay);
  EXPECT_EQ(body_of(exchange(post_logs())), whole);
  order(FaultKind::trickle, 1u << 20);
  EXPECT_EQ(body_of(exchange(post_logs())), whole);
}

TEST_F(PortalServerTest, StopsWhileAnAnswerHangs) {
  order(FaultKind::hang);
  tcp::socket socket(context_);
  socket.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), server_.port()));
  boost::asio::write(socket, boost::asio::buffer(post_logs()));
  while (fixture_.portal().stats().requests == 0) std::this_thread::yield();
  server_.stop();
  boost::system::error_code error;
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  EXPECT_TRUE(answer.empty());
}

TEST(PortalServerTls, ShowsItsCertificate) {
  const std::string folder = testing::TempDir() + "portal_server_tls";
  std::filesystem::create_directories(folder);
  Result<TestCertificates> certificates = TestCertificates::make(folder);
  ASSERT_TRUE(certificates.ok());
  const Result<CertificateFiles> files = certificates->issue_for_loopback();
  ASSERT_TRUE(files.ok());
  PortalFixture fixture;
  PortalServerOptions options;
  options.tls = PortalServerTls{*files, "", false};
  PortalServer server(fixture.portal(), options);
  ASSERT_TRUE(server.start().ok());
  boost::asio::io_context context;
  boost::asio::ssl::context tls(boost::asio::ssl::context::tls_client);
  tls.load_verify_file(certificates->ca_file());
  tls.set_verify_mode(boost::asio::ssl::verify_peer);
  boost::asio::ssl::stream<tcp::socket> stream(context, tls);
  stream.set_verify_callback(boost::asio::ssl::host_name_verification("localhost"));
  stream.next_layer().connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), server.port()));
  stream.handshake(boost::asio::ssl::stream_base::client);
  boost::asio::write(stream, boost::asio::buffer(post_logs()));
  std::string answer;
  boost::system::error_code error;
  boost::asio::read(stream, boost::asio::dynamic_buffer(answer), error);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(server.origin().starts_with("https://"));
}

TEST(PortalServerListen, SaysWhenItCannot) {
  PortalFixture fixture;
  PortalServerOptions options;
  options.address = "not-an-address";
  PortalServer server(fixture.portal(), options);
  EXPECT_FALSE(server.start().ok());
}

}  // namespace
}  // namespace auditferry
