// The program auditferry-sandbox as scripts and people use it: it serves a portal, is told to stop making, and says by
// the exit status of `verify` whether everything is in the files.

#include <gtest/gtest.h>

#include "tests/process_fixture.h"

namespace auditferry {
namespace {

class SandboxProcessTest : public ProcessTest {
 protected:
  std::unique_ptr<ChildProcess> start_sandbox(std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.begin(), AUDITFERRY_SANDBOX_PROGRAM);
    return std::make_unique<ChildProcess>(std::move(arguments), std::map<std::string, std::string>(), output);
  }
  // A call of the program that ends by itself; what it says is in told_.
  std::optional<int> sandbox(std::vector<std::string> arguments) {
    std::filesystem::remove(folder_ / "told");
    const auto process = start_sandbox(std::move(arguments), folder_ / "told");
    const std::optional<int> status = process->wait(std::chrono::seconds(120));
    told_ = process->output();
    return status;
  }
  std::optional<int> verify(const std::string& origin) {
    return sandbox({"verify", "--portal", origin, folder_ / "records/audit.jsonl", folder_ / "records/device.jsonl"});
  }
  void write_audit(const std::string& text) { std::ofstream(folder_ / "records/audit.jsonl", std::ios::binary) << text; }

  std::string told_;
};

TEST_F(SandboxProcessTest, VerifyTellsByItsStatusWhetherEverythingIsThere) {
  const auto portal = start_sandbox({"--listen", "127.0.0.1:0", "--rate", "20", "--history", "60s"}, folder_ / "portal");
  const auto origin_told = [&] {
    const std::string said = portal->output();
    const std::size_t at = said.find("listening ");
    const std::size_t end = said.find('\n', at);
    return at == std::string::npos || end == std::string::npos ? std::string() : said.substr(at + 10, end - at - 10);
  };
  ASSERT_TRUE(eventually([&] { return !origin_told().empty(); })) << portal->output();
  const std::string origin = origin_told();
  write_config("", origin);
  {
    const auto daemon = start({"run"});
    ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << said();
    EXPECT_EQ(sandbox({"stop-making", "--portal", origin}), 0) << told_;
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(std::chrono::seconds(60)), 0) << said();
  }
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  EXPECT_EQ(verify(origin), 0) << told_;
  EXPECT_NE(told_.find("every record is in the files, each once\n"), std::string::npos) << told_;
  EXPECT_NE(told_.find(", missing 0, twice 0, never made 0, out of order 0\n"), std::string::npos) << told_;

  const std::string whole = text_of(folder_ / "records/audit.jsonl");
  const std::size_t second = whole.find('\n') + 1;
  write_audit(whole.substr(0, second) + whole.substr(whole.find('\n', second) + 1));
  EXPECT_EQ(verify(origin), 1) << told_;
  EXPECT_NE(told_.find(", missing 1, twice 0, never made 0, out of order 0\nNOT EQUAL: missing: apptego/"), std::string::npos) << told_;
  write_audit(whole + whole.substr(0, second));
  EXPECT_EQ(verify(origin), 1) << told_;
  EXPECT_NE(told_.find(", missing 0, twice 1, "), std::string::npos) << told_;
  write_audit(whole);
  EXPECT_EQ(verify(origin), 0) << told_;

  portal->signal(SIGTERM);
  EXPECT_EQ(portal->wait(std::chrono::seconds(20)), 0) << portal->output();
  EXPECT_EQ(verify(origin), 1) << "nobody answers";
  EXPECT_TRUE(told_.starts_with("auditferry-sandbox: ")) << told_;
  EXPECT_EQ(sandbox({"stop-making", "--portal", origin}), 1);
}

TEST_F(SandboxProcessTest, WrongUseEndsWithTwo) {
  EXPECT_EQ(sandbox({"--no-such-option"}), 2) << told_;
  EXPECT_EQ(sandbox({"verify"}), 2) << told_;
  EXPECT_EQ(sandbox({"--listen", "nowhere"}), 2) << told_;
  EXPECT_TRUE(told_.starts_with("auditferry-sandbox: ")) << told_;
  EXPECT_EQ(sandbox({"verify", "--portal", server_.origin(), folder_ / "none"}), 1) << told_;
  EXPECT_NE(told_.find("cannot read " + (folder_ / "none")), std::string::npos) << told_;
}

TEST_F(SandboxProcessTest, ItsHelpNamesTheCallsThatChangeIt) {
  EXPECT_EQ(sandbox({"--help"}), 0);
  for (const char* call : {"/sandbox/records", "/sandbox/stats", "/sandbox/stop-making", "/sandbox/faults", "/sandbox/change", "/sandbox/erase"})
    EXPECT_NE(told_.find(call), std::string::npos) << call << "\n" << told_;
}

}  // namespace
}  // namespace auditferry
