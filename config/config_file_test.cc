#include "config/config_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "config/config_fixture.h"
#include "core/random.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;
using testing::TemporaryFolder;
using testing::test_hooks;

// A source and an exporter that are right, for tests that add to them.
const std::string good_source = R"([sources.acme]
profile = "apptego"
tenant = "t1"
credentials.token_key = { env = "KEY" }
credentials.token_secret = { env = "SECRET" }
)";
const std::string good_exporter = "[exporters.archive]\ntype = \"file\"\npath = \"/tmp/a\"\n";

std::vector<std::string> problems_of(const std::string& text) {
  const Result<Settings> settings = parse_config(text, "f", "/etc/auditferry", test_hooks());
  std::vector<std::string> lines;
  if (settings.ok()) return lines;
  EXPECT_EQ(settings.error().kind, ErrorKind::invalid);
  std::istringstream stream(settings.error().message);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

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

struct WrongFile {
  const char* text;     // follows a good source, which has five lines
  const char* problem;  // what its one error line begins with
};

TEST(ConfigFile, SaysWhatIsWrong) {
  const WrongFile cases[] = {
      {"start = \"24h\"", "f:6:1: sources.acme.start: expected a time such as \"2025-11-23T10:25:12Z\", a time "
                          "ago such as \"-24h\", or \"oldest\", found \"24h\""},
      {"start = 5", "f:6:1: sources.acme.start: expected a string, found the integer 5"},
      {"poll_every = 30", "f:6:1: sources.acme.poll_every: expected a duration such as \"30s\" (a whole number "
                          "and one of us ms s m h d y), found the integer 30: write \"30s\" for seconds"},
      {"poll_every = \"0s\"", "f:6:1: sources.acme.poll_every: expected a duration of at least \"1ms\", found "
                              "\"0s\""},
      {"max_record = 5", "f:6:1: sources.acme.max_record: expected a size such as \"64KiB\""},
      {"max_record = \"1GiB\"", "f:6:1: sources.acme.max_record: is larger than max_page_bytes"},
      {"pol_every = \"30s\"", "f:6:1: sources.acme.pol_every: unknown key; did you mean \"poll_every\"?"},
      {"catch_up = \"livefirst\"", "f:6:1: sources.acme.catch_up: \"livefirst\" is not a valid value; did you "
                                   "mean \"live_first\"?"},
      {"streams = [\"audti\"]", "f:6:1: sources.acme.streams: there is no stream \"audti\" in profile "
                                "\"apptego\"; did you mean \"audit\"?"},
      {"streams = []", "f:6:1: sources.acme.streams: is empty: name at least one"},
      {"streams = [\"audit\", \"audit\"]", "f:6:1: sources.acme.streams: names \"audit\" twice"},
      {"stream.devise.query = \"x\"", "f:6:8: sources.acme.stream.devise: unknown key; did you mean \"device\"?"},
      {"stream.device.page_size = 5000", "f:6:15: sources.acme.stream.device.page_size: 5000 is more than the "
                                         "profile's largest page of stream \"device\": at most 1000"},
      {"stream.device.id = \"event\"", "f:6:15: sources.acme.stream.device.id: expected a JSON pointer such as "
                                       "\"/event\""},
      {"credentials.token_kye = { env = \"KEY\" }", "f:6:13: sources.acme.credentials.token_kye: unknown key; did "
                                                    "you mean \"token_key\"?"},
      {"base_url = \"http://portal.example.com\"", "f:6:1: sources.acme.base_url: sends credentials and records "
                                                   "in the clear to portal.example.com: write https://, or "
                                                   "tls.insecure = true if this is meant"},
      {"tenants = [\"t2\"]", "f:6:1: sources.acme.tenants: stands beside tenant: write one of the two"},
      {"proxy = \"http://user:hunter2@proxy:1\"", "f:6:1: sources.acme.proxy: holds a password: write { env"},
      {"proxy = \"proxy:1\"", "f:6:1: sources.acme.proxy: expected \"http://HOST:PORT\", \"none\", or \"\""},
      {"tls.cert_file = \"a\"", "f:6:1: sources.acme.tls.key_file: is missing: a client certificate needs both"},
      {"tls.min_version = \"1.1\"", "f:6:5: sources.acme.tls.min_version: \"1.1\" is not a valid value"},
      {"headers.Authorization = \"hunter2\"", "f:6:9: sources.acme.headers.Authorization: is a secret and never "
                                              "stands in this file"},
      {"headers.X-A = \"a\\nb\"", "f:6:9: sources.acme.headers.X-A: holds a line break"},
      {"[sources.acme.credentials]\nx = 1", "f:6:1: not valid TOML: Error while parsing table header: cannot "
                                            "redefine existing table 'sources.acme.credentials'; write all keys "
                                            "of one table in one place"},
      {"[daemon]\nlog_level = \"wran\"", "f:7:1: daemon.log_level: \"wran\" is not a valid value; did you "
                                            "mean \"warn\"?"},
      {"[admin]\nlisten = \"9640\"", "f:7:1: admin.listen: expected \"HOST:PORT\""},
      {"[admin]\nlisten = \"::1:9640\"", "f:7:1: admin.listen: expected \"HOST:PORT\""},
      {"[journal]\nremember = \"1d\"", "f:7:1: journal.remember: is shorter than keep (7d)"},
      {"[journl]\nkeep = \"1d\"", "f:6:2: journl: unknown key; did you mean \"journal\"?"},
      {"[exporters.a]\ntype = \"fiel\"\nx = 1", "f:7:1: exporters.a.type: there is no exporter type \"fiel\"; did "
                                                "you mean \"file\"?"},
      {"[exporters.a]\npath = \"x\"", "f:6:1: exporters.a.type: is missing; a string is needed here"},
      {"[exporters.a]\ntype = \"file\"", "f:6:1: exporters.a.path: is missing; a string is needed here"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nformat = \"jsno\"", "f:9:1: exporters.a.format: \"jsno\" is "
                                                                          "not a valid value; did you mean "
                                                                          "\"json\"?"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nselect.sources = [\"acm\"]",
       "f:9:8: exporters.a.select.sources: there is no source \"acm\"; did you mean \"acme\"?"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nselect.streams = [\"audits\"]",
       "f:9:8: exporters.a.select.streams: there is no stream \"audits\"; did you mean \"audit\"?"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nlabels.n = 1",
       "f:9:8: exporters.a.labels.n: expected a string, found the integer 1"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\n[exporters.b]\ntype = \"file\"\npath = \"x\"",
       "f:9:12: exporters.b: writes to the same place as exporter \"a\" (f:6:12): x; give each its own"},
      {"[sources.\"a b\"]\nprofile = \"apptego\"", "f:6:10: sources.\"a b\": is no name for a source"},
      {"[sources.b]\nprofile = \"other\"", "f:7:1: sources.b.profile: cannot be used: /etc/auditferry/other:1:1: "
                                           "a: bad"},
      {"[sources.b]\nprofile = \"open\"\ntenant = \"a/b\"", "f:8:1: sources.b.tenant: \"a/b\" is no tenant"},
      {"[sources.b]\nprofile = \"apptego\"\ntenant = \"t1\"\nstreams = [\"audit\"]\ncredentials.token_key = { env = "
       "\"KEY\" }\ncredentials.token_secret = { env = \"KEY\" }",
       "f:6:10: sources.b: collects stream \"audit\" of tenant \"t1\" at https://portal.example.com/frontend, as "
       "source \"acme\" (f:1:10) does: keep one of the two"},
  };
  for (const WrongFile& wrong : cases) {
    const std::vector<std::string> lines = problems_of(good_source + wrong.text + "\n");
    ASSERT_FALSE(lines.empty()) << wrong.text;
    EXPECT_EQ(lines[0].substr(0, std::string_view(wrong.problem).size()), wrong.problem) << wrong.text;
    for (const std::string& line : lines) EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
  }
}

TEST(ConfigFile, ReportsAllErrorsAtOnce) {
  const std::vector<std::string> lines = problems_of(R"(
[daemon]
log_levle = "info"
shutdown_timeout = 20
[sources.acme]
profile = "apptego"
streams = ["audit", "devic"]
poll_every = "30 seconds"
credentials.token_key = "hunter2"
[exporters.a]
type = "fil"
)");
  const std::vector<std::string> expected = {
      "f:3:1: daemon.log_levle: unknown key; did you mean \"log_level\"?",
      "f:4:1: daemon.shutdown_timeout: expected a duration",
      "f:5:1: sources.acme.tenant: is missing: AppTego Management API needs the id of the tenant",
      "f:7:1: sources.acme.streams: there is no stream \"devic\" in profile \"apptego\"; did you mean \"device\"?",
      "f:8:1: sources.acme.poll_every: expected a duration",
      "f:9:1: sources.acme.credentials: the credential token_secret is missing: write credentials.token_secret = ",
      "f:9:13: sources.acme.credentials.token_key: a secret never stands in this file: write { env = \"NAME\" }",
      "f:11:1: exporters.a.type: there is no exporter type \"fil\"; did you mean \"file\"?",
  };
  ASSERT_EQ(lines.size(), expected.size()) << ::testing::PrintToString(lines);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(lines[i].substr(0, expected[i].size()), expected[i]);
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
  const TemporaryFolder folder;
  const std::string path = folder.write("main.toml", "include = [\"conf.d/*.toml\", \"conf.d/b.toml\"]\n" + good_source);
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
  const TemporaryFolder folder;
  const std::string path =
      folder.write("main.toml", "include = [\"conf.d/*.toml\", \"none.toml\"]\n" + good_source);
  folder.write("conf.d/a.toml", "include = [\"b.toml\"]\n" + good_source + "[daemon]\nlog_level = \"info\"\n");
  folder.write("conf.d/b.toml", "a = = 1\n");
  const Result<Settings> settings = load_config(path, test_hooks());
  ASSERT_FALSE(settings.ok());
  const std::string& message = settings.error().message;
  EXPECT_NE(message.find("main.toml:1:1: include: there is no file " + folder.path() + "/none.toml"),
            std::string::npos) << message;
  EXPECT_NE(message.find("a.toml:1:1: include: stands in the main file only"), std::string::npos) << message;
  EXPECT_NE(message.find("a.toml:2:10: sources.acme: is defined already at " + path + ":2:10"), std::string::npos)
      << message;
  EXPECT_NE(message.find("a.toml:7:2: daemon: stands in the main file only"), std::string::npos) << message;
  EXPECT_NE(message.find("b.toml:1:"), std::string::npos) << message;
}

TEST(ConfigFile, SaysWhyAFileCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(load_config(folder.path() + "/none.toml", test_hooks()).error().kind, ErrorKind::not_found);
  EXPECT_EQ(load_config(folder.path(), test_hooks()).error().kind, ErrorKind::io);
}

// Any value at any key gives settings or errors, never a crash.
TEST(ConfigFile, SurvivesAnyValues) {
  Random random(7);
  const char* keys[] = {"include", "daemon", "daemon.state_dir", "admin.listen", "journal.max_size", "sources",
                        "sources.a", "sources.a.profile", "sources.a.tenants", "sources.a.streams",
                        "sources.a.stream.audit", "sources.a.credentials", "sources.a.tls.ca_file",
                        "sources.a.start", "sources.a.headers", "exporters", "exporters.b.type",
                        "exporters.b.select", "exporters.b.batch", "exporters.b.labels", "sources.a.proxy"};
  const char* values[] = {"1", "\"\"", "\"apptego\"", "\"file\"", "[]", "{}", "[\"audit\"]", "{ x = 1 }",
                          "2025-01-01T00:00:00Z", "true", "1.5", "\"oldest\"", "[[1]]", "\"[::1]:1\"", "\":\""};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 5; ++i) {
      text += std::string(keys[random.below(std::size(keys))]) + " = " + values[random.below(std::size(values))] + "\n";
    }
    const Result<Settings> settings = parse_config(text, "f", "/nonexistent", test_hooks());
    const bool explained = settings.ok() || !settings.error().message.empty();
    ASSERT_TRUE(explained) << text;
  }
}

}  // namespace
}  // namespace auditferry
