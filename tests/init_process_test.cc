// `auditferry init` with the real program against the simulated portal: from nothing to records in a file.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "net/system_clock.h"
#include "sandbox/portal_server.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/terminal.h"
#include "tests/support/text_of.h"
#include "tests/support/without_numbers.h"

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

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream rest(text);
  for (std::string line; std::getline(rest, line);) {
    line.erase(line.find_last_not_of(" \r") + 1);
    lines.push_back(line);
  }
  return lines;
}

// What the README shows behind `command`, as far as its block goes.
std::string session_of_the_readme(const std::string& command) {
  const std::string readme = text_of(AUDITFERRY_SOURCE "/README.md");
  const std::string opening = "\n$ " + command + "\n";
  const std::size_t begin = readme.find(opening);
  EXPECT_NE(begin, readme.npos) << opening;
  if (begin == readme.npos) return "";
  return readme.substr(begin + opening.size(), readme.find("```", begin) - begin - opening.size());
}

// Line by line, but for numbers, and for the lines that "…" leaves out.
void expect_same_session(const std::vector<std::string>& wanted, const std::vector<std::string>& shown) {
  auto next = shown.begin();
  for (auto line = wanted.begin(); line != wanted.end(); ++line) {
    const bool leaves_out = *line == "…";
    if (leaves_out && ++line == wanted.end()) return;
    const auto same = [&](const std::string& one) { return without_numbers(one) == without_numbers(*line); };
    const auto found = leaves_out ? std::find_if(next, shown.end(), same) : next;
    ASSERT_NE(found, shown.end()) << "not shown: " << *line;
    EXPECT_EQ(without_numbers(*found), without_numbers(*line));
    next = found + 1;
  }
  EXPECT_EQ(next, shown.end()) << "the README does not have: " << *next;
}

// Its questions are asked in its order and its answers typed; only the address is the simulated portal's.
TEST_F(InitProcessTest, TheReadmeShowsASessionAsItIs) {
  const std::string host = server_.origin().substr(server_.origin().find("//") + 2);
  const std::string session = replaced(replaced(session_of_the_readme("auditferry init"), "/home/you", folder_.path()), "app.apptego.com answers", host + " answers");
  std::vector<std::string> lines = split_lines(session);
  Terminal terminal;
  ChildProcess program(on_terminal(terminal, folder_.path(), {AUDITFERRY_PROGRAM, "init"}), {}, folder_ / "output");
  const std::map<std::string, std::string> own_answers{{"Address of", server_.origin() + "/frontend"}, {"token_key", sandbox_token_key}, {"token_secret", sandbox_token_secret}};
  for (std::string& line : lines) {
    if (line.starts_with("wrote ")) break;
    const std::size_t colon = line.ends_with(':') ? line.size() - 1 : line.rfind(": ");
    const std::string question = line.substr(0, colon + 1);
    std::string answer = line.substr(std::min(line.size(), colon + 2));
    const auto own = std::find_if(own_answers.begin(), own_answers.end(), [&](const auto& one) { return line.starts_with(one.first); });
    if (own != own_answers.end()) answer = own->second;
    const bool secret = question.find("is not shown") != question.npos;
    if (!secret && own != own_answers.end()) line = question + " " + answer;
    const std::string shown = terminal.shown_until(question + " ");
    ASSERT_NE(shown.find(question), shown.npos) << question << " is not asked: " << shown;
    terminal.forget_shown();
    terminal.type(answer + "\n");
  }
  const std::string shown = terminal.shown_until("auditferry run --config " + (folder_ / "auditferry.toml") + "\r\n");
  EXPECT_EQ(program.wait(std::chrono::seconds(120)), 0) << shown;
  EXPECT_EQ(shown.find(sandbox_token_secret), shown.npos);
  expect_same_session(lines, split_lines(shown));
  EXPECT_EQ(text_of(folder_ / "secrets/acme-token_secret"), sandbox_token_secret);
  EXPECT_EQ(run({"check", "--config", folder_ / "auditferry.toml"}), 0) << said_;
}

}  // namespace
}  // namespace auditferry
