#include "net/stream_connector.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include "sandbox/test_certificates.h"
#include "tests/support/http_fixture.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;
using Made = std::optional<Result<std::unique_ptr<ByteStream>>>;

Task<void> run_connect(Connector& connector, PeerAddress to, PeerSettings settings, Made& made) {
  made = co_await connector.connect(std::move(to), std::move(settings));
}
Task<void> run_write(ByteStream& stream, std::string bytes, Status& written) {
  written = co_await stream.write(bytes);
}
Task<void> run_finish(ByteStream& stream, Status& finished) {
  finished = co_await stream.finish();
}
Task<void> run_read(ByteStream& stream, std::string& text, std::optional<Error>& failure) {
  std::string bytes(1000, '\0');
  const Result<std::size_t> count = co_await stream.read_some(bytes.data(), bytes.size());
  if (!count.ok()) {
    failure = count.error();
  } else {
    text = bytes.substr(0, *count);
  }
}

class StreamConnectorTest : public testing::Test {
 protected:
  Result<std::unique_ptr<ByteStream>> connect(PeerAddress to) {
    Made made;
    fixture.loop.run(run_connect(connector, std::move(to), fixture.settings, made));
    return std::move(*made);
  }
  Status write(ByteStream& stream, std::string bytes) {
    Status written;
    fixture.loop.run(run_write(stream, std::move(bytes), written));
    return written;
  }
  Status finish(ByteStream& stream) {
    Status finished;
    fixture.loop.run(run_finish(stream, finished));
    return finished;
  }
  std::string read(ByteStream& stream) {
    std::string text;
    failure.reset();
    fixture.loop.run(run_read(stream, text, failure));
    return text;
  }
  // Lets a moment pass until the system has acknowledged everything; false if it does not.
  bool all_acknowledged(const ByteStream& stream) {
    for (int i = 0; i < 200; ++i) {
      const Result<ByteStream::Counters> now = stream.counters();
      if (!now.ok()) return false;
      if (now->acknowledged == now->handed_over) return true;
      fixture.loop.run(fixture.loop.clock().sleep(5ms));
    }
    return false;
  }
  static PeerAddress network(std::uint16_t port, bool tls = false) {
    PeerAddress to;
    to.host = "127.0.0.1";
    to.port = port;
    to.tls = tls;
    return to;
  }
  HttpFixture fixture;
  StreamConnector connector{fixture.loop.executor(), fixture.loop.clock(), fixture.resolver,
                            fixture.contexts};
  std::optional<Error> failure;
};

TEST_F(StreamConnectorTest, TcpCountsWhatIsAcknowledged) {
  const RawSocket listener = RawSocket::on_loopback(SOCK_STREAM);
  auto made = connect(network(listener.port()));
  ASSERT_TRUE(made.ok()) << made.error().message;
  ByteStream& stream = **made;
  RawSocket peer = listener.accept();
  const ByteStream::Counters before = *stream.counters();
  ASSERT_TRUE(write(stream, std::string(5000, 'x')).ok());
  EXPECT_EQ(stream.counters()->handed_over, before.handed_over + 5000);
  EXPECT_TRUE(all_acknowledged(stream));
  EXPECT_EQ(peer.receive_all(5000).size(), 5000u);

  // The peer's buffers unread: what is handed over is not acknowledged.
  ASSERT_TRUE(write(stream, std::string(300000, 'y')).ok());
  const ByteStream::Counters unread = *stream.counters();
  EXPECT_EQ(unread.handed_over, before.handed_over + 305000);
  EXPECT_LT(unread.acknowledged, unread.handed_over);
  EXPECT_EQ(peer.receive_all(300000).size(), 300000u);
  EXPECT_TRUE(all_acknowledged(stream));

  peer.send("hello");
  EXPECT_EQ(read(stream), "hello");
  ASSERT_TRUE(finish(stream).ok());
  EXPECT_EQ(peer.receive(), "");
  peer.send("bye");
  peer.close();
  EXPECT_EQ(read(stream), "bye") << "reading goes on after finish()";
  EXPECT_EQ(read(stream), "");
  EXPECT_FALSE(failure);
  EXPECT_TRUE(all_acknowledged(stream)) << "counters answer after the end";
}

TEST_F(StreamConnectorTest, AResetIsAnError) {
  const RawSocket listener = RawSocket::on_loopback(SOCK_STREAM);
  auto made = connect(network(listener.port()));
  ASSERT_TRUE(made.ok());
  listener.accept().reset();
  read(**made);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::connect);
}

TEST_F(StreamConnectorTest, SaysWhereItCannotConnect) {
  RawSocket listener = RawSocket::on_loopback(SOCK_STREAM);
  const std::uint16_t port = listener.port();
  listener.close();
  const auto made = connect(network(port));
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, ErrorKind::connect);
  EXPECT_NE(made.error().message.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
}

TEST_F(StreamConnectorTest, AUnixStreamCountsWhatThePeerHasRead) {
  const TemporaryFolder folder;
  const RawSocket listener = RawSocket::on_path(folder / "log", SOCK_STREAM);
  PeerAddress to;
  to.unix_path = folder / "log";
  auto made = connect(to);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ByteStream& stream = **made;
  RawSocket peer = listener.accept();
  ASSERT_TRUE(write(stream, std::string(5000, 'x')).ok());
  EXPECT_EQ(stream.counters()->handed_over, 5000u);
  EXPECT_EQ(stream.counters()->acknowledged, 0u);
  EXPECT_EQ(peer.receive_all(5000).size(), 5000u);
  EXPECT_EQ(stream.counters()->acknowledged, 5000u);
  ASSERT_TRUE(write(stream, "more").ok());
  EXPECT_EQ(stream.counters()->acknowledged, 5000u) << "the counter only grows";
  EXPECT_EQ(peer.receive(), "more");
  ASSERT_TRUE(finish(stream).ok());
  EXPECT_EQ(peer.receive(), "");
  peer.close();
  EXPECT_EQ(read(stream), "");
  EXPECT_FALSE(failure);
  to.unix_path = folder / "other";
  EXPECT_FALSE(connect(to).ok());
}

// One TLS connection, served on a thread: shakes hands, then reads to the end.
class TlsPeer {
 public:
  TlsPeer(const CertificateFiles& files, const std::string& client_ca, int newest = TLS1_3_VERSION,
          int tickets = 2)
      : listener_(RawSocket::on_loopback(SOCK_STREAM)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate_chain_file(context_, files.cert_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_, files.key_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_max_proto_version(context_, newest);
    SSL_CTX_set_num_tickets(context_, static_cast<std::size_t>(tickets));
    if (!client_ca.empty()) {
      SSL_CTX_load_verify_locations(context_, client_ca.c_str(), nullptr);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    // OpenSSL writes to sockets that the other side may have closed.
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsPeer() {
    end();
    SSL_CTX_free(context_);
  }
  void end() {
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  // Before it is connected to: stands for a proxy, too, whose tunnel leads to itself.
  void tunnel() { tunnel_ = true; }
  // After end().
  std::string asked_of_the_proxy;
  std::string received;
  bool closed_in_order = false;

 private:
  void serve() {
    const RawSocket connection = listener_.accept();
    const timeval patience{5, 0};
    setsockopt(connection.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (tunnel_) {
      while (asked_of_the_proxy.find("\r\n\r\n") == std::string::npos) {
        const std::string some = connection.receive();
        if (some.empty()) return;
        asked_of_the_proxy += some;
      }
      connection.send("HTTP/1.1 200 Connection established\r\n\r\n");
    }
    SSL* tls = SSL_new(context_);
    SSL_set_fd(tls, connection.descriptor());
    if (SSL_accept(tls) == 1) {
      char bytes[4096];
      int count = 0;
      while ((count = SSL_read(tls, bytes, sizeof bytes)) > 0)
        received.append(bytes, static_cast<std::size_t>(count));
      closed_in_order = SSL_get_error(tls, count) == SSL_ERROR_ZERO_RETURN;
      SSL_write(tls, "bye", 3);
      SSL_shutdown(tls);
    } else {
      // As a server that only now looks away: what follows is swallowed for a while.
      received = connection.receive();
    }
    SSL_free(tls);
  }
  RawSocket listener_;
  SSL_CTX* context_;
  std::atomic<bool> tunnel_ = false;
  std::thread thread_;
};

// "sha-256:AB:CD:…" of the first certificate of a file.
std::string fingerprint_of_file(const std::string& path) {
  BIO* const file = BIO_new_file(path.c_str(), "r");
  X509* const certificate = PEM_read_bio_X509(file, nullptr, nullptr, nullptr);
  unsigned char digest[32] = {};
  unsigned size = sizeof digest;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  X509_free(certificate);
  BIO_free(file);
  std::string text = "sha-256";
  for (const unsigned char byte : digest) {
    char pair[4];
    std::snprintf(pair, sizeof pair, ":%02X", byte);
    text += pair;
  }
  return text;
}

class StreamConnectorTls : public StreamConnectorTest {
 protected:
  StreamConnectorTls() { fixture.settings.tls.ca_file = certificates.ca_file(); }
  void expect_a_conversation(TlsPeer& peer) { expect_a_conversation(peer, network(peer.port(), true)); }
  void expect_a_conversation(TlsPeer& peer, PeerAddress to) {
    auto made = connect(std::move(to));
    ASSERT_TRUE(made.ok()) << made.error().message;
    const ByteStream::Counters before = *(*made)->counters();
    ASSERT_TRUE(write(**made, std::string(40000, 'x')).ok());
    EXPECT_GT((*made)->counters()->handed_over, before.handed_over + 40000) << "ciphertext is counted";
    EXPECT_TRUE(all_acknowledged(**made));
    ASSERT_TRUE(finish(**made).ok());
    EXPECT_EQ(read(**made), "bye") << "reading goes on after close_notify";
    EXPECT_EQ(read(**made), "");
    EXPECT_FALSE(failure) << failure->message;
    peer.end();
    EXPECT_EQ(peer.received.size(), 40000u);
    EXPECT_TRUE(peer.closed_in_order);
  }
  const TemporaryFolder folder;
  TestCertificates certificates{TestCertificates::make(folder.path()).value()};
};

TEST_F(StreamConnectorTls, SpeaksTls13) {
  TlsPeer peer(*certificates.issue_for_loopback(), "");
  const SteadyTime begin = fixture.loop.clock().steady_now();
  expect_a_conversation(peer);
  EXPECT_LT(fixture.loop.clock().steady_now() - begin, 800ms) << "the server's ticket ends the wait";
}

TEST_F(StreamConnectorTls, SpeaksTls12WithoutWaiting) {
  TlsPeer peer(*certificates.issue_for_loopback(), "", TLS1_2_VERSION);
  const SteadyTime begin = fixture.loop.clock().steady_now();
  expect_a_conversation(peer);
  EXPECT_LT(fixture.loop.clock().steady_now() - begin, 800ms);
}

TEST_F(StreamConnectorTls, TakesSilenceForConsentAfterASecond) {
  TlsPeer peer(*certificates.issue_for_loopback(), "", TLS1_3_VERSION, 0);
  const SteadyTime begin = fixture.loop.clock().steady_now();
  expect_a_conversation(peer);
  EXPECT_GE(fixture.loop.clock().steady_now() - begin, StreamConnector::tls_patience);
}

TEST_F(StreamConnectorTls, ShowsItsCertificate) {
  const CertificateFiles own = *certificates.issue({"client", "client", {}, {}, -1h, 24h});
  fixture.settings.tls.cert_file = own.cert_file;
  fixture.settings.tls.key_file = own.key_file;
  TlsPeer peer(*certificates.issue_for_loopback(), certificates.ca_file());
  expect_a_conversation(peer);
}

// Of an authority that nobody here knows, for a name that is not asked for, and expired.
TEST_F(StreamConnectorTls, AFingerprintStandsForChainNameAndTime) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const CertificateFiles server = *certificates.issue({"server", "other.example", {"other.example"}, {}, -48h, -24h});
    TlsPeer peer(server, "", version);
    fixture.settings.tls.ca_file.clear();
    fixture.settings.tls.fingerprint = fingerprint_of_file(server.cert_file);
    PeerAddress to = network(peer.port(), true);
    to.host = "logs.example.com";
    expect_a_conversation(peer, to);
  }
}

TEST_F(StreamConnectorTls, AnotherFingerprintIsRefusedAndNamed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const CertificateFiles server = *certificates.issue_for_loopback();
    TlsPeer peer(server, "", version);
    fixture.settings.tls.ca_file.clear();
    fixture.settings.tls.fingerprint = fingerprint_of_file(certificates.ca_file());
    const auto made = connect(network(peer.port(), true));
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind, ErrorKind::tls) << made.error().message;
    const std::string wanted[] = {"127.0.0.1:" + std::to_string(peer.port()), fingerprint_of_file(server.cert_file), "set tls.fingerprint"};
    for (const std::string& words : wanted) EXPECT_NE(made.error().message.find(words), std::string::npos) << made.error().message;
    peer.end();
    EXPECT_LE(peer.received.size(), 100u);
  }
}

// The contexts of peers are shared: one that verifies by a fingerprint must not lend its own to one that does not.
TEST_F(StreamConnectorTls, AFingerprintIsOfOnePeerOnly) {
  const CertificateFiles server = *certificates.issue_for_loopback();
  const auto connect_with = [&](const std::string& fingerprint) {
    TlsPeer peer(server, "");
    fixture.settings.tls.ca_file.clear();
    fixture.settings.tls.fingerprint = fingerprint;
    const auto made = connect(network(peer.port(), true));
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_EQ(connect_with(fingerprint_of_file(server.cert_file)), "");
  EXPECT_NE(connect_with("").find("unknown authority"), std::string::npos);
  EXPECT_NE(connect_with(fingerprint_of_file(certificates.ca_file())).find("tls.fingerprint"), std::string::npos);
}

TEST_F(StreamConnectorTls, GoesThroughTheTunnelOfTheProxyThatIsSet) {
  TlsPeer peer(*certificates.issue_for_loopback(), "");
  peer.tunnel();
  fixture.settings.proxy = "http://127.0.0.1:" + std::to_string(peer.port());
  fixture.settings.tls.server_name = "127.0.0.1";
  PeerAddress to = network(6514, true);
  to.host = "logs.example.com";
  expect_a_conversation(peer, to);
  EXPECT_TRUE(peer.asked_of_the_proxy.starts_with("CONNECT logs.example.com:6514 HTTP/1.1\r\n")) << peer.asked_of_the_proxy;
}

TEST_F(StreamConnectorTls, TheProxyOfTheEnvironmentIsForHttp) {
  TlsPeer peer(*certificates.issue_for_loopback(), "");
  const RawSocket proxy = RawSocket::on_loopback(SOCK_STREAM);
  setenv("HTTPS_PROXY", ("http://127.0.0.1:" + std::to_string(proxy.port())).c_str(), 1);
  StreamConnector as_at_start(fixture.loop.executor(), fixture.loop.clock(), fixture.resolver, fixture.contexts);
  fixture.settings.tls.server_name = "127.0.0.1";
  PeerAddress to = network(peer.port(), true);
  to.host = "logs.example.com";
  Made made;
  fixture.loop.run(run_connect(as_at_start, to, fixture.settings, made));
  unsetenv("HTTPS_PROXY");
  ASSERT_TRUE(made->ok()) << made->error().message;
  ASSERT_TRUE(finish(***made).ok());
  EXPECT_EQ(read(***made), "bye");
}

TEST_F(StreamConnectorTls, SendsNothingToAServerThatRefusesTheCertificate) {
  TlsPeer peer(*certificates.issue_for_loopback(), certificates.ca_file());
  const auto made = connect(network(peer.port(), true));
  ASSERT_FALSE(made.ok()) << "TLS 1.3 shakes hands before the server has looked at the certificate";
  EXPECT_EQ(made.error().kind, ErrorKind::tls) << made.error().message;
  EXPECT_NE(made.error().message.find("tls.cert_file"), std::string::npos) << made.error().message;
  peer.end();
  EXPECT_LE(peer.received.size(), 100u) << "more than the end of the client's handshake";
}

}  // namespace
}  // namespace auditferry
