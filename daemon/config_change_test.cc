#include "daemon/config_change.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/load_settings.h"
#include "exporters/catalog.h"
#include "sources/embedded_profiles.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using Names = std::vector<std::string>;

// A configuration as the program reads it, secrets and all.
class ConfigChangeTest : public testing::Test {
 protected:
  ConfigChangeTest() {
    secret("one");
    before_ = read("");
  }
  void secret(const std::string& value) { std::ofstream(folder_ / "secret") << value; }
  Settings read(const std::string& more, const std::string& of_source = "", const std::string& of_daemon = "") {
    const std::string path = folder_ / "auditferry.toml";
    std::ofstream(path) << "[daemon]\n" << of_daemon << "\n[sources.acme]\nprofile = \"apptego\"\ntenant = \"t1\"\n" << of_source
                        << "\ncredentials.token_key = { file = \"secret\" }\ncredentials.token_secret = { file = \"secret\" }\n"
                        << "[exporters.archive]\ntype = \"file\"\npath = \"/tmp/{stream}.jsonl\"\n" << more;
    Result<LoadedSettings> loaded = load_for_running(path);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    if (!loaded.ok()) return {};
    loaded_ = *loaded;
    return std::move(loaded->settings);
  }
  ConfigChange change(const Settings& after) const { return compare_settings(before_, after); }

  TemporaryFolder folder_;
  LoadedSettings loaded_;
  Settings before_;
};

const std::string siem = "[exporters.siem]\ntype = \"http\"\nurl = \"https://siem.example.com/in\"\n";

TEST_F(ConfigChangeTest, TheSameFileReadTwiceIsNoChange) {
  const ConfigChange none = change(read(""));
  EXPECT_FALSE(none.any()) << none.words();
  EXPECT_EQ(none.words(), "nothing");
}

// Every type keeps settings of its own: each must be able to compare them.
TEST_F(ConfigChangeTest, EveryExporterTypeComparesItsOwnSettings) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"type = \"file\"\npath = \"/tmp/x-{stream}\"", "rotate.size = \"1MiB\""},
      {"type = \"stdout\"", "labels.a = \"b\""},
      {"type = \"http\"\nurl = \"https://a.example/\"", "method = \"PUT\""},
      {"type = \"splunk_hec\"\nurl = \"https://a.example\"\ntoken = { file = \"secret\" }", "index = \"main\""},
      {"type = \"elasticsearch\"\nhosts = [\"https://a.example\"]\nindex = \"x\"", "headers.X-A = \"b\""},
      {"type = \"otlp\"\nurl = \"https://a.example\"", "encoding = \"json\""},
      {"type = \"syslog\"\naddress = \"a.example:514\"\ntransport = \"tcp\"", "app_name = \"x\""},
  };
  Names seen;
  for (const auto& [type, own] : types) {
    SCOPED_TRACE(type);
    const std::string table = "[exporters.x]\n" + type + "\n";
    const Settings with = read(table);
    ASSERT_EQ(with.exporters.size(), 2u);
    seen.push_back(with.exporters[1].type);
    EXPECT_FALSE(compare_settings(with, read(table)).any());
    EXPECT_EQ(compare_settings(with, read(table + own + "\n")).exporters.changed, Names{"x"});
  }
  Names all = exporter_types();
  std::sort(all.begin(), all.end());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, all) << "a type that is not tried here";
}

TEST_F(ConfigChangeTest, ExportersThatCameWentAndChanged) {
  const ConfigChange added = change(read(siem));
  EXPECT_EQ(added.exporters, (NamedChanges{{"siem"}, {}, {}}));
  EXPECT_FALSE(added.sources.any());
  EXPECT_EQ(added.words(), "exporter siem added");
  EXPECT_EQ(compare_settings(read(siem), before_).exporters, (NamedChanges{{}, {"siem"}, {}}));
  EXPECT_EQ(compare_settings(read(siem), read(siem + "enabled = false\n")).exporters, (NamedChanges{{}, {"siem"}, {}}));
  EXPECT_EQ(compare_settings(read(siem), read(siem + "timeout = \"5s\"\n")).exporters, (NamedChanges{{}, {}, {"siem"}}));
  EXPECT_EQ(compare_settings(read(siem), read(siem + "[exporters.siem.select]\nstreams = [\"audit\"]\n")).exporters, (NamedChanges{{}, {}, {"siem"}}));
}

TEST_F(ConfigChangeTest, ASourceThatChanged) {
  EXPECT_EQ(change(read("", "poll_every = \"7s\"")).sources, (NamedChanges{{}, {}, {"acme"}}));
  EXPECT_FALSE(change(read("", "poll_every = \"7s\"")).exporters.any());
  EXPECT_EQ(change(read("", "streams = [\"audit\"]")).sources.changed, Names{"acme"});
  EXPECT_EQ(change(read("", "stream.audit.query = \"x\"")).sources.changed, Names{"acme"});
}

TEST_F(ConfigChangeTest, ASecretThatWasRotated) {
  secret("two");
  const ConfigChange rotated = change(read(""));
  EXPECT_EQ(rotated.sources.changed, Names{"acme"});
  EXPECT_FALSE(rotated.exporters.any());
}

TEST_F(ConfigChangeTest, AnotherProfileChangesTheExportersToo) {
  Settings after = read("");
  after.sources[0].profile.streams["audit"].fields.actor = "/other";
  const ConfigChange changed = change(after);
  EXPECT_EQ(changed.sources.changed, Names{"acme"});
  EXPECT_EQ(changed.exporters.changed, Names{"archive"});
  EXPECT_TRUE(changed.profiles);
}

TEST_F(ConfigChangeTest, ASourceOfAnotherBuiltInProfileLeavesTheExportersAlone) {
  const ConfigChange added = change(read("[sources.gh]\nprofile = \"github\"\ntenant = \"acme\"\ncredentials.token = { file = \"secret\" }\n"));
  EXPECT_EQ(added.sources, (NamedChanges{{"gh"}, {}, {}}));
  EXPECT_FALSE(added.exporters.any());
}

TEST_F(ConfigChangeTest, WhatNeedsARestartSaysSo) {
  const ConfigChange moved = change(read("", "", "state_dir = \"/elsewhere\""));
  ASSERT_EQ(moved.needs_restart.size(), 1u);
  EXPECT_NE(moved.needs_restart[0].find("daemon.state_dir was ./state and is now /elsewhere: this needs a restart"), std::string::npos)
      << moved.needs_restart[0];
  const ConfigChange heard = change(read("[admin]\nlisten = \"\"\n"));
  ASSERT_EQ(heard.needs_restart.size(), 1u);
  EXPECT_NE(heard.needs_restart[0].find("admin.listen was 127.0.0.1:9640 and is now \"\": this needs a restart"), std::string::npos)
      << heard.needs_restart[0];
}

TEST_F(ConfigChangeTest, TheRest) {
  EXPECT_EQ(change(read("[journal]\nkeep = \"1d\"\n")).words(), "change of [journal]");
  EXPECT_EQ(change(read("[admin]\nhosts = [\"x.example\"]\n")).words(), "change of admin.hosts");
  EXPECT_EQ(change(read("", "", "log_level = \"debug\"")).words(), "change of log_level or log_format (at the next start)");
  EXPECT_EQ(change(read("", "", "shutdown_timeout = \"1s\"")).words(), "change of shutdown_timeout");
}

TEST_F(ConfigChangeTest, WhatWasLoadedKnowsItsFiles) {
  EXPECT_EQ(loaded_.files, Names{folder_ / "secret"});
  EXPECT_EQ(loaded_.file, folder_ / "auditferry.toml");
  EXPECT_EQ(loaded_.text_sha256, file_sha256(folder_ / "auditferry.toml"));
  std::ofstream(folder_ / "more.toml") << "[exporters.more]\ntype = \"http\"\nurl = \"https://a.example/\"\ntls.ca_file = \"ca.pem\"\n";
  const std::string main = "include = [\"*re.toml\"]\n[exporters.archive]\ntype = \"stdout\"\n";
  std::ofstream(folder_ / "auditferry.toml") << main;
  const Result<LoadedSettings> loaded = load_for_running(folder_ / "auditferry.toml");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->files, Names{folder_ / "ca.pem"});
  std::ofstream(folder_ / "both") << main << std::ifstream(folder_ / "more.toml").rdbuf();
  EXPECT_EQ(loaded->text_sha256, file_sha256(folder_ / "both"));
}

// Whatever the files hold by now, the configuration in use can have its secrets read again.
TEST_F(ConfigChangeTest, SecretsAreReadAgainForTheTextsInUse) {
  const std::string included = "[exporters.more]\ntype = \"http\"\nurl = \"https://a.example/\"\nauth.bearer = { file = \"secret\" }\n";
  std::ofstream(folder_ / "more.toml") << included;
  std::ofstream(folder_ / "own.toml") << embedded_profiles().front().text;
  std::ofstream(folder_ / "auditferry.toml") << "include = [\"*re.toml\"]\n[sources.acme]\nprofile = \"own.toml\"\ntenant = \"t1\"\n"
                                             << "credentials.token_key = { file = \"secret\" }\ncredentials.token_secret = { file = \"secret\" }\n";
  const Result<LoadedSettings> running = load_for_running(folder_ / "auditferry.toml");
  ASSERT_TRUE(running.ok()) << running.error().message;
  std::ofstream(folder_ / "auditferry.toml") << "[daemon\n";
  std::ofstream(folder_ / "own.toml") << "wrong";
  std::filesystem::remove(folder_ / "more.toml");
  Result<LoadedSettings> again = read_secrets_again(*running);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(compare_settings(running->settings, again->settings).words(), "nothing");
  EXPECT_EQ(again->text_sha256, running->text_sha256);
  secret("two");
  again = read_secrets_again(*running);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->settings.sources.at(0).credentials.at("token_key").reveal(), "two");
  EXPECT_EQ(compare_settings(running->settings, again->settings).words(), "source acme changed, exporter more changed");
  std::filesystem::remove(folder_ / "secret");
  EXPECT_FALSE(read_secrets_again(*running).ok());
}

}  // namespace
}  // namespace auditferry
