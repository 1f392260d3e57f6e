// The real client against the sandbox's server over TLS.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <filesystem>

#include "net/connection.h"
#include "sandbox/portal_server.h"
#include "tests/support/http_fixture.h"
#include "tests/support/portal_fixture.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

class HttpClientTls : public testing::Test {
 protected:
  HttpClientTls() : certificates_(make_certificates("ca", "Example CA")) {
    portal_.portal().make("audit", 20, portal_.now() - 1h, portal_.now());
    fixture_.settings.tls.ca_file = certificates_.ca_file();
  }

  static std::string folder(const char* name) {
    const std::string path = testing::TempDir() + "http_client_tls_" +
                             testing::UnitTest::GetInstance()->current_test_info()->name() + "_" + name;
    std::filesystem::create_directories(path);
    return path;
  }
  static TestCertificates make_certificates(const char* name, const char* ca_name) {
    Result<TestCertificates> made = TestCertificates::make(folder(name), ca_name);
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
  }
  CertificateFiles issue(const CertificateWish& wish) {
    Result<CertificateFiles> files = certificates_.issue(wish);
    EXPECT_TRUE(files.ok());
    return *files;
  }
  CertificateFiles for_loopback() { return *certificates_.issue_for_loopback(); }

  void serve(CertificateFiles files, std::string client_ca = "", bool old_version = false) {
    PortalServerOptions options;
    options.tls = PortalServerTls{std::move(files), std::move(client_ca), old_version};
    server_ = std::make_unique<PortalServer>(portal_.portal(), options);
    ASSERT_TRUE(server_->start().ok());
  }
  Result<HttpResponse> ask(const std::string& host = "127.0.0.1", std::string body = "{}") {
    HttpRequest request;
    request.method = "POST";
    request.url = "https://" + host + ":" + std::to_string(server_->port()) + "/frontend/audit_logs";
    request.headers = {{"Authorization", "Bearer " + PortalFixture::good_token()},
                       {"tenant", sandbox_tenant}};
    request.body = std::move(body);
    return fixture_.send(std::move(request));
  }
  void expect_tls_error(const Result<HttpResponse>& result, const std::vector<std::string>& words) {
    ASSERT_FALSE(result.ok());
    EXPECT_STREQ(to_string(result.error().kind), "tls") << result.error().message;
    for (const std::string& word : words)
      EXPECT_NE(result.error().message.find(word), std::string::npos)
          << word << " in: " << result.error().message;
    EXPECT_NE(result.error().message.find(":" + std::to_string(server_->port())), std::string::npos)
        << result.error().message;
  }

  PortalFixture portal_;
  HttpFixture fixture_;
  TestCertificates certificates_;
  std::unique_ptr<PortalServer> server_;
};

TEST_F(HttpClientTls, AsksAVerifiedServerAndKeepsTheConnection) {
  serve(for_loopback());
  for (int i = 0; i < 3; ++i) {
    const Result<HttpResponse> result = ask();
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(PortalFixture::ids(result->body).size(), 20u);
  }
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_TRUE(ask("localhost").ok());
}

// Both are more than one TLS record, and more than Beast flattens.
TEST_F(HttpClientTls, CarriesLargeRequestsAndAnswers) {
  portal_.portal().make("audit", 2000, portal_.now() - 1h, portal_.now());
  serve(for_loopback());
  for (const std::size_t filler : {0u, 15'000u, 16'384u, 17'000u, 200'000u}) {
    const Result<HttpResponse> result = ask("127.0.0.1", "{\"limit\":1000,\"filler\":\"" + std::string(filler, 'x') + "\"}");
    ASSERT_TRUE(result.ok()) << filler << ": " << result.error().message;
    EXPECT_EQ(result->status, 200) << filler;
    EXPECT_GT(result->body.size(), 100'000u);
  }
}

// The proxy sees a name and ciphertext; the certificate is the portal's, verified by the portal's name.
TEST_F(HttpClientTls, GoesThroughAProxysTunnel) {
  CertificateWish wish;
  wish.dns_names = {"portal.example.com"};
  serve(issue(wish));
  const std::string portal = "portal.example.com:" + std::to_string(server_->port());
  ScriptedServer proxy({{ServerStep::read_request(), ServerStep::write("HTTP/1.1 200 Connection established\r\n\r\n"),
                         ServerStep::tunnel(server_->port())}});
  fixture_.settings.proxy = "http://user:example-secret@127.0.0.1:" + std::to_string(proxy.port());
  for (int i = 0; i < 2; ++i) {
    const Result<HttpResponse> result = ask("portal.example.com");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(PortalFixture::ids(result->body).size(), 20u);
  }
  EXPECT_EQ(proxy.connections(), 1u);
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_TRUE(proxy.requests()[0].starts_with("CONNECT " + portal + " HTTP/1.1\r\n")) << proxy.requests()[0];
  EXPECT_EQ(proxy.requests()[0].find("Bearer"), std::string::npos);
}

TEST_F(HttpClientTls, InsideATunnelTheNameIsVerifiedToo) {
  serve(for_loopback());
  ScriptedServer proxy({{ServerStep::read_request(), ServerStep::write("HTTP/1.1 200 Connection established\r\n\r\n"),
                         ServerStep::tunnel(server_->port())}});
  fixture_.settings.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
  expect_tls_error(ask("portal.example.com"), {"portal.example.com"});
  EXPECT_EQ(portal_.portal().stats().requests, 0u);
}

TEST_F(HttpClientTls, RefusesAnUnknownAuthority) {
  const TestCertificates others = make_certificates("other", "Other CA");
  fixture_.settings.tls.ca_file = others.ca_file();
  serve(for_loopback());
  expect_tls_error(ask(), {"unknown authority 'Example CA'", "tls.ca_file", "'localhost'", "valid until"});
  EXPECT_EQ(portal_.portal().stats().requests, 0u);
}

TEST_F(HttpClientTls, RefusesWhatTheSystemDoesNotKnow) {
  fixture_.settings.tls.ca_file.clear();
  serve(for_loopback());
  expect_tls_error(ask(), {"unknown authority 'Example CA'"});
}

TEST_F(HttpClientTls, RefusesAnExpiredCertificate) {
  CertificateWish wish;
  wish.ip_addresses = {"127.0.0.1"};
  wish.valid_from = -48h;
  wish.valid_to = -24h;
  serve(issue(wish));
  expect_tls_error(ask(), {"expired on", "renew"});
}

TEST_F(HttpClientTls, RefusesACertificateOfTheFuture) {
  CertificateWish wish;
  wish.ip_addresses = {"127.0.0.1"};
  wish.valid_from = 24h;
  wish.valid_to = 48h;
  serve(issue(wish));
  expect_tls_error(ask(), {"not valid before", "clock"});
}

TEST_F(HttpClientTls, RefusesAnotherNameUnlessItIsTheOneExpected) {
  CertificateWish wish;
  wish.common_name = "real.example.com";
  wish.dns_names = {"real.example.com", "also.example.com"};
  serve(issue(wish));
  expect_tls_error(ask("portal.example.com"),
                   {"not for 'portal.example.com'", "real.example.com, also.example.com", "tls.server_name"});
  expect_tls_error(ask("127.0.0.1"), {"not for '127.0.0.1'"});
  fixture_.settings.tls.server_name = "real.example.com";
  fixture_.new_client();
  EXPECT_TRUE(ask("portal.example.com").ok());
}

TEST_F(HttpClientTls, InsecureVerifiesNothing) {
  CertificateWish wish;
  wish.valid_to = -1h;
  wish.valid_from = -2h;
  serve(issue(wish));
  fixture_.settings.tls.insecure = true;
  EXPECT_TRUE(ask().ok());
}

TEST_F(HttpClientTls, RefusesOldVersions) {
  serve(for_loopback(), "", true);
  expect_tls_error(ask(), {"TLS 1.2 or newer"});
}

TEST_F(HttpClientTls, ShowsAClientCertificateWhenItIsWanted) {
  serve(for_loopback(), certificates_.ca_file());
  expect_tls_error(ask(), {"client certificate", "tls.cert_file"});
  CertificateWish wish;
  wish.file_name = "client";
  wish.common_name = "auditferry";
  const CertificateFiles files = issue(wish);
  fixture_.settings.tls.cert_file = files.cert_file;
  fixture_.settings.tls.key_file = files.key_file;
  fixture_.new_client();
  const Result<HttpResponse> result = ask();
  EXPECT_TRUE(result.ok()) << result.error().message;
}

TEST_F(HttpClientTls, FilesThatCannotBeUsedAreNamed) {
  serve(for_loopback());
  fixture_.settings.tls.ca_file = "/nonexistent/ca.pem";
  const Result<HttpResponse> missing = ask();
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("/nonexistent/ca.pem (tls.ca_file)"), std::string::npos)
      << missing.error().message;
  fixture_.settings.tls.ca_file = certificates_.ca_file();
  fixture_.settings.tls.cert_file = certificates_.ca_file();
  fixture_.new_client();
  EXPECT_FALSE(ask().ok());
  fixture_.settings.tls.key_file = for_loopback().key_file;
  fixture_.new_client();
  const Result<HttpResponse> mismatched = ask();
  ASSERT_FALSE(mismatched.ok());
  EXPECT_NE(mismatched.error().message.find("tls.key_file"), std::string::npos) << mismatched.error().message;
}

TEST_F(HttpClientTls, APortWithoutTlsIsNamed) {
  ScriptedServer plain({{ServerStep::write("HTTP/1.1 400 Bad Request\r\n\r\n"), ServerStep::hang()}});
  const Result<HttpResponse> result = fixture_.get("https://127.0.0.1:" + std::to_string(plain.port()) + "/");
  ASSERT_FALSE(result.ok());
  EXPECT_STREQ(to_string(result.error().kind), "tls");
  EXPECT_NE(result.error().message.find("does not speak TLS on this port"), std::string::npos)
      << result.error().message;
}

TEST_F(HttpClientTls, FaultsOfThePortalBecomeErrors) {
  serve(for_loopback());
  const auto ask_with = [this](FaultKind kind, std::uint64_t bytes) {
    Fault fault;
    fault.kind = kind;
    fault.bytes = bytes;
    portal_.portal().add_fault({"audit", 0, 1, fault});
    const Result<HttpResponse> result = ask();
    return result.ok() ? std::string("fine") : std::string(to_string(result.error().kind));
  };
  EXPECT_EQ(ask_with(FaultKind::cut, 10), "connect");
  EXPECT_EQ(ask_with(FaultKind::reset, 10), "connect");
  EXPECT_EQ(ask_with(FaultKind::half_close, 10), "connect");
  EXPECT_EQ(ask_with(FaultKind::refuse, 0), "connect");
  EXPECT_EQ(ask_with(FaultKind::huge_body, 0), "too_large");
  EXPECT_EQ(ask_with(FaultKind::gzip, 0), "fine");
  EXPECT_EQ(ask_with(FaultKind::deflate, 0), "fine");
  EXPECT_EQ(ask_with(FaultKind::html, 0), "fine");
}

TEST_F(HttpClientTls, TwoPeersShareOneContext) {
  const auto first = fixture_.contexts.get(fixture_.settings.tls);
  TlsSettings same = fixture_.settings.tls;
  same.server_name = "other.example.com";
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, *fixture_.contexts.get(same));
  same.min_version = TlsVersion::tls1_3;
  EXPECT_NE(*first, *fixture_.contexts.get(same));
}

// Whatever else differs: a bundle of authorities is much larger than a context.
TEST_F(HttpClientTls, PeersOfOneAuthorityShareOneStore) {
  const auto store_of = [this](const TlsSettings& settings) {
    const auto context = fixture_.contexts.get(settings);
    EXPECT_TRUE(context.ok());
    return SSL_CTX_get_cert_store((*context)->native_handle());
  };
  const TlsSettings plain = fixture_.settings.tls;
  TlsSettings with_certificate = plain;
  const CertificateFiles files = for_loopback();
  with_certificate.cert_file = files.cert_file;
  with_certificate.key_file = files.key_file;
  TlsSettings newer = plain;
  newer.min_version = TlsVersion::tls1_3;
  EXPECT_EQ(store_of(plain), store_of(with_certificate));
  EXPECT_EQ(store_of(plain), store_of(newer));
  TlsSettings of_system = plain;
  of_system.ca_file.clear();
  EXPECT_NE(store_of(plain), store_of(of_system));
}

// As after SIGHUP: the file holds another authority now.
TEST_F(HttpClientTls, AuthoritiesAreReadAnewWhenFilesAreForgotten) {
  serve(for_loopback());
  ASSERT_TRUE(ask().ok());
  const TestCertificates other = make_certificates("other", "Other CA");
  std::filesystem::copy_file(other.ca_file(), certificates_.ca_file(), std::filesystem::copy_options::overwrite_existing);
  fixture_.new_client();
  EXPECT_TRUE(ask().ok()) << "not before they are forgotten";
  fixture_.contexts.forget();
  fixture_.new_client();
  expect_tls_error(ask(), {"unknown authority"});
}

// What the client names, a server with many certificates chooses by (SNI): the host, or tls.server_name, and never
// an address.
TEST_F(HttpClientTls, NamesTheServer) {
  CertificateWish wish;
  wish.common_name = "portal.example.com";
  wish.dns_names = {"portal.example.com", "real.example.com"};
  wish.ip_addresses = {"127.0.0.1"};
  serve(issue(wish));
  ASSERT_TRUE(ask("portal.example.com").ok());
  fixture_.new_client();
  ASSERT_TRUE(ask("127.0.0.1").ok());
  fixture_.settings.tls.server_name = "real.example.com";
  fixture_.new_client();
  ASSERT_TRUE(ask("127.0.0.1").ok());
  EXPECT_EQ(server_->server_names(), (std::vector<std::string>{"portal.example.com", "", "real.example.com"}));
}

TEST_F(HttpClientTls, ReadsCodedAnswersAsTheyWere) {
  serve(for_loopback());
  const Result<HttpResponse> plain = ask();
  ASSERT_TRUE(plain.ok());
  for (const FaultKind coding : {FaultKind::deflate, FaultKind::gzip}) {
    Fault fault;
    fault.kind = coding;
    portal_.portal().add_fault({"audit", 0, 1, fault});
    const Result<HttpResponse> coded = ask();
    ASSERT_TRUE(coded.ok()) << to_string(coding);
    EXPECT_TRUE(coded->header("Content-Encoding").has_value()) << "the fault was not met";
    EXPECT_EQ(coded->body, plain->body) << to_string(coding);
  }
}

Task<void> talk(ConnectionMaker& maker, Origin origin, PeerSettings settings, std::string& answer) {
  Result<std::unique_ptr<Connection>> made = co_await maker.connect(std::move(origin), std::move(settings));
  if (!made.ok()) {
    answer = made.error().message;
    co_return;
  }
  std::unique_ptr<Connection> connection = std::move(made).value();
  const Status sent = co_await connection->write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string bytes(1000, '\0');
  std::size_t got = 1;
  while (sent.ok() && got > 0) {
    const Result<std::size_t> read = co_await connection->read_some(bytes.data(), bytes.size());
    got = read.ok() ? *read : 0;
    answer += bytes.substr(0, got);
  }
  co_await connection->finish();
}

TEST_F(HttpClientTls, AConnectionIsAStreamOfBytes) {
  serve(for_loopback());
  ConnectionMaker maker(fixture_.loop.executor(), fixture_.loop.clock(), fixture_.resolver, fixture_.contexts,
                        {});
  std::string answer;
  fixture_.loop.run(talk(maker, Origin{"localhost", server_->port(), true}, fixture_.settings, answer));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
}

}  // namespace
}  // namespace auditferry
