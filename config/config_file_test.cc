#include "config/config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/current_user.h"
#include "core/random.h"
#include "tests/support/config_fixture.h"
#include "tests/support/without_root.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;
using fixture::ConfigFolder;
using fixture::good_exporter;
using fixture::good_source;
using fixture::problems_of;
using fixture::test_hooks;

TEST(ConfigFile, FillsInDefaults) {
  const Result<Settings> settings = parse_config(good_source + good_exporter, "f", "", test_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->daemon.state_dir, "/var/lib/one");
  EXPECT_EQ(settings->admin.port, 9640);
  ASSERT_EQ(settings->sources.size(), 1u);
  const SourceSettings& source = settings->sources[0];
  EXPECT_EQ(source.name, "acme");
  EXPECT_EQ(source.base_url, "https://portal.example.com/frontend");
  EXPECT_EQ(source.credentials.at("token_secret"), Secret("example-secret"));
  ASSERT_EQ(source.streams.size(), 2u);
  EXPECT_EQ(source.streams[0].start.kind, StartSetting::Kind::ago);
  EXPECT_EQ(source.streams[1].reread, (std::vector<Duration>{1h}));
  ASSERT_EQ(settings->exporters.size(), 1u);
  EXPECT_EQ(settings->exporters[0].format, "json");
  EXPECT_EQ(settings->exporters[0].batch.records, 5000u);
}

TEST(ConfigFile, DefaultsToAStateFolderHere) {
  ConfigHooks hooks = test_hooks();
  hooks.environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "STATE_DIRECTORY" ? std::nullopt : std::optional<std::string>("x");
  };
  const Result<Settings> settings = parse_config(good_source, "f", "", hooks);
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->daemon.state_dir, "./state");
}

TEST(ConfigFile, ReadsEveryKeyIntoItsPlace) {
  const Result<Settings> settings = parse_config(R"(
[daemon]
state_dir = "/s"
log_level = "debug"
log_format = "json"
shutdown_timeout = "5s"
[admin]
listen = "[::1]:0"
hosts = ["audit.example.com"]
[journal]
keep = "1d"
max_size = "2GiB"
[sources.acme]
profile = "apptego"
base_url = "http://127.0.0.1:8480/"
tenant = "t1"
streams = ["device"]
requests_per_minute = 30
catch_up = "oldest_first"
max_retry_after = "1h"
max_backoff = "1m"
max_page_bytes = "1MiB"
max_record = "64KiB"
user_agent = "example"
proxy = { env = "KEY" }
connect_timeout = "1s"
timeout = "2s"
compression = "gzip"
start = "oldest"
overlap = "20m"
retention = "30d"
page_size = 50
tls = { ca_file = "ca.pem", min_version = "1.3" }
[sources.acme.credentials]
token_key = { env = "KEY" }
token_secret = { env = "SECRET" }
[sources.acme.headers]
X-Team = "audit"
[sources.acme.stream.device]
query = "q"
start = 2025-11-23T10:25:12Z
settle = "1s"
slice = "2h"
poll_every = "5s"
reread = ["24h", "1h", "1h"]
id = ""
time_unit = "milliseconds"
[exporters.archive]
type = "file"
path = "/tmp/a"
format = "raw"
enabled = false
start = "now"
when_full = "release"
max_backoff = "1m"
labels = { site = "berlin" }
select = { sources = ["acme"], streams = ["audit"] }
batch = { records = 10, bytes = "2KiB", wait = "0s" }
)",
                                                 "f", "/etc/auditferry", test_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->daemon.state_dir, "/s");
  EXPECT_EQ(settings->daemon.log_level, LogLevel::debug);
  EXPECT_TRUE(settings->daemon.log_json);
  EXPECT_EQ(settings->admin.host, "::1");
  EXPECT_EQ(settings->admin.port, 0);
  EXPECT_EQ(settings->admin.hosts.size(), 1u);
  EXPECT_EQ(settings->journal.keep, 24h);
  EXPECT_EQ(settings->journal.max_size, std::uint64_t{2} << 30);
  const SourceSettings& source = settings->sources.at(0);
  EXPECT_EQ(source.base_url, "http://127.0.0.1:8480");
  EXPECT_EQ(source.requests_per_minute, 30u);
  EXPECT_EQ(source.catch_up, CatchUp::oldest_first);
  EXPECT_EQ(source.max_retry_after, 1h);
  EXPECT_EQ(source.max_backoff, 1min);
  EXPECT_EQ(source.max_page_bytes, 1u << 20);
  EXPECT_EQ(source.max_record, 65536u);
  EXPECT_EQ(source.peer.user_agent, "example");
  EXPECT_EQ(source.peer.proxy, "example-key");
  EXPECT_EQ(source.peer.connect_timeout, 1s);
  EXPECT_EQ(source.peer.timeout, 2s);
  EXPECT_EQ(source.peer.compression, Compression::gzip);
  EXPECT_EQ(source.peer.tls.ca_file, "/etc/auditferry/ca.pem");
  EXPECT_EQ(source.peer.tls.min_version, TlsVersion::tls1_3);
  EXPECT_EQ(source.headers.at("X-Team"), "audit");
  ASSERT_EQ(source.streams.size(), 1u);
  const StreamSettings& stream = source.streams[0];
  EXPECT_EQ(stream.query, "q");
  EXPECT_EQ(stream.start.kind, StartSetting::Kind::time);
  EXPECT_EQ(stream.start.time, from_micros(1'763'893'512'000'000));
  EXPECT_EQ(stream.overlap, 20min);
  EXPECT_EQ(stream.settle, 1s);
  EXPECT_EQ(stream.slice, 2h);
  EXPECT_EQ(stream.poll_every, 5s);
  EXPECT_EQ(stream.retention, std::optional<Duration>(720h));
  EXPECT_EQ(stream.reread, (std::vector<Duration>{1h, 24h}));
  EXPECT_EQ(stream.profile.page_size, 50u);
  EXPECT_EQ(stream.profile.fields.id, "");
  EXPECT_EQ(stream.profile.time_unit, TimeUnit::milliseconds);
  EXPECT_EQ(stream.profile.request_time_unit, TimeUnit::milliseconds);
  const ExporterSettings& exporter = settings->exporters.at(0);
  EXPECT_EQ(exporter.format, "raw");
  EXPECT_FALSE(exporter.enabled);
  EXPECT_TRUE(exporter.start_now);
  EXPECT_EQ(exporter.when_full, WhenFull::release);
  EXPECT_EQ(exporter.labels.at("site"), "berlin");
  EXPECT_EQ(exporter.select.streams, std::vector<std::string>{"audit"});
  EXPECT_EQ(exporter.batch.records, 10u);
  EXPECT_EQ(exporter.batch.bytes, 2048u);
}

TEST(ConfigFile, RefusesAnEmptyFile) {
  const std::vector<std::string> lines = problems_of("");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("neither a source nor an exporter"), std::string::npos);
}

TEST(ConfigFile, MakesASourceOfEachTenant) {
  std::string text = good_source + R"([exporters.a]
type = "file"
path = "x"
select.sources = ["acme"]
[exporters.b]
type = "file"
path = "y"
select.sources = ["acme-t2"]
)";
  text.replace(text.find("tenant = \"t1\""), 13, "tenants = [\"t1\", \"t2\"]");
  const Result<Settings> settings = parse_config(text, "f", "", test_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  ASSERT_EQ(settings->sources.size(), 2u);
  EXPECT_EQ(settings->sources[0].name, "acme-t1");
  EXPECT_EQ(settings->sources[1].name, "acme-t2");
  EXPECT_EQ(settings->sources[1].tenant, "t2");
  EXPECT_EQ(settings->exporters[0].select.sources, (std::vector<std::string>{"acme-t1", "acme-t2"}));
  EXPECT_EQ(settings->exporters[1].select.sources, std::vector<std::string>{"acme-t2"});
  text.replace(text.find("\"t1\", \"t2\""), 10, "\"t1\", \"t1\"");
  EXPECT_EQ(problems_of(text)[0], "f:3:1: sources.acme.tenants: names \"t1\" twice");
}

TEST(ConfigFile, NeedsNoSecretsWhenTold) {
  ConfigHooks hooks = test_hooks();
  hooks.environment = [](const std::string&) { return std::nullopt; };
  EXPECT_FALSE(parse_config(good_source, "f", "", hooks).ok());
  hooks.resolve_secrets = false;
  EXPECT_TRUE(parse_config(good_source, "f", "", hooks).ok());
}

TEST(ConfigFile, IncludesFiles) {
  const ConfigFolder folder;
  const std::string path =
      folder.write("main.toml", "include = [\"conf.d/*.toml\", \"conf.d/b.toml\"]\n" + good_source);
  folder.write("conf.d/b.toml", good_exporter);
  folder.write("conf.d/a.toml", "[sources.other]\nprofile = \"open\"\n");
  folder.write("conf.d/ignored.txt", "not TOML");
  const Result<Settings> settings = load_config(path, test_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  ASSERT_EQ(settings->sources.size(), 2u);
  EXPECT_EQ(settings->sources[1].name, "other");
  EXPECT_EQ(settings->exporters.size(), 1u);
}

TEST(ConfigFile, RefusesWrongIncludes) {
  const ConfigFolder folder;
  const std::string path =
      folder.write("main.toml", "include = [\"conf.d/*.toml\", \"none.toml\"]\n" + good_source);
  folder.write("conf.d/a.toml",
               "include = [\"b.toml\"]\n" + good_source + "[daemon]\nlog_level = \"info\"\n");
  folder.write("conf.d/b.toml", "a = = 1\n");
  const Result<Settings> settings = load_config(path, test_hooks());
  ASSERT_FALSE(settings.ok());
  const std::string& message = settings.error().message;
  EXPECT_NE(message.find("main.toml:1:1: include: there is no file " + folder.path() + "/none.toml"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("a.toml:1:1: include: stands in the main file only"), std::string::npos) << message;
  EXPECT_NE(message.find("a.toml:2:10: sources.acme: is defined already at " + path + ":2:10"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("a.toml:7:2: daemon: stands in the main file only"), std::string::npos) << message;
  EXPECT_NE(message.find("b.toml:1:"), std::string::npos) << message;
}

TEST(ConfigFile, NamesTheFolderOfAFileThatIsHere) {
  const ConfigFolder folder;
  folder.write("main.toml", good_source);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  ConfigHooks hooks = test_hooks();
  std::string given;
  hooks.load_profile = [&given](const std::string&, const std::string& where) -> Result<Profile> {
    given = where;
    return fixture::test_profile();
  };
  EXPECT_TRUE(load_config("main.toml", hooks).ok());
  std::filesystem::current_path(before);
  EXPECT_EQ(given, ".");
}

TEST(ConfigFile, SaysWhyAFileCannotBeRead) {
  const ConfigFolder folder;
  EXPECT_EQ(load_config(folder.path() + "/none.toml", test_hooks()).error().kind, ErrorKind::not_found);
  EXPECT_EQ(load_config(folder.path(), test_hooks()).error().kind, ErrorKind::io);
}

TEST(ConfigFile, NamesTheUserThatMayNotReadIt) {
  const ConfigFolder folder;
  const std::string path = folder.write("main.toml", good_source + good_exporter);
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  const WithoutRoot without_root;
  ASSERT_TRUE(without_root.effective());
  const Error refused = load_config(path, test_hooks()).error();
  EXPECT_EQ(refused.kind, ErrorKind::permission);
  EXPECT_NE(refused.message.find("let the user " + current_user() + " read it"), std::string::npos) << refused.message;
  EXPECT_NE(refused.message.find("chgrp auditferry " + path + "; chmod 0640 " + path), std::string::npos) << refused.message;
}

// Any value at any key gives settings or errors, never a crash.
TEST(ConfigFile, SurvivesAnyValues) {
  Random random(7);
  const char* keys[] = {"include",
                        "daemon",
                        "daemon.state_dir",
                        "admin.listen",
                        "journal.max_size",
                        "sources",
                        "sources.a",
                        "sources.a.profile",
                        "sources.a.tenants",
                        "sources.a.streams",
                        "sources.a.stream.audit",
                        "sources.a.credentials",
                        "sources.a.tls.ca_file",
                        "sources.a.start",
                        "sources.a.headers",
                        "exporters",
                        "exporters.b.type",
                        "exporters.b.select",
                        "exporters.b.batch",
                        "exporters.b.labels",
                        "exporters.b.redact",
                        "exporters.b.redact_key",
                        "exporters.b.select.where",
                        "sources.a.proxy"};
  const char* values[] = {"1",           "\"\"",        "\"apptego\"",
                          "\"file\"",    "[]",          "{}",
                          "[\"audit\"]", "{ x = 1 }",   "2025-01-01T00:00:00Z",
                          "true",        "1.5",         "\"oldest\"",
                          "[[1]]",       "\"[::1]:1\"", "\":\"",
                          "[{ field = \"/a\", action = \"hash\" }]", "[{ field = \"~\", in = [{}] }]"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 5; ++i) {
      text += std::string(keys[random.below(std::size(keys))]) + " = " +
              values[random.below(std::size(values))] + "\n";
    }
    const Result<Settings> settings = parse_config(text, "f", "/nonexistent", test_hooks());
    const bool explained = settings.ok() || !settings.error().message.empty();
    ASSERT_TRUE(explained) << text;
  }
}

}  // namespace
}  // namespace auditferry
