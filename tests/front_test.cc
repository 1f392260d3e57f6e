// The real program and nginx as a TLS front with client certificates: it is killed, ended and started again while
// records go through it, and it refuses us for want of a certificate.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/nginx_front.h"
#include "tests/support/sanitized.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

constexpr double rate_per_second = rounds(167, 33);  // two logs of a minute each
constexpr std::size_t fewest_records = rounds(20'000, 3'900);

class FrontTest : public ProcessTest {
 protected:
  FrontTest()
      : ProcessTest(many()),
        certificates_(TestCertificates::make(folder_.path()).value()),
        collector_([this](const CollectorServer::Request& request) { return take(request); }),
        front_(folder_.path(), *certificates_.issue_for_loopback(), certificates_.ca_file(), collector_.port()) {
    portal_.stop_making();
    made_ = made_ids();
  }
  static PortalOptions many() {
    PortalOptions all;
    for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device}) {
      all.streams[log].rate_per_second = rate_per_second;
      all.streams[log].history = std::chrono::seconds(60);
    }
    return all;
  }
  // An exporter of each kind; `certificate` may be empty.
  void deliver_through_the_front(const CertificateFiles& certificate) {
    std::string tls = "tls.ca_file = \"" + certificates_.ca_file() + "\"\n";
    if (!certificate.cert_file.empty())
      tls += "tls.cert_file = \"" + certificate.cert_file + "\"\ntls.key_file = \"" + certificate.key_file + "\"\n";
    const std::string common = "batch.records = 50\nmax_backoff = \"1s\"\n" + tls;
    write_config("[exporters.hook]\ntype = \"http\"\ncompression = \"none\"\nurl = \"" + front_.url("/hook") + "\"\n" + common +
                 "[exporters.hec]\ntype = \"splunk_hec\"\nack = true\ncompression = \"none\"\ntoken = { env = \"KEY\" }\nurl = \"" +
                 front_.url("") + "\"\n" + common);
  }
  CertificateFiles certificate_of(TestCertificates& authority) {
    CertificateWish wish;
    wish.file_name = "client";
    wish.common_name = "ferry.example";
    return *authority.issue(wish);
  }
  std::size_t missing(const KeptIds& kept) const {
    return static_cast<std::size_t>(std::count_if(made_.begin(), made_.end(), [&kept](const std::string& id) { return !kept.has(id); }));
  }
  std::map<std::string, ExporterBooks> books() {
    std::map<std::string, ExporterBooks> all;
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    if (!reader.ok()) return all;
    const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    for (const ExporterRow& row : snapshot->exporters) all[row.name] = row.books;
    return all;
  }
  void expect_a_pause_that_names_the_setting(const std::string& words) {
    ASSERT_TRUE(front_.start()) << front_.said();
    const auto daemon = start({"run"});
    const auto told = [&](const std::string& exporter) {
      const std::string text = daemon->output();
      for (std::size_t at = 0; (at = text.find(words, at)) != text.npos; ++at) {
        const std::string line = text.substr(at, text.find('\n', at) - at);
        if (line.find("tls.cert_file") != line.npos && line.find("exporter=" + exporter) != line.npos) return true;
      }
      return false;
    };
    EXPECT_TRUE(eventually([&] { return told("hook") && told("hec"); })) << daemon->output() << front_.said();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(patience), 0) << daemon->output();
    for (const char* name : {"hook", "hec"}) {
      EXPECT_EQ(books()[name].delivered, 0u) << name;
      EXPECT_EQ(books()[name].dead, 0u) << name;
    }
    EXPECT_EQ(hook_.distinct() + hec_.distinct(), 0u);
    // And before anything is delivered.
    EXPECT_NE(finish({"check", "--online"}), 0);
    EXPECT_NE(said().find(words), std::string::npos) << said();
    EXPECT_TRUE(front_.stop(SIGTERM));
  }

  TestCertificates certificates_;
  KeptIds hook_;
  KeptIds hec_;
  std::atomic<std::size_t> slow_from_{~std::size_t{0}};
  std::uint64_t next_ack_ = 0;
  CollectorServer collector_;
  NginxFront front_;
  std::vector<std::string> made_;

 private:
  std::string take(const CollectorServer::Request& request) {
    if (request.head.find(" /hook ") != std::string::npos) {
      // From the moment on at which the test wants to disturb, so that it comes in time.
      if (hook_.distinct() >= slow_from_) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      hook_.take(request.body, "id");
      return http_answer(200, "{}");
    }
    if (request.head.find("/services/collector/event") != std::string::npos) {
      if (request.body.empty()) return http_answer(400, "{\"text\":\"No data\",\"code\":5}");
      hec_.take(request.body, "auditferry_id");
      return http_answer(200, "{\"text\":\"Success\",\"code\":0,\"ackId\":" + std::to_string(next_ack_++) + "}");
    }
    if (request.head.find("/services/collector/ack") == std::string::npos) return http_answer(200, "{\"text\":\"HEC is healthy\",\"code\":17}");
    // All that it is asked for is indexed.
    std::string acks;
    std::string id;
    for (const char c : request.body) {
      if (c >= '0' && c <= '9') {
        id += c;
      } else if (!id.empty()) {
        acks += (acks.empty() ? "\"" : ",\"") + id + "\":true";
        id.clear();
      }
    }
    return http_answer(200, "{\"acks\":{" + acks + "}}");
  }
};

TEST_F(FrontTest, KilledAndRestartedInMidStreamItLosesNothing) {
  deliver_through_the_front(certificate_of(certificates_));
  ASSERT_TRUE(front_.start()) << front_.said();
  const auto daemon = start({"run"});
  std::size_t told = 0;
  std::size_t part = 0;
  for (const int signal : {SIGKILL, SIGTERM, SIGKILL}) {
    ++part;
    slow_from_ = made_.size() * part / 5;
    const auto far_enough = [&] { return hook_.distinct() >= slow_from_; };
    ASSERT_TRUE(eventually(far_enough)) << daemon->output() << front_.said();
    ASSERT_TRUE(front_.stop(signal));
    // Down until it has been noticed, unless everything had gone through already.
    const auto noticed = [&] {
      const std::string text = daemon->output();
      std::size_t count = 0;
      for (std::size_t at = 0; (at = text.find("trying again, nothing is lost", at)) != text.npos; ++at) ++count;
      const bool more = count > told;
      if (more) told = count;
      return more || (missing(hook_) == 0 && missing(hec_) == 0);
    };
    ASSERT_TRUE(eventually(noticed)) << daemon->output();
    ASSERT_TRUE(front_.start()) << front_.said();
  }
  slow_from_ = made_.size() + 1;
  EXPECT_GE(told, 1u) << "the front was gone and nobody noticed";
  EXPECT_TRUE(eventually([&] { return missing(hook_) == 0 && missing(hec_) == 0; })) << daemon->output();
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(patience), 0) << daemon->output();
  EXPECT_GE(made_.size(), fewest_records);
  EXPECT_EQ(missing(hook_), 0u);
  EXPECT_EQ(missing(hec_), 0u);
  std::printf("[ MEASURED ] %zu records through nginx: http %zu lost, %llu repeats; splunk_hec %zu lost, %llu repeats\n", made_.size(),
              missing(hook_), static_cast<unsigned long long>(hook_.repeats()), missing(hec_),
              static_cast<unsigned long long>(hec_.repeats()));
  const std::map<std::string, ExporterBooks> all = books();
  for (const char* name : {"hook", "hec"}) EXPECT_EQ(all.at(name).dead, 0u) << name;
  EXPECT_TRUE(front_.stop(SIGTERM));
}

TEST_F(FrontTest, AMissingClientCertificatePausesAndIsNamed) {
  deliver_through_the_front({});
  expect_a_pause_that_names_the_setting("wants a client certificate");
}

TEST_F(FrontTest, AClientCertificateOfAnotherAuthorityPausesAndIsNamed) {
  std::filesystem::create_directory(folder_ / "stranger");
  TestCertificates stranger = TestCertificates::make(folder_ / "stranger").value();
  deliver_through_the_front(certificate_of(stranger));
  expect_a_pause_that_names_the_setting("does not accept our client certificate");
}

}  // namespace
}  // namespace auditferry
