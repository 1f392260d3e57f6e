// SIGHUP with the real program: what is taken over, what is refused, and that nothing is lost by it.

#include "core/result.h"
#include "tests/process_fixture.h"

namespace auditferry {
namespace {

// Machines are slow at times, and nothing here depends on speed.
constexpr std::chrono::seconds patience{150};

class ReloadProcessTest : public ProcessTest {
 protected:
  std::string second_exporter(const std::string& more = "") const {
    return "[exporters.second]\ntype = \"file\"\nmax_backoff = \"1s\"\npath = \"" + (folder_ / "second/{stream}.jsonl") + "\"\n" + more;
  }
  bool says(const std::string& words, std::size_t from = 0) {
    const bool said_it = eventually([&] { return said().find(words, from) != std::string::npos; }, patience);
    EXPECT_TRUE(said_it) << words << " in:\n" << said();
    return said_it;
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
    return eventually([&] { return bytes_of_second() > before; }, patience);
  }
  bool archive_grows() {
    const std::uint64_t before = bytes_of_records();
    return eventually([&] { return bytes_of_records() > before; }, patience);
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
};

TEST_F(ReloadProcessTest, ExportersComeChangeAndGoWhileTheRestGoesOn) {
  auto daemon = start({"run"});
  EXPECT_TRUE(archive_grows()) << said();
  write_config(second_exporter());
  reload(*daemon, "the configuration is taken over: exporter second added\n");
  EXPECT_TRUE(second_grows()) << said();
  write_config(second_exporter("labels.site = \"north\"\n"));
  reload(*daemon, "the configuration is taken over: exporter second changed\n");
  EXPECT_TRUE(eventually([&] { return text_of(folder_ / "second/audit.jsonl").find("\"labels\":{\"site\":\"north\"}") != std::string::npos; }, patience)) << said();
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

}  // namespace
}  // namespace auditferry
