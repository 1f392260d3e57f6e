// `auditferry init` with the real program against the simulated portal: from nothing to records in a file.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "net/system_clock.h"
#include "sandbox/portal_server.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

class InitProcessTest : public testing::Test {
 protected:
  InitProcessTest() : portal_(options(), [this] { return clock_.now(); }), server_(portal_, {}) { EXPECT_TRUE(server_.start().ok()); }
  static PortalOptions options() {
    PortalOptions options;
    for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device, SandboxLog::okta, SandboxLog::github}) {
      options.streams[log].rate_per_second = 1;
      options.streams[log].history = std::chrono::seconds(30);
    }
    return options;
  }
  // Runs the program with `typed` on its standard input; what it says is in said_.
  int run(std::vector<std::string> arguments, const std::string& typed = "") {
    std::filesystem::remove(folder_ / "output");
    std::vector<std::string> command{"/bin/sh", "-c", "printf '%s' \"$TYPED\" | \"$@\"", "sh", AUDITFERRY_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess process(std::move(command), {{"TYPED", typed}}, folder_ / "output");
    const std::optional<int> status = process.wait(std::chrono::seconds(120));
    said_ = process.output();
    EXPECT_TRUE(status.has_value()) << said_;
    return status.value_or(-1);
  }
  int init(const std::string& profile, const std::string& base_url, const std::string& tenant, const std::string& typed) {
    return run({"init", "--config", config_, "--profile", profile, "--base-url", base_url, "--tenant", tenant, "--listen", "127.0.0.1:0"}, typed);
  }
  std::size_t lines_of_records() const {
    std::size_t lines = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "conf/records")) {
      const std::string text = text_of(entry.path());
      lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    return lines;
  }

  TemporaryFolder folder_;
  const std::string config_ = folder_ / "conf/auditferry.toml";
  SystemClock clock_;
  Portal portal_;
  PortalServer server_;
  std::string said_;
};

TEST_F(InitProcessTest, FromNothingToRecordsInAFile) {
  portal_.stop_making();
  EXPECT_EQ(init("apptego", server_.origin() + "/frontend", sandbox_tenant, std::string(sandbox_token_key) + "\n" + sandbox_token_secret + "\n"), 0) << said_;
  EXPECT_NE(said_.find("ok   source apptego, stream audit"), std::string::npos) << said_;
  EXPECT_NE(said_.find("next: auditferry run --config " + config_), std::string::npos) << said_;
  EXPECT_EQ(said_.find(sandbox_token_secret), std::string::npos);
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_secret"), sandbox_token_secret);
  EXPECT_EQ(run({"check", "--config", config_}), 0) << said_;
  EXPECT_EQ(run({"run", "--once", "--config", config_}), 0) << said_;
  EXPECT_EQ(lines_of_records(), portal_.all_records("audit").size() + portal_.all_records("device").size()) << said_;
  // Once more: nothing is overwritten.
  EXPECT_EQ(init("apptego", server_.origin() + "/frontend", sandbox_tenant, "other\nother\n"), 1);
  EXPECT_NE(said_.find("exists already"), std::string::npos) << said_;
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_secret"), sandbox_token_secret);
}

TEST_F(InitProcessTest, EveryBuiltInProfileHasItsOwnCredentials) {
  EXPECT_EQ(init("okta", server_.origin(), "acme", PortalOptions().okta_token + "\n"), 0) << said_;
  EXPECT_NE(said_.find("ok   source okta, stream audit"), std::string::npos) << said_;
  std::filesystem::remove_all(folder_ / "conf");
  EXPECT_EQ(init("github", server_.origin(), "acme", PortalOptions().github_token + "\n"), 0) << said_;
  EXPECT_NE(said_.find("ok   source github, stream audit"), std::string::npos) << said_;
  EXPECT_EQ(text_of(folder_ / "conf/secrets/github-token"), PortalOptions().github_token);
}

TEST_F(InitProcessTest, WrongCredentialsAreToldAndWhatWasWrittenStays) {
  EXPECT_EQ(init("apptego", server_.origin() + "/frontend", sandbox_tenant, "a\nb\n"), 1);
  EXPECT_NE(said_.find("FAIL source apptego"), std::string::npos) << said_;
  EXPECT_NE(said_.find("auditferry check --online --config " + config_), std::string::npos) << said_;
  EXPECT_TRUE(std::filesystem::exists(config_));
}

TEST_F(InitProcessTest, ThereIsNoWayToGiveASecretAsAnArgument) {
  EXPECT_EQ(run({"init", "--help"}), 0);
  EXPECT_EQ(said_.find("--token"), std::string::npos) << said_;
  EXPECT_EQ(run({"init", "--config", config_, "--profile", "apptego", "--tenant", "t1"}), 2);
  EXPECT_NE(said_.find("token_key"), std::string::npos) << said_;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "conf"));
}

}  // namespace
}  // namespace auditferry
