// SIGHUP with the real program: what is taken over, what is refused, and that nothing is lost by it.

#include <atomic>

#include "core/result.h"
#include "tests/portal_over_tls.h"
#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/notify_socket.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

class ReloadProcessTest : public ProcessTest {
 protected:
  std::string second_exporter(const std::string& more = "") const {
    return "[exporters.second]\ntype = \"file\"\nmax_backoff = \"1s\"\npath = \"" + (folder_ / "second/{stream}.jsonl") + "\"\n" + more;
  }
  bool says(const std::string& words, std::size_t from = 0) {
    const bool said_it = eventually([&] { return said().find(words, from) != std::string::npos; });
    EXPECT_TRUE(said_it) << words << " in:\n" << said();
    return said_it;
  }
  // What stands in `from` is from now on in `to`, which never is half of it.
  void replace_file(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(to + ".new", to);
  }
  // A portal whose certificate is not of the authority in tls.ca_file.
  void distrust(const PortalOverTls& over_tls) {
    std::filesystem::create_directories(folder_ / "other");
    const Result<TestCertificates> other = TestCertificates::make(folder_ / "other", "Another CA");
    ASSERT_TRUE(other.ok()) << other.error().message;
    replace_file(other->ca_file(), trusted_);
    write_config("", over_tls.origin(), "tls.ca_file = \"" + trusted_ + "\"");
  }
  // A reload, from the signal to what it says.
  void reload(const ChildProcess& daemon, const std::string& words) {
    const std::size_t before = said().size();
    daemon.signal(SIGHUP);
    says(words, before);
  }
  std::uint64_t bytes_of_second() const {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "second", ignored)) bytes += entry.file_size(ignored);
    return bytes;
  }
  bool second_grows() {
    const std::uint64_t before = bytes_of_second();
    return eventually([&] { return bytes_of_second() > before; });
  }
  bool archive_grows() {
    const std::uint64_t before = bytes_of_records();
    return eventually([&] { return bytes_of_records() > before; });
  }
  void end(ChildProcess& daemon) {
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(patience).value_or(-1), 0) << said();
  }
  // Whatever the portal has made is in the archive, each record once, in order.
  void expect_everything() {
    portal_.stop_making();
    EXPECT_EQ(finish({"run", "--once"}), 0) << said();
    const Comparison comparison = compare("records");
    EXPECT_EQ(comparison.missing, 0u) << comparison.example;
    EXPECT_GT(comparison.made, 100u);
  }
  // Of what is there, each record stands once, and in order.
  Comparison compare(const std::string& folder) {
    const std::vector<std::string> made = made_ids();
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / folder)) files.push_back(entry.path());
    const Result<Comparison> comparison = compare_files(files, made);
    EXPECT_TRUE(comparison.ok()) << comparison.error().message;
    if (!comparison.ok()) return {};
    EXPECT_EQ(comparison->twice, 0u) << comparison->example;
    EXPECT_EQ(comparison->unknown, 0u) << comparison->example;
    EXPECT_EQ(comparison->out_of_order, 0u) << comparison->example;
    return *comparison;
  }

  const std::string trusted_ = folder_ / "ca.pem";
};

TEST_F(ReloadProcessTest, ExportersComeChangeAndGoWhileTheRestGoesOn) {
  auto daemon = start({"run"});
  EXPECT_TRUE(archive_grows()) << said();
  write_config(second_exporter());
  reload(*daemon, "the configuration is taken over: exporter second added\n");
  EXPECT_TRUE(second_grows()) << said();
  write_config(second_exporter("labels.site = \"north\"\n"));
  reload(*daemon, "the configuration is taken over: exporter second changed\n");
  EXPECT_TRUE(eventually([&] { return text_of(folder_ / "second/audit.jsonl").find("\"labels\":{\"site\":\"north\"}") != std::string::npos; })) << said();
  EXPECT_TRUE(archive_grows()) << said();
  write_config("");
  reload(*daemon, "the configuration is taken over: exporter second removed\n");
  EXPECT_TRUE(archive_grows()) << said();
  end(*daemon);
  const std::uint64_t bytes = bytes_of_second();
  compare("second");
  expect_everything();
  EXPECT_EQ(bytes_of_second(), bytes);
  // And back again: it goes on where it was.
  write_config(second_exporter());
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(compare("second").missing, 0u);
}

TEST_F(ReloadProcessTest, AChangedSourceGoesOnWhereItWas) {
  auto daemon = start({"run"});
  EXPECT_TRUE(archive_grows()) << said();
  write_config("", "", "page_size = 50");
  reload(*daemon, "the configuration is taken over: source acme changed\n");
  EXPECT_TRUE(archive_grows()) << said();
  write_config("", "", "page_size = 70");
  reload(*daemon, "source acme changed");
  EXPECT_TRUE(archive_grows()) << said();
  end(*daemon);
  expect_everything();
  // 2 is a chain that is broken or unreadable; 0 and 3 say that it is whole.
  EXPECT_EQ(finish({"ledger"}), 0);
  EXPECT_NE(said().find("\"changed\":\"source acme changed\""), std::string::npos);
}

TEST_F(ReloadProcessTest, AWrongConfigurationIsRefusedAndTheOldOneGoesOn) {
  auto daemon = start({"run"});
  EXPECT_TRUE(archive_grows()) << said();
  write_config("[journal]\nkepe = \"7d\"\nremember = \"soon\"\n");
  reload(*daemon, "the new configuration is refused, and the one in use goes on:");
  says("journal.kepe: unknown key; did you mean \"keep\"?");
  says("journal.remember: ");
  EXPECT_TRUE(archive_grows()) << said();
  write_config(second_exporter(), "", "");
  std::string moved = text_of(config_);
  moved.replace(moved.find("/state\""), 7, "/other\"");
  std::ofstream(config_) << moved;
  reload(*daemon, "daemon.state_dir was " + (folder_ / "state") + " and is now " + (folder_ / "other") + ": this needs a restart");
  EXPECT_TRUE(archive_grows()) << said();
  EXPECT_EQ(bytes_of_second(), 0u) << "nothing of it was taken over";
  write_config(second_exporter());
  reload(*daemon, "exporter second added");
  EXPECT_TRUE(second_grows()) << said();
  end(*daemon);
  expect_everything();
}

TEST_F(ReloadProcessTest, ASecretThatIsRotatedIsNoticedWithoutASignal) {
  std::string text = text_of(config_);
  const std::string place = "{ env = \"SECRET\" }";
  text.replace(text.find(place), place.size(), "{ file = \"secret\" }");
  std::ofstream(config_) << text;
  std::ofstream(folder_ / "secret") << "revoked";
  auto daemon = start({"run"});
  says("refused the credentials");
  std::ofstream(folder_ / "secret") << sandbox_token_secret;
  says("the configuration is taken over: source acme changed");
  EXPECT_TRUE(archive_grows()) << said();
  EXPECT_EQ(said().find(sandbox_token_secret), std::string::npos);
  end(*daemon);
  expect_everything();
}

// Certificates are read again for new connections, although the configuration is the same.
TEST_F(ReloadProcessTest, AnAuthorityThatIsReplacedIsNoticedWithoutASignal) {
  const PortalOverTls over_tls(portal_, folder_ / "tls");
  distrust(over_tls);
  auto daemon = start({"run"});
  says("unknown authority");
  EXPECT_EQ(bytes_of_records(), 0u);
  replace_file(over_tls.ca_file(), trusted_);
  says(trusted_ + " changed: reading secrets and certificates again");
  EXPECT_TRUE(archive_grows()) << said();
  end(*daemon);
}

TEST_F(ReloadProcessTest, ASignalReadsCertificatesAgainAndTellsTheServiceManager) {
  const PortalOverTls over_tls(portal_, folder_ / "tls");
  distrust(over_tls);
  NotifySocket manager(folder_ / "notify");
  environment_["NOTIFY_SOCKET"] = folder_ / "notify";
  auto daemon = start({"run"});
  EXPECT_TRUE(manager.hears("READY=1")) << said();
  says("unknown authority");
  replace_file(over_tls.ca_file(), trusted_);
  reload(*daemon, "SIGHUP: reopening files and connections");
  EXPECT_TRUE(manager.hears("READY=1", 2)) << manager.text();
  const std::size_t reloading = manager.text().find("RELOADING=1\nMONOTONIC_USEC=");
  ASSERT_NE(reloading, std::string::npos) << manager.text();
  EXPECT_LT(manager.text().find("READY=1"), reloading) << manager.text();
  EXPECT_GT(manager.text().rfind("READY=1"), reloading) << manager.text();
  EXPECT_TRUE(archive_grows()) << said();
  end(*daemon);
}

TEST_F(ReloadProcessTest, ASignalOpensTheConnectionsOfExportersAnew) {
  ConnectionScript keeps_open;
  for (int i = 0; i < 10'000; ++i) {
    keeps_open.push_back(ServerStep::read_request());
    keeps_open.push_back(ServerStep::write(http_answer(200, "{}")));
  }
  const ScriptedServer sink({keeps_open});
  write_config("[exporters.hook]\ntype = \"http\"\nconcurrency = 1\nmax_backoff = \"1s\"\nurl = \"" + sink.url() + "\"\n");
  auto daemon = start({"run"});
  EXPECT_TRUE(eventually([&] { return sink.requests().size() >= 5; })) << said();
  EXPECT_EQ(sink.connections(), 1u);
  daemon->signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return sink.connections() == 2; })) << said();
  end(*daemon);
}

// A sink that has a request and does not answer yet goes on with it while another exporter is exchanged.
TEST_F(ReloadProcessTest, AnExporterThatDidNotChangeIsNotDisturbed) {
  std::atomic<bool> answers{false};
  std::atomic<int> requests{0};
  KeptIds kept;
  CollectorServer sink([&](const CollectorServer::Request& request) {
    ++requests;
    kept.take(request.body, "id");
    eventually([&] { return answers.load(); });
    return http_answer(200, "{}");
  });
  const std::string hook = "[exporters.hook]\ntype = \"http\"\nconcurrency = 1\ncompression = \"none\"\ntimeout = \"1h\"\nurl = \"" + sink.url() + "\"\n";
  write_config(hook);
  auto daemon = start({"run"});
  EXPECT_TRUE(eventually([&] { return requests == 1; })) << said();
  write_config(hook + second_exporter());
  reload(*daemon, "the configuration is taken over: exporter second added\n");
  EXPECT_TRUE(second_grows()) << said();
  write_config(hook + second_exporter("labels.site = \"north\"\n"));
  reload(*daemon, "the configuration is taken over: exporter second changed\n");
  write_config(hook, "", "page_size = 50");
  reload(*daemon, "exporter second removed");
  EXPECT_TRUE(archive_grows()) << said();
  EXPECT_EQ(requests, 1) << "it was sent once more";
  answers = true;
  EXPECT_TRUE(eventually([&] { return requests > 1; })) << said();
  end(*daemon);
  EXPECT_EQ(kept.repeats(), 0u);
}

}  // namespace
}  // namespace auditferry
