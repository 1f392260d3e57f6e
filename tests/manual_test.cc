// The manual pages and the completion know every command of --help and every key of example.toml.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

const std::string source_tree = AUDITFERRY_SOURCE "/";

// Without the escapes and font changes of troff.
std::string manual(const std::string& name) {
  std::string text = std::regex_replace(text_of(source_tree + "docs/man/" + name), std::regex(R"(\\f[BIRP])"), "");
  text.erase(std::remove(text.begin(), text.end(), '\\'), text.end());
  return text;
}

std::string help(std::vector<std::string> command) {
  TemporaryFolder folder;
  command.insert(command.begin(), AUDITFERRY_PROGRAM);
  command.push_back("--help");
  ChildProcess program(command, {}, folder / "output");
  EXPECT_EQ(program.wait(std::chrono::seconds(150)), 0) << program.output();
  return program.output();
}

// The names of the lines under "Subcommands:".
std::vector<std::string> subcommands(const std::string& help_text) {
  std::vector<std::string> names;
  std::istringstream lines(help_text.substr(std::min(help_text.size(), help_text.find("Subcommands:"))));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    if (line.starts_with("  ") && line.size() > 2 && line[2] != ' ' && words >> name) names.push_back(name);
  }
  return names;
}

std::set<std::string> long_options(const std::string& help_text) {
  const std::regex option("--[a-z][a-z-]*");
  std::set<std::string> options;
  for (std::sregex_iterator at(help_text.begin(), help_text.end(), option), end; at != end; ++at) options.insert(at->str());
  return options;
}

bool has_word(const std::string& text, const std::string& word) {
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !part(text[at - 1]);
    const bool ends = at + word.size() == text.size() || !part(text[at + word.size()]);
    if (begins && ends) return true;
  }
  return false;
}

void expect_told(const std::string& what) {
  EXPECT_TRUE(has_word(manual("auditferry.1"), what)) << what << " is missing from docs/man/auditferry.1";
  EXPECT_TRUE(has_word(text_of(source_tree + "packaging/auditferry.bash-completion"), what))
      << what << " is missing from packaging/auditferry.bash-completion";
}

TEST(Manual, HasEveryCommandAndOption) {
  const std::vector<std::string> commands = subcommands(help({}));
  ASSERT_GT(commands.size(), 6u);
  for (const std::string& command : commands) {
    expect_told(command);
    const std::string of_command = help({command});
    for (const std::string& option : long_options(of_command)) expect_told(option);
    for (const std::string& inner : subcommands(of_command)) {
      expect_told(inner);
      for (const std::string& option : long_options(help({command, inner}))) expect_told(option);
    }
  }
}

// Each part of a key or table, but the names that are the reader's own.
void expect_every_key(const std::string& text, const std::string& where, const std::set<std::string>& own) {
  std::istringstream lines(text_of(source_tree + "config/example.toml"));
  const std::regex key(R"(^#?([A-Za-z_.]+) = .*)");
  const std::regex table(R"(^#?\[\[?([A-Za-z_.]+)\]\]?$)");
  std::size_t keys = 0;
  std::string line;
  while (std::getline(lines, line)) {
    std::smatch found;
    if (!std::regex_match(line, found, key) && !std::regex_match(line, found, table)) continue;
    std::istringstream parts(found[1].str());
    for (std::string part; std::getline(parts, part, '.');) {
      if (own.contains(part)) continue;
      ++keys;
      EXPECT_TRUE(has_word(text, part)) << found[1] << ": " << part << " is missing from " << where;
    }
  }
  EXPECT_GT(keys, 150u);
}

const std::set<std::string> own_names = {"acme", "archive", "hook", "splunk", "search", "otel", "siem", "device", "site"};

TEST(Manual, HasEveryKeyOfTheConfiguration) {
  expect_every_key(manual("auditferry.toml.5"), "docs/man/auditferry.toml.5", own_names);
}

TEST(Manual, ThePagesHaveEveryKeyOfTheConfiguration) {
  std::string pages;
  for (const char* page : {"configuration", "exporters", "syslog", "files"}) pages += text_of(source_tree + "docs/" + page + ".md");
  std::set<std::string> own = own_names;
  own.insert("token_secret");  // of the example's profile
  expect_every_key(pages, "docs/configuration.md, exporters.md, syslog.md and files.md", own);
}

// What only this type has must stand on its own page: a word of another page would not do.
TEST(Manual, ThePageOfSyslogHasEveryKeyOfIt) {
  const std::string page = text_of(source_tree + "docs/syslog.md");
  const std::string common = text_of(source_tree + "docs/configuration.md");
  const std::string example = text_of(source_tree + "config/example.toml");
  std::istringstream lines(example.substr(example.find("[exporters.siem]")));
  const std::regex key(R"(^#?([a-z_]+) = .*)");
  std::size_t keys = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, key)) continue;
    ++keys;
    const std::string name = found[1];
    EXPECT_TRUE(page.find("`" + name + "`") != std::string::npos || page.find("." + name + "`") != std::string::npos ||
                common.find("`" + name + "`") != std::string::npos || common.find("`tls." + name + "`") != std::string::npos)
        << name << " is missing from docs/syslog.md";
  }
  EXPECT_GT(keys, 25u);
}

}  // namespace
}  // namespace auditferry
