#include <gtest/gtest.h>

#include "config/config_file.h"
#include "tests/support/config_fixture.h"

namespace auditferry {
namespace {

using fixture::good_source;
using fixture::problems_of;

struct WrongFile {
  const char* text;     // follows a good source, which has five lines
  const char* problem;  // what its one error line begins with
};

TEST(ConfigErrors, SaysWhatIsWrong) {
  const WrongFile cases[] = {
      {"start = \"24h\"",
       "f:6:1: sources.acme.start: expected a time such as \"2025-11-23T10:25:12Z\", a time "
       "ago such as \"-24h\", or \"oldest\", found \"24h\""},
      {"start = 5", "f:6:1: sources.acme.start: expected a string, found the integer 5"},
      {"poll_every = 30",
       "f:6:1: sources.acme.poll_every: expected a duration such as \"30s\" (a whole number "
       "and one of us ms s m h d y), found the integer 30: write \"30s\" for seconds"},
      {"poll_every = \"0s\"",
       "f:6:1: sources.acme.poll_every: expected a duration of at least \"1ms\", found "
       "\"0s\""},
      {"max_record = 5", "f:6:1: sources.acme.max_record: expected a size such as \"64KiB\""},
      {"max_record = \"1GiB\"", "f:6:1: sources.acme.max_record: is larger than max_page_bytes"},
      {"pol_every = \"30s\"", "f:6:1: sources.acme.pol_every: unknown key; did you mean \"poll_every\"?"},
      {"catch_up = \"livefirst\"",
       "f:6:1: sources.acme.catch_up: \"livefirst\" is not a valid value; did you "
       "mean \"live_first\"?"},
      {"streams = [\"audti\"]",
       "f:6:1: sources.acme.streams: there is no stream \"audti\" in profile "
       "\"apptego\"; did you mean \"audit\"?"},
      {"streams = []", "f:6:1: sources.acme.streams: is empty: name at least one"},
      {"streams = [\"audit\", \"audit\"]", "f:6:1: sources.acme.streams: names \"audit\" twice"},
      {"stream.devise.query = \"x\"",
       "f:6:8: sources.acme.stream.devise: unknown key; did you mean \"device\"?"},
      {"stream.device.page_size = 5000",
       "f:6:15: sources.acme.stream.device.page_size: 5000 is more than the "
       "profile's largest page of stream \"device\": at most 1000"},
      {"stream.device.id = \"event\"",
       "f:6:15: sources.acme.stream.device.id: expected a JSON pointer such as "
       "\"/event\""},
      {"credentials.token_kye = { env = \"KEY\" }",
       "f:6:13: sources.acme.credentials.token_kye: unknown key; did "
       "you mean \"token_key\"?"},
      {"base_url = \"http://portal.example.com\"",
       "f:6:1: sources.acme.base_url: sends credentials and records "
       "in the clear to portal.example.com: write https://, or "
       "tls.insecure = true if this is meant"},
      {"tenants = [\"t2\"]", "f:6:1: sources.acme.tenants: stands beside tenant: write one of the two"},
      {"proxy = \"http://user:hunter2@proxy:1\"", "f:6:1: sources.acme.proxy: holds a password: write { env"},
      {"proxy = \"proxy:1\"", "f:6:1: sources.acme.proxy: expected \"http://HOST:PORT\", \"none\", or \"\""},
      {"tls.cert_file = \"a\"",
       "f:6:1: sources.acme.tls.key_file: is missing: a client certificate needs both"},
      {"tls.min_version = \"1.1\"", "f:6:5: sources.acme.tls.min_version: \"1.1\" is not a valid value"},
      {"headers.Authorization = \"hunter2\"",
       "f:6:9: sources.acme.headers.Authorization: is a secret and never "
       "stands in this file"},
      {"headers.X-A = \"a\\nb\"", "f:6:9: sources.acme.headers.X-A: holds a line break"},
      {"[sources.acme.credentials]\nx = 1",
       "f:6:1: not valid TOML: Error while parsing table header: cannot "
       "redefine existing table 'sources.acme.credentials'; write all keys "
       "of one table in one place"},
      {"[daemon]\nlog_level = \"wran\"",
       "f:7:1: daemon.log_level: \"wran\" is not a valid value; did you "
       "mean \"warn\"?"},
      {"[daemon]\nlog_level = \"in\\tfo\"", "f:7:1: daemon.log_level: \"in fo\" is not a valid value"},
      {"[admin]\nenabled = tru\n", "f:7:14: not valid TOML: Error while parsing boolean: expected 'true', saw 'tru '"},
      {"[admin]\nlisten = \"9640\"", "f:7:1: admin.listen: expected \"HOST:PORT\""},
      {"[admin]\nlisten = \"::1:9640\"", "f:7:1: admin.listen: expected \"HOST:PORT\""},
      {"[journal]\nremember = \"1d\"", "f:7:1: journal.remember: is shorter than keep (7d)"},
      {"[journl]\nkeep = \"1d\"", "f:6:2: journl: unknown key; did you mean \"journal\"?"},
      {"[exporters.a]\ntype = \"fiel\"\nx = 1",
       "f:7:1: exporters.a.type: there is no exporter type \"fiel\"; did "
       "you mean \"file\"?"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nconcurrency = 2",
       "f:9:1: exporters.a.concurrency: an exporter of type \"file\" does one write at a time"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nconcurrency = 65", "f:9:1: exporters.a.concurrency: "},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\ndead_letters.max_rate = -1", "f:9:14: exporters.a.dead_letters.max_rate: "},
      {"[exporters.a]\npath = \"x\"", "f:6:1: exporters.a.type: is missing; a string is needed here"},
      {"[exporters.a]\ntype = \"file\"", "f:6:1: exporters.a.path: is missing; a string is needed here"},
      {"[exporters.a]\ntype = \"file\"\npath = \"x\"\nformat = \"jsno\"",
       "f:9:1: exporters.a.format: \"jsno\" is "
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
      {"[sources.b]\nprofile = \"other\"",
       "f:7:1: sources.b.profile: cannot be used: /etc/auditferry/other:1:1: "
       "a: bad"},
      {"[sources.b]\nprofile = \"open\"\ntenant = \"a/b\"", "f:8:1: sources.b.tenant: \"a/b\" is no tenant"},
      {"[sources.b]\nprofile = \"apptego\"\ntenant = \"t1\"\nstreams = [\"audit\"]\ncredentials.token_key = "
       "{ env = "
       "\"KEY\" }\ncredentials.token_secret = { env = \"KEY\" }",
       "f:6:10: sources.b: collects stream \"audit\" of tenant \"t1\" of vendor \"apptego\", as "
       "source \"acme\" (f:1:10) does, and their records would share their ids: keep one of the two"},
      {"[sources.b]\nprofile = \"apptego\"\ntenant = \"t1\"\nbase_url = \"https://elsewhere.example.com\"\nstreams = [\"audit\"]\n"
       "credentials.token_key = { env = \"KEY\" }\ncredentials.token_secret = { env = \"KEY\" }",
       "f:6:10: sources.b: collects stream \"audit\" of tenant \"t1\" of vendor \"apptego\", as "},
  };
  for (const WrongFile& wrong : cases) {
    const std::vector<std::string> lines = problems_of(good_source + wrong.text + "\n");
    ASSERT_FALSE(lines.empty()) << wrong.text;
    EXPECT_EQ(lines[0].substr(0, std::string_view(wrong.problem).size()), wrong.problem) << wrong.text;
    for (const std::string& line : lines) EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
  }
}

TEST(ConfigErrors, ReportsAllErrorsAtOnce) {
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
      "f:7:1: sources.acme.streams: there is no stream \"devic\" in profile \"apptego\"; did you mean "
      "\"device\"?",
      "f:8:1: sources.acme.poll_every: expected a duration",
      "f:9:1: sources.acme.credentials: the credential token_secret is missing: write "
      "credentials.token_secret = ",
      "f:9:13: sources.acme.credentials.token_key: a secret never stands in this file: write { env = "
      "\"NAME\" }",
      "f:11:1: exporters.a.type: there is no exporter type \"fil\"; did you mean \"file\"?",
  };
  ASSERT_EQ(lines.size(), expected.size()) << ::testing::PrintToString(lines);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(lines[i].substr(0, expected[i].size()), expected[i]);
}

// What comes of these lines behind a good source: the fingerprint, or the first error.
std::string fingerprint_read_of(const std::string& lines) {
  const Result<Settings> settings = parse_config(good_source + lines + fixture::good_exporter, "f", "", fixture::test_hooks());
  if (settings.ok()) return settings->sources.at(0).peer.tls.fingerprint;
  return settings.error().message.substr(0, settings.error().message.find('\n'));
}

TEST(ConfigErrors, SaysWhatIsWrongWithAFingerprint) {
  const std::string good = "sha-256:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";
  EXPECT_EQ(fingerprint_read_of("tls.fingerprint = \"" + good + "\"\n"),
            "sha-256:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F");
  EXPECT_EQ(fingerprint_read_of("tls.fingerprint = \"\"\n"), "");
  const auto expect_error = [](const std::string& lines, const std::string& words) {
    const std::string met = fingerprint_read_of(lines);
    EXPECT_NE(met.find(words), std::string::npos) << lines << met;
  };
  const std::string wrong = "sources.acme.tls.fingerprint: expected \"sha-256:\" and 32 pairs";
  expect_error("tls.fingerprint = \"sha-256:00:01\"\n", wrong);
  expect_error("tls.fingerprint = \"" + good + ":20\"\n", wrong);
  expect_error("tls.fingerprint = \"" + good.substr(8) + "\"\n", wrong);
  std::string no_colon = good;
  no_colon[10] = '-';
  expect_error("tls.fingerprint = \"" + no_colon + "\"\n", wrong);
  std::string no_digit = good;
  no_digit[9] = 'g';
  expect_error("tls.fingerprint = \"" + no_digit + "\"\n", wrong);
  expect_error("tls.fingerprint = \"sha-1:00:01\"\n", "sources.acme.tls.fingerprint: SHA-1 can be forged");
  expect_error("tls = { ca_file = \"a\", fingerprint = \"" + good + "\" }\n", "tls.fingerprint: stands beside ca_file");
  expect_error("tls = { insecure = true, fingerprint = \"" + good + "\" }\n", "tls.fingerprint: stands beside insecure");
  expect_error("base_url = \"http://127.0.0.1\"\ntls.fingerprint = \"" + good + "\"\n", "sources.acme.base_url: has no certificate");
}

}  // namespace
}  // namespace auditferry
