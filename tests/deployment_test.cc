// What is shipped to run the program: the package's documentation, the unit, the image.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/life_signs.h"
#include "encoding/time_format.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

const std::string source = AUDITFERRY_SOURCE "/";

std::multimap<std::string, std::string> unit() {
  std::multimap<std::string, std::string> keys;
  std::istringstream lines(text_of(source + "systemd/auditferry.service"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (!line.starts_with('#') && equals != line.npos) keys.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return keys;
}

std::string the(const std::multimap<std::string, std::string>& keys, const std::string& key) {
  EXPECT_EQ(keys.count(key), 1u) << key;
  const auto found = keys.find(key);
  return found == keys.end() ? "" : found->second;
}

// "docs/journal.md" in a message is in the package, and so is what stands beside it.
TEST(Package, BringsTheDocumentationThatMessagesName) {
  const std::regex named(R"(docs/[a-z]+\.md)");
  std::set<std::string> files;
  for (const char* folder : {"core", "encoding", "config", "storage", "net", "sources", "exporters", "daemon"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source + folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h" && entry.path().extension() != ".toml") continue;
      const std::string text = text_of(entry.path());
      for (std::sregex_iterator found(text.begin(), text.end(), named); found != std::sregex_iterator(); ++found) files.insert(found->str());
    }
  }
  EXPECT_TRUE(files.contains("docs/journal.md") && files.contains("docs/syslog.md"));
  for (const std::string& file : files) EXPECT_TRUE(std::filesystem::exists(source + file)) << file;
  // Whoever reads the documentation finds all of it.
  const std::string readme = text_of(source + "README.md");
  for (const auto& entry : std::filesystem::directory_iterator(source + "docs")) {
    const std::string file = "docs/" + entry.path().filename().string();
    if (entry.path().extension() == ".md") {
      EXPECT_NE(readme.find("](" + file + ")"), std::string::npos) << file << " is linked from nowhere";
    }
  }
}

// The files of the package's documentation, as they are installed.
class InstalledDocumentation : public testing::Test {
 protected:
  InstalledDocumentation() {
    ChildProcess install({AUDITFERRY_CMAKE, "--install", AUDITFERRY_BUILD, "--component", "documentation"}, {{"DESTDIR", folder_.path()}}, folder_ / "output");
    EXPECT_EQ(install.wait(std::chrono::seconds(120)), 0) << install.output();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      const std::string path = entry.path().string();
      if (path.ends_with("/doc/auditferry")) documentation_ = path;
    }
    EXPECT_NE(documentation_, "") << install.output();
  }
  // Every match of the first group, with the file that it stands in.
  template <class Look>
  void each(const std::string& pattern, Look look) const {
    const std::regex wanted(pattern);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(documentation_)) {
      if (entry.path().extension() != ".md") continue;
      const std::string text = text_of(entry.path());
      for (std::sregex_iterator found(text.begin(), text.end(), wanted); found != std::sregex_iterator(); ++found) look(entry.path(), (*found)[1].str());
    }
  }

  TemporaryFolder folder_;
  std::string documentation_;
};

TEST_F(InstalledDocumentation, EveryLinkLeadsToAFileOfThePackage) {
  std::size_t links = 0;
  each(R"(\]\(([^)#:]+)(?:#[^)]*)?\))", [&](const std::filesystem::path& file, const std::string& link) {
    ++links;
    EXPECT_TRUE(std::filesystem::exists(file.parent_path() / link)) << file << " links " << link;
  });
  EXPECT_GT(links, 30u);
}

TEST_F(InstalledDocumentation, FilesThatItNamesAreInThePackage) {
  std::size_t names = 0;
  each(R"(\bdocs/([a-z0-9_/.-]*[a-z0-9]))", [&](const std::filesystem::path& file, const std::string& name) {
    ++names;
    const std::filesystem::path path = std::filesystem::path(documentation_) / name;
    // A decision is named by its number.
    bool found = std::filesystem::exists(path);
    if (std::filesystem::is_directory(path.parent_path())) {
      for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) found = found || entry.path().string().starts_with(path.string());
    }
    EXPECT_TRUE(found) << file << " names docs/" << name;
  });
  EXPECT_GT(names, 5u);
}

TEST(Unit, StopsLaterThanTheProgramDoesAndRestartsWhatCrashes) {
  const auto keys = unit();
  EXPECT_GT(*parse_duration(the(keys, "TimeoutStopSec")), DaemonSettings().shutdown_timeout);
  // Two silences of the storage thread are noticed before a third.
  EXPECT_GE(*parse_duration(the(keys, "WatchdogSec")), LifeSigns::longest_silence);
  EXPECT_EQ(the(keys, "Type"), "notify");
  EXPECT_EQ(the(keys, "Restart"), "on-failure");
  EXPECT_EQ(the(keys, "StartLimitIntervalSec"), "0");
  EXPECT_EQ(the(keys, "RestartPreventExitStatus"), "2");
  // A failed ExecStartPre would be tried again for ever: RestartPreventExitStatus knows the main process only.
  EXPECT_EQ(the(keys, "ExecStartPre"), "-/usr/bin/auditferry check --config /etc/auditferry/auditferry.toml");
}

TEST(Unit, KeepsItsUserAndItsSecrets) {
  const auto keys = unit();
  EXPECT_EQ(the(keys, "User"), "auditferry");
  EXPECT_EQ(keys.count("DynamicUser"), 0u);
  EXPECT_EQ(the(keys, "LimitCORE"), "0");
  EXPECT_EQ(the(keys, "StateDirectoryMode"), "0700");
  EXPECT_EQ(text_of(source + "systemd/auditferry.sysusers").substr(0, 13), "u auditferry ");
}

TEST(Unit, LetsTheFileExporterGiveItsFilesToAGroup) {
  const auto keys = unit();
  std::vector<std::string> filters;
  const auto [begin, end] = keys.equal_range("SystemCallFilter");
  for (auto filter = begin; filter != end; ++filter) filters.push_back(filter->second);
  ASSERT_FALSE(filters.empty());
  EXPECT_EQ(filters.back(), "fchown") << "after ~@privileged, which holds it";
  EXPECT_EQ(the(keys, "SystemCallErrorNumber"), "EPERM");
}

TEST(Image, IsAskedForItsHealthAndIsNotRoot) {
  const std::string text = text_of(source + "Dockerfile");
  EXPECT_NE(text.find("CMD [\"/usr/bin/auditferry\", \"health\", \"--config\", \"/etc/auditferry/auditferry.toml\"]"), std::string::npos);
  EXPECT_NE(text.find("\nUSER 10640:10640\n"), std::string::npos);
  EXPECT_NE(text.find("\nSTOPSIGNAL SIGTERM\n"), std::string::npos);
}

}  // namespace
}  // namespace auditferry
