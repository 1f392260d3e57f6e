// The real program against the simulated portal over loopback: orderly ends, and ends without warning.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "net/system_clock.h"
#include "sandbox/portal_server.h"
#include "sandbox/verify.h"
#include "storage/snapshot.h"
#include "tests/support/child_process.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A long mode has more rounds: AUDITFERRY_ROUNDS=200.
int rounds(int otherwise) {
  const char* given = std::getenv("AUDITFERRY_ROUNDS");
  return given ? std::atoi(given) : otherwise;
}

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() : portal_(options(), [this] { return clock_.now(); }), server_(portal_, {}) {
    EXPECT_TRUE(server_.start().ok());
    write_config("");
  }
  static PortalOptions options() {
    PortalOptions options;
    for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device}) {
      options.streams[log].rate_per_second = 40;
      options.streams[log].history = seconds(60);
    }
    return options;
  }
  void write_config(const std::string& more, const std::string& base = "") {
    std::ofstream file(config_);
    file << "[daemon]\nstate_dir = \"" << (folder_ / "state") << "\"\nshutdown_timeout = \"10s\"\n[admin]\nlisten = \"\"\n"
         << "[sources.acme]\nprofile = \"apptego\"\nbase_url = \"" << (base.empty() ? server_.origin() : base) << "/frontend\"\n"
         << "tenant = \"" << sandbox_tenant << "\"\ncredentials.token_key = { env = \"KEY\" }\ncredentials.token_secret = { env = \"SECRET\" }\n"
         << "streams = [\"audit\", \"device\"]\nrequests_per_minute = 60000\npoll_every = \"200ms\"\nstart = \"-1h\"\nmax_backoff = \"1s\"\n"
         << "[exporters.archive]\ntype = \"file\"\nmax_backoff = \"1s\"\npath = \"" << (folder_ / "records/{stream}.jsonl") << "\"\n"
         << more;
  }
  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), AUDITFERRY_PROGRAM);
    arguments.push_back("--config");
    arguments.push_back(config_);
    return std::make_unique<ChildProcess>(std::move(arguments),
                                          std::map<std::string, std::string>{{"KEY", sandbox_token_key}, {"SECRET", sandbox_token_secret}},
                                          folder_ / "output");
  }
  int finish(std::vector<std::string> arguments) {
    auto process = start(std::move(arguments));
    const std::optional<int> status = process->wait(seconds(120));
    EXPECT_TRUE(status.has_value()) << process->output();
    return status.value_or(-1);
  }
  std::uint64_t bytes_of_records() const {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records", ignored)) bytes += entry.file_size(ignored);
    return bytes;
  }
  template <class Condition>
  bool eventually(Condition condition, seconds limit = seconds(60)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < until) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }
  // Everything the portal ever showed is in the files, each record once, in the order of its number, and the
  // books balance.
  void expect_equal_sets(const std::string& said) {
    std::vector<std::string> made;
    for (const std::string stream : {"audit", "device"}) {
      for (const RecordInfo& record : portal_.all_records(stream)) made.push_back(std::string("apptego/") + sandbox_tenant + "/" + stream + "/" + record.id);
    }
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records")) files.push_back(entry.path());
    const Result<Comparison> comparison = compare_files(files, made);
    ASSERT_TRUE(comparison.ok()) << comparison.error().message;
    EXPECT_EQ(comparison->missing, 0u) << comparison->example << "\n" << said;
    EXPECT_EQ(comparison->twice, 0u) << comparison->example;
    EXPECT_EQ(comparison->unknown, 0u) << comparison->example;
    EXPECT_EQ(comparison->out_of_order, 0u) << comparison->example;
    EXPECT_GT(comparison->made, 100u);
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    const Result<std::vector<std::string>> findings = (*reader)->check();
    ASSERT_TRUE(findings.ok());
    EXPECT_TRUE(findings->empty()) << findings->front();
    const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    ASSERT_TRUE(snapshot.ok());
    EXPECT_TRUE(snapshot->gaps.empty());
    ASSERT_EQ(snapshot->exporters.size(), 1u);
    EXPECT_EQ(snapshot->exporters[0].books.delivered, snapshot->last_seq);
  }

  TemporaryFolder folder_;
  const std::string config_ = folder_ / "auditferry.toml";
  SystemClock clock_;
  Portal portal_;
  PortalServer server_;
};

TEST_F(ProcessTest, OnceCollectsAndDeliversEverything) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets("");
}

TEST_F(ProcessTest, SigtermDeliversWhatIsInTheJournalAndEndsWithZero) {
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << process->output();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(20)), 0) << process->output();
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets(process->output());
}

TEST_F(ProcessTest, KillAtRandomMomentsLosesAndDoublesNothing) {
  std::mt19937 random(20251123);
  for (int round = 0; round < rounds(12); ++round) {
    auto process = start({"run"});
    if (round % 2 == 0) {
      std::this_thread::sleep_for(milliseconds(20 + random() % 400));
    } else {
      // Right after an output file has grown: written, perhaps synced, not yet confirmed.
      const std::uint64_t before = bytes_of_records();
      eventually([&] { return bytes_of_records() > before; }, seconds(20));
    }
    process->signal(SIGKILL);
    EXPECT_EQ(process->wait(seconds(10)), 128 + SIGKILL) << process->output();
  }
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets("");
}

TEST_F(ProcessTest, ASecondDaemonIsRefusedAndTheFirstGoesOn) {
  auto first = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << first->output();
  EXPECT_EQ(finish({"run"}), 1);
  EXPECT_NE(first->output().find("only one auditferry may run on it"), std::string::npos);
  EXPECT_TRUE(first->runs());
}

TEST_F(ProcessTest, ASecondSigtermEndsAtOnceWhileThePortalHangs) {
  Faults faults;
  RandomFault hang;
  hang.rate = 1;
  hang.fault.kind = FaultKind::hang;
  faults.random.push_back(hang);
  portal_.set_faults(faults);
  // An exporter that cannot deliver keeps the drain from ending.
  write_config("[exporters.blocked]\ntype = \"file\"\npath = \"/proc/none/x\"\n");
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return process->output().find(" runs: ") != std::string::npos; })) << process->output();
  process->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return process->output().find("ending: ") != std::string::npos || !process->runs(); }));
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(5)), 0) << process->output();
}

TEST_F(ProcessTest, OnceFailsWithinItsTimeWhenThePortalCannotBeReached) {
  server_.stop();
  EXPECT_EQ(finish({"run", "--once", "--timeout", "1s"}), 1);
}

TEST_F(ProcessTest, FilesAndStateAreTheOwnersOnly) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  for (const std::string top : {"state", "records"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / top)) {
      const auto rights = std::filesystem::status(entry.path()).permissions();
      EXPECT_EQ(rights & std::filesystem::perms(077), std::filesystem::perms::none) << entry.path();
    }
  }
}

TEST_F(ProcessTest, NothingThatIsWrittenHoldsASecret) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  portal_.set_token_revoked(sandbox_token_key, true);
  EXPECT_EQ(finish({"run", "--once", "--timeout", "5s"}), 1);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text.find(sandbox_token_secret), std::string::npos) << entry.path();
  }
}

TEST_F(ProcessTest, WrongUseIsToldInOneLineWithStatusTwo) {
  EXPECT_EQ(finish({"run", "--no-such-option"}), 2);
  std::ofstream(config_) << "[daemon]\nstate_dirr = 1\n";
  EXPECT_EQ(finish({"run"}), 2);
  const std::string output = start({"run"})->output();
  EXPECT_NE(output.find("state_dir"), std::string::npos) << output;
}

TEST_F(ProcessTest, CheckOnlineGreetsSyslogReceivers) {
  RawSocket listener = RawSocket::on_loopback(SOCK_STREAM);
  const std::string port = std::to_string(listener.port());
  write_config("[exporters.siem]\ntype = \"syslog\"\ntransport = \"tcp\"\naddress = \"127.0.0.1:" + port + "\"\n");
  const auto good = start({"check", "--online"});
  EXPECT_EQ(good->wait(seconds(60)), 0) << good->output();
  const RawSocket greeted = listener.accept();
  EXPECT_EQ(greeted.receive(), "") << "nothing is sent by a greeting";
  listener.close();
  const auto bad = start({"check", "--online"});
  EXPECT_EQ(bad->wait(seconds(60)), 1);
  EXPECT_NE(bad->output().find("cannot connect to 127.0.0.1:" + port), std::string::npos) << bad->output();
}

}  // namespace
}  // namespace auditferry
