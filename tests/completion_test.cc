// The completion for bash, carried out by bash.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/terminal.h"

namespace auditferry {
namespace {

using Words = std::vector<std::string>;

const std::string completion_file = AUDITFERRY_SOURCE "/packaging/auditferry.bash-completion";

// What is offered for the last of the words, sorted.
Words offered(const Words& words) {
  TemporaryFolder folder;
  const std::string script = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _auditferry auditferry \"${COMP_WORDS[COMP_CWORD]}\"; "
                             "printf '%s\\n' \"${COMPREPLY[@]}\"";
  std::vector<std::string> command{"/bin/bash", "--norc", "-u", "-c", script, "bash", completion_file, "auditferry"};
  command.insert(command.end(), words.begin(), words.end());
  ChildProcess bash(std::move(command), {}, folder / "output");
  EXPECT_EQ(bash.wait(std::chrono::seconds(60)), 0) << bash.output();
  Words found;
  std::istringstream lines(bash.output());
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) found.push_back(line);
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Completion, CommandsAndTheirOptions) {
  EXPECT_EQ(offered({"st"}), Words{"status"});
  EXPECT_EQ(offered({"he"}), Words{"health"});
  EXPECT_EQ(offered({"status", "--"}), (Words{"--config", "--help", "--json", "--line"}));
  EXPECT_EQ(offered({"status", "--config", "/etc/x.toml", "--j"}), Words{"--json"});
  EXPECT_EQ(offered({"--config", "run", "che"}), Words{"check"}) << "the file's name is no command";
  EXPECT_EQ(offered({"gaps", ""}), (Words{"--help", "accept", "list"}));
  EXPECT_EQ(offered({"gaps", "list", "--s"}), (Words{"--source", "--state", "--stream"}));
  EXPECT_EQ(offered({"gaps", "list", "--state", "h"}), Words{"healed"});
  EXPECT_EQ(offered({"dead-letters", "list", "--a"}), Words());
  EXPECT_EQ(offered({"dead-letters", "retry", "--a"}), Words{"--all"});
  EXPECT_EQ(offered({"exporter", "forget", "archive", "--y"}), Words{"--yes"});
  EXPECT_EQ(offered({"init", "--profile", ""}), (Words{"apptego", "github", "okta"}));
  EXPECT_EQ(offered({"ledger", "--source", ""}), Words()) << "only its owner knows it";
}

TEST(Completion, FilesAndFolders) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "part");
  std::ofstream(folder / "part.toml") << "x";
  const Words both{folder / "part", folder / "part.toml"};
  EXPECT_EQ(offered({"run", "--config", folder / "pa"}), both);
  EXPECT_EQ(offered({"run", "--config", "=", folder / "pa"}), both);
  EXPECT_EQ(offered({"init", "--credential-file", "token_key", "=", folder / "pa"}), both);
  EXPECT_EQ(offered({"init", "--records", folder / "pa"}), Words{folder / "part"});
  EXPECT_EQ(offered({"journal", "backup", "--to", folder / "pa"}), both);
  EXPECT_EQ(offered({"ledger", "--to", folder / "pa"}), Words()) << "a time";
}

// In a shell that somebody types into: names are quoted, and a slash stands behind a folder.
TEST(Completion, AFolderGetsItsSlashAndASpaceIsQuoted) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "two words");
  Terminal terminal;
  ChildProcess bash(on_terminal(terminal, folder.path(), {"/bin/bash", "--norc", "--noprofile", "-i"}), {{"TERM", "dumb"}, {"INPUTRC", "/dev/null"}, {"PS1", "ready> "}}, folder / "output");
  terminal.shown_until("ready> ");
  terminal.forget_shown();
  terminal.type("source " + completion_file + "\n");
  terminal.shown_until("\nready> ");
  terminal.forget_shown();
  terminal.type("auditferry run --config tw\t");
  const std::string shown = terminal.shown_until("two\\ words/");
  EXPECT_NE(shown.find("--config two\\ words/"), std::string::npos) << shown;
}

}  // namespace
}  // namespace auditferry
