// The real program as a service manager and a container's runtime see it.

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fcntl.h>

#include "tests/process_fixture.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

// What sd_notify(3) sends to, on the test's own socket.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof(address.sun_path));
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << std::strerror(errno);
  }
  ~NotifySocket() { ::close(descriptor_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  // Whether so many messages that begin like this have come, or come within the limit.
  bool hears(const std::string& beginning, int times = 1, seconds limit = seconds(120)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (count(beginning) < times) {
      if (std::chrono::steady_clock::now() >= until) return false;
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, 100) <= 0) continue;
      char text[4096];
      const ssize_t length = ::recv(descriptor_, text, sizeof(text), 0);
      if (length >= 0) heard_.emplace_back(text, static_cast<std::size_t>(length));
    }
    return true;
  }
  int count(const std::string& beginning) const {
    int found = 0;
    for (const std::string& message : heard_) found += message.starts_with(beginning) ? 1 : 0;
    return found;
  }
  std::string text() const {
    std::string all;
    for (const std::string& message : heard_) all += message + "\n";
    return all;
  }

 private:
  int descriptor_;
  std::vector<std::string> heard_;
};

class ServiceTest : public ProcessTest {
 protected:
  std::unique_ptr<ChildProcess> start_with(std::map<std::string, std::string> environment) {
    environment["KEY"] = sandbox_token_key;
    environment["SECRET"] = secret_;
    return std::make_unique<ChildProcess>(std::vector<std::string>{AUDITFERRY_PROGRAM, "run", "--config", config_}, environment, folder_ / "output");
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
TEST_F(ServiceTest, IsReadyAlthoughThePortalIsDead) {
  write_config("", "http://127.0.0.1:1");
  NotifySocket manager(folder_ / "notify");
  auto process = start_with({{"NOTIFY_SOCKET", folder_ / "notify"}});
  EXPECT_TRUE(manager.hears("READY=1")) << process->output();
  EXPECT_TRUE(eventually([&] { return finish({"health"}) == 0; }, seconds(120))) << said();
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

TEST_F(ServiceTest, LinesForTheJournalHavePriorities) {
  // The file that takes the program's output stands for the journal's stream.
  const int file = ::open((folder_ / "output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct stat about {};
  ASSERT_EQ(::fstat(file, &about), 0);
  ::close(file);
  auto process = start_with({{"JOURNAL_STREAM", std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino)}});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; }, seconds(120))) << process->output();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(120)), 0);
  EXPECT_NE(said().find("<6>info auditferry "), std::string::npos) << said();
}

}  // namespace
}  // namespace auditferry
