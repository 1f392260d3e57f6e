// The real program as a service manager and a container's runtime see it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "encoding/json_scanner.h"
#include "storage/sqlite.h"
#include "tests/process_fixture.h"
#include "tests/support/admin_client.h"
#include "tests/support/notify_socket.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class ServiceTest : public ProcessTest {
 protected:
  std::unique_ptr<ChildProcess> start_with(std::map<std::string, std::string> environment) {
    environment["KEY"] = sandbox_token_key;
    environment["SECRET"] = secret_;
    return std::make_unique<ChildProcess>(std::vector<std::string>{AUDITFERRY_PROGRAM, "run", "--config", config_}, environment, folder_ / "output");
  }
  // The file that takes the program's output stands for the journal's stream.
  std::unique_ptr<ChildProcess> start_under_the_journal() {
    const int file = ::open((folder_ / "output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct stat about {};
    EXPECT_EQ(::fstat(file, &about), 0);
    ::close(file);
    return start_with({{"JOURNAL_STREAM", std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino)}});
  }
  static std::string http_exporter(const std::string& name, const std::string& url) {
    return "[exporters." + name + "]\ntype = \"http\"\nmax_backoff = \"1s\"\nurl = \"" + url + "\"\n";
  }
  void replace_in_config(const std::string& what, const std::string& by) {
    std::string text = text_of(config_);
    const std::size_t at = text.find(what);
    ASSERT_NE(at, text.npos) << what;
    std::ofstream(config_) << text.replace(at, what.size(), by);
  }
  std::uint16_t find_port() {
    EXPECT_TRUE(eventually([&] { return admin_port(said()) != 0; }, seconds(120))) << said();
    return admin_port(said());
  }
  static bool answers(std::uint16_t port, const std::string& path, const std::string& words) {
    return admin_page(port, path).find(words) != std::string::npos;
  }
};

TEST_F(ServiceTest, TellsTheServiceManagerThatItIsReadyAliveAndEnding) {
  NotifySocket manager(folder_ / "notify");
  auto process = start_with({{"NOTIFY_SOCKET", folder_ / "notify"}, {"WATCHDOG_USEC", "1000000"}});
  EXPECT_TRUE(manager.hears("READY=1")) << process->output();
  // While the journal is opened.
  EXPECT_TRUE(manager.text().starts_with("EXTEND_TIMEOUT_USEC=120000000\n")) << manager.text();
  EXPECT_TRUE(manager.hears("WATCHDOG=1", 3)) << process->output();
  EXPECT_TRUE(manager.hears("STATUS=2 streams, lag ")) << manager.text();
  EXPECT_NE(manager.text().find(" waiting"), std::string::npos) << manager.text();
  process->signal(SIGTERM);
  EXPECT_TRUE(manager.hears("STOPPING=1")) << process->output();
  EXPECT_EQ(process->wait(seconds(120)), 0) << process->output();
}

// Never waits for a portal or a sink.
TEST_F(ServiceTest, IsReadyAlthoughThePortalIsDeadAndTheSinksHang) {
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();  // there is something to deliver
  const ScriptedServer hangs({{ServerStep::hang()}});
  const std::string syslog = "[exporters.syslog]\ntype = \"syslog\"\naddress = \"127.0.0.1:" + std::to_string(hangs.port()) + "\"\ntransport = \"tcp\"\n";
  write_config(http_exporter("hook", hangs.url()) + syslog, "http://127.0.0.1:1");
  NotifySocket manager(folder_ / "notify");
  auto process = start_with({{"NOTIFY_SOCKET", folder_ / "notify"}});
  EXPECT_TRUE(manager.hears("READY=1")) << process->output();
  EXPECT_TRUE(eventually([&] { return hangs.connections() > 0; }, seconds(120))) << process->output();
  EXPECT_TRUE(eventually([&] { return finish({"health"}) == 0; }, seconds(120))) << said();
}

// A portal that refuses and a sink that is dead are told of, and make nobody start the daemon anew.
TEST_F(ServiceTest, TheListenerTellsOfThePortalAndTheSinkAndIsHealthy) {
  listen_ = "127.0.0.1:0";
  write_config(http_exporter("dead", "http://127.0.0.1:1/"));
  auto process = start({"run"});
  const std::uint16_t port = find_port();
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; }, seconds(120))) << said();
  break_every_answer(status_fault(401));
  for (const char* line : {"\nauditferry_source_up{source=\"acme\",stream=\"audit\"} 0\n", "\nauditferry_source_up{source=\"acme\",stream=\"device\"} 0\n",
                           "\nauditferry_requests_total{source=\"acme\",status=\"200\",stream=\"audit\"} ",
                           "\nauditferry_requests_total{source=\"acme\",status=\"401\",stream=\"audit\"} ", "\nauditferry_exporter_up{exporter=\"dead\"} 0\n",
                           "\nauditferry_exporter_up{exporter=\"archive\"} 1\n", "\nauditferry_delivery_lag_seconds{exporter=\"dead\"} ",
                           "\nauditferry_throttled_seconds_total{source=\"acme\"} ", "\nauditferry_clock_skew_seconds{source=\"acme\"} "}) {
    EXPECT_TRUE(eventually([&] { return answers(port, "/metrics", line); }, seconds(120))) << line << admin_page(port, "/metrics");
  }
  EXPECT_TRUE(answers(port, "/", "auditferry check --online --config " + config_)) << admin_page(port, "/");
  EXPECT_TRUE(admin_page(port, "/healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(admin_page(port, "/readyz").starts_with("HTTP/1.1 200 ")) << admin_page(port, "/readyz");
  // As it stands in the configuration where it is no free port of the test's.
  replace_in_config("127.0.0.1:0", "127.0.0.1:" + std::to_string(port));
  secret_.clear();
  EXPECT_EQ(finish({"health"}), 0) << said();
  EXPECT_NE(said().find("healthy: http://127.0.0.1:" + std::to_string(port) + "/healthz answers"), std::string::npos) << said();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0) << process->output();
  EXPECT_EQ(finish({"health"}), 1);
  EXPECT_NE(said().find("nothing answers at http://127.0.0.1:"), std::string::npos) << said();
}

TEST_F(ServiceTest, IsAliveButNotReadyWhileItEnds) {
  const ScriptedServer hangs({{ServerStep::read_request(), ServerStep::hang()}});
  listen_ = "127.0.0.1:0";
  write_config(http_exporter("hangs", hangs.url()));
  replace_in_config("shutdown_timeout = \"10s\"", "shutdown_timeout = \"1h\"");
  auto process = start({"run"});
  const std::uint16_t port = find_port();
  ASSERT_TRUE(eventually([&] { return hangs.connections() > 0; }, seconds(120))) << said();
  EXPECT_TRUE(eventually([&] { return admin_page(port, "/readyz").starts_with("HTTP/1.1 200 "); }, seconds(120))) << said();
  process->signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return admin_page(port, "/readyz").starts_with("HTTP/1.1 503 "); }, seconds(120))) << said();
  EXPECT_TRUE(admin_page(port, "/healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(process->runs());
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0) << process->output();
}

// A journal that is being opened or migrated; here somebody else holds it.
TEST_F(ServiceTest, ASignalEndsItAlsoWhileItOpensTheJournal) {
  ASSERT_EQ(finish({"run", "--once"}), 0) << said();
  const std::string path = folder_ / "state/journal.db";
  Database holder(path, Database::Mode::create);
  holder.query_text("PRAGMA locking_mode = EXCLUSIVE");
  holder.execute("UPDATE meta SET value = value");
  const auto has_opened_it = [&path](pid_t process) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", ignored)) {
      if (std::filesystem::read_symlink(entry.path(), ignored) == path) return true;
    }
    return false;
  };
  for (const auto& [arguments, status] : {std::pair<std::vector<std::string>, int>{{"run"}, 0}, {{"run", "--once"}, 1}}) {
    auto process = start(arguments);
    ASSERT_TRUE(eventually([&] { return has_opened_it(process->pid()); }, seconds(60))) << said();
    process->signal(SIGHUP);
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(seconds(60)), status) << said();
    EXPECT_EQ(said().find(" runs: "), std::string::npos);
  }
}

TEST_F(ServiceTest, HealthFollowsTheDaemonWithoutAListener) {
  EXPECT_EQ(finish({"health"}), 1);
  EXPECT_NE(said().find("it is not running"), std::string::npos) << said();
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; }, seconds(120))) << process->output();
  secret_.clear();  // it needs none
  EXPECT_TRUE(eventually([&] { return finish({"health"}) == 0; }, seconds(120))) << said();
  EXPECT_NE(said().find("healthy: the last sign of life is"), std::string::npos) << said();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0);
  EXPECT_EQ(finish({"health"}), 1);
}

TEST_F(ServiceTest, HealthOfAConfigurationThatCannotBeReadIsNone) {
  std::ofstream(config_) << "nonsense";
  EXPECT_EQ(finish({"health"}), 1);
  EXPECT_EQ(said().find('\n'), said().size() - 1) << "one line: " << said();
}

// A daemon goes on with the configuration that it has.
TEST_F(ServiceTest, HealthWithoutAConfigurationGoesByTheStateDirectory) {
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return finish({"health"}) == 0; }, seconds(120))) << said();
  std::ofstream(config_) << "nonsense";
  EXPECT_EQ(finish({"health"}), 1);
  // Of several folders the first is the state's, as in the configuration.
  for (const std::string& folders : {folder_ / "state", folder_ / "state:" + (folder_ / "other")}) {
    environment_["STATE_DIRECTORY"] = folders;
    EXPECT_EQ(finish({"health"}), 0) << folders << "\n" << said();
    EXPECT_NE(said().find("healthy: the last sign of life is"), std::string::npos) << said();
  }
  environment_["STATE_DIRECTORY"] = "";
  EXPECT_EQ(finish({"health"}), 1);
  EXPECT_NE(said().find(config_ + ":1:9: not valid TOML: "), std::string::npos) << said();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0);
}

// A portal that fails again and again, asked five times a second: the log can still be read, by people and by programs.
TEST_F(ServiceTest, LinesInJsonAreObjectsAndRepeatedOnesAreHeldBack) {
  replace_in_config("log_level = \"info\"", "log_level = \"info\"\nlog_format = \"json\"");
  replace_in_config("max_backoff = \"1s\"", "max_backoff = \"200ms\"");
  Faults faults;
  faults.random.push_back({"audit", 0.5, status_fault(500)});
  portal_.set_faults(faults);
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return portal_.stats().faults["status"] >= 40; }, seconds(120))) << said();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0) << said();
  std::istringstream lines(said());
  int written = 0;
  std::int64_t held_back = 0;
  for (std::string line; std::getline(lines, line);) {
    std::string scanned = line;
    ASSERT_TRUE(scan_json(scanned).ok() && JsonView(line).is_object()) << line;
    for (const char* key : {"time", "level", "message"}) EXPECT_TRUE(JsonView(line).find(key)) << line;
    if (line.find("status 500") == line.npos) continue;
    ++written;
    EXPECT_EQ(JsonView(line).find("source")->as_string(), "acme") << line;
    EXPECT_EQ(JsonView(line).find("stream")->as_string(), "audit") << line;
    if (const auto count = JsonView(line).find("suppressed")) held_back += std::stoll(count->scalar_text());
  }
  EXPECT_GT(written, 5) << said();
  EXPECT_GT(held_back, 0) << said();
}

TEST_F(ServiceTest, LinesForTheJournalHavePriorities) {
  auto process = start_under_the_journal();
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; }, seconds(120))) << process->output();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0);
  EXPECT_NE(said().find("<6>info auditferry "), std::string::npos) << said();
}

TEST_F(ServiceTest, EachErrorOfAConfigurationIsAnErrorToTheJournal) {
  write_config("nonsense = true\nmore_nonsense = true\n");
  auto process = start_under_the_journal();
  EXPECT_EQ(process->wait(seconds(60)), 2);
  const std::string words = said();
  for (std::size_t line = 0; line < words.size(); line = words.find('\n', line) + 1) EXPECT_EQ(words.substr(line, 3), "<3>") << words;
  EXPECT_NE(words.find("more_nonsense"), std::string::npos) << words;
}

}  // namespace
}  // namespace auditferry
