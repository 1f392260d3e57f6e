#include "exporters/syslog_settings.h"

#include <gtest/gtest.h>

#include <iterator>

#include "exporters/catalog.h"

namespace auditferry {
namespace {

// Reads a table as the configuration does; the problems, or what came out.
struct SyslogRead {
  explicit SyslogRead(const std::string& text) {
    settings.type = "syslog";
    settings.name = "siem";
    const auto document = TomlDocument::parse(text, "test.toml", problems);
    if (!document) return;
    TomlTable table = document->root();
    for (const char* key : {"type", "format"}) table.knows(key);
    read_exporter(settings, table, SecretPlaces());
    document->report_unknown_keys();
    asked = document->asked_keys();
  }
  bool complains(const std::string& words) const {
    for (const std::string& line : problems.lines()) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }
  const SyslogSettings& own() const { return std::any_cast<const SyslogSettings&>(settings.own); }
  TomlProblems problems;
  ExporterSettings settings;
  std::vector<std::string> asked;
};

TEST(SyslogSettingsTest, Defaults) {
  const SyslogRead read("transport = \"tcp\"\naddress = \"logs.example:514\"");
  ASSERT_TRUE(read.problems.empty()) << read.problems.lines().front();
  EXPECT_EQ(read.own().address.host, "logs.example");
  EXPECT_EQ(read.own().address.port, 514);
  EXPECT_FALSE(read.own().address.tls);
  EXPECT_EQ(read.own().protocol, SyslogProtocol::rfc5424);
  EXPECT_EQ(read.own().framing, SyslogFraming::octet_counting);
  EXPECT_EQ(read.own().max_message, 8192u);
  EXPECT_EQ(read.own().oversize, SyslogOversize::dead_letter);
  EXPECT_EQ(read.own().linger, std::chrono::seconds(10));
  EXPECT_EQ(read.own().facility, 16);
  EXPECT_FALSE(read.own().bom);
  EXPECT_TRUE(read.own().structured_data);
  EXPECT_EQ(read.own().peer_name(), "tcp://logs.example:514");
}

TEST(SyslogSettingsTest, EveryKey) {
  const SyslogRead read(
      "transport = \"tls\"\naddress = \"[::1]:6514\"\nprotocol = \"rfc5424\"\nframing = \"newline\"\n"
      "max_message = \"64KiB\"\noversize = \"truncate\"\nlinger = \"30s\"\nfacility = \"audit\"\n"
      "severity = {default = \"notice\", failure = \"error\", detection = \"alert\", gap = \"critical\"}\n"
      "app_name = \"ferry\"\nenterprise_number = 99999\nbom = true\nhostname = \"h\"\nstructured_data = "
      "false\n"
      "timeout = \"5s\"\nproxy = \"http://proxy.example:3128\"\ntls.server_name = \"logs.example\"");
  ASSERT_TRUE(read.problems.empty()) << read.problems.lines().front();
  const SyslogSettings& own = read.own();
  EXPECT_EQ(own.transport, SyslogTransport::tls);
  EXPECT_TRUE(own.address.tls);
  EXPECT_EQ(own.address.host, "::1");
  EXPECT_EQ(own.protocol, SyslogProtocol::rfc5424);
  EXPECT_EQ(own.framing, SyslogFraming::newline);
  EXPECT_EQ(own.max_message, 65536u);
  EXPECT_EQ(own.oversize, SyslogOversize::truncate);
  EXPECT_EQ(own.linger, std::chrono::seconds(30));
  EXPECT_EQ(own.facility, 13);
  EXPECT_EQ(own.severities.usual, SyslogSeverity::notice);
  EXPECT_EQ(own.severities.failure, SyslogSeverity::error);
  EXPECT_EQ(own.severities.detection, SyslogSeverity::alert);
  EXPECT_EQ(own.severities.gap, SyslogSeverity::critical);
  EXPECT_EQ(own.app_name, "ferry");
  EXPECT_EQ(own.enterprise_number, 99999u);
  EXPECT_TRUE(own.bom);
  EXPECT_EQ(own.hostname, "h");
  EXPECT_FALSE(own.structured_data);
  EXPECT_EQ(own.peer.timeout, std::chrono::seconds(5));
  EXPECT_EQ(own.peer.tls.server_name, "logs.example");
  EXPECT_EQ(own.peer_name(), "tls://[::1]:6514");
}

TEST(SyslogSettingsTest, Rfc3164) {
  const SyslogRead read("transport = \"udp\"\naddress = \"h:514\"\nprotocol = \"rfc3164\"\napp_name = \"ferry\"");
  ASSERT_TRUE(read.problems.empty()) << read.problems.lines().front();
  EXPECT_EQ(read.own().protocol, SyslogProtocol::rfc3164);
}

TEST(SyslogSettingsTest, UnixSockets) {
  const SyslogRead datagrams("transport = \"unix\"\npath = \"/dev/log\"");
  ASSERT_TRUE(datagrams.problems.empty()) << datagrams.problems.lines().front();
  EXPECT_EQ(datagrams.own().address.unix_path, "/dev/log");
  const SyslogRead stream("transport = \"unix_stream\"\npath = \"/run/log\"\nlinger = \"0s\"");
  ASSERT_TRUE(stream.problems.empty()) << stream.problems.lines().front();
  EXPECT_EQ(stream.own().framing, SyslogFraming::newline);
  EXPECT_EQ(stream.own().peer_name(), "/run/log");
}

TEST(SyslogSettingsTest, MistakesAreNamed) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"address = \"h:514\"", "transport: is missing"},
      {"transport = \"tcp\"", "address"},
      {"transport = \"tcp\"\naddress = \"logs.example\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"::1:514\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"h:0\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"h:99999\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"h:999999999999999999999\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"h:\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"tcp://h:514\"", "is not an address"},
      {"transport = \"tcp\"\naddress = \"h:514\"\npath = \"/dev/log\"", "path: belongs to"},
      {"transport = \"unix\"\npath = \"/dev/log\"\naddress = \"h:514\"", "address: belongs to"},
      {"transport = \"unix\"\npath = \"log\"", "must begin with '/'"},
      {"transport = \"unix\"", "path"},
      {"transport = \"udp\"\naddress = \"h:514\"\nlinger = \"1s\"", "linger: belongs to"},
      {"transport = \"relp\"\naddress = \"h:514\"\nframing = \"newline\"", "framing: belongs to"},
      {"transport = \"udp\"\naddress = \"h:514\"\nmax_message = \"64KiB\"",
       "max_message: expected 480B to 65507B"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nmax_message = \"100B\"", "max_message"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nproxy = \"http://p:1\"", "proxy: can carry TLS only"},
      {"transport = \"tcp\"\naddress = \"h:514\"\ntls.fingerprint = \"sha-256:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
       "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\"",
       "tls: belongs to"},
      {"transport = \"relp\"\naddress = \"h:514\"\ntls.server_name = \"logs.example\"", "tls: belongs to"},
      {"transport = \"tcp\"\naddress = \"h:514\"\ncompression = \"gzip\"", "compression"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nfacility = \"local9\"", "facility"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nhostname = \"a b\"", "hostname"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nenterprise_number = 0", "enterprise_number"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nlinger = \"1h\"", "linger: must be at most"},
      {"transport = \"udp\"\naddress = \"h:514\"\nprotocol = \"rfc3164\"\nbom = true", "bom: belongs to protocol"},
      {"transport = \"udp\"\naddress = \"h:514\"\nprotocol = \"rfc3164\"\nstructured_data = false",
       "structured_data: belongs to protocol"},
      {"transport = \"udp\"\naddress = \"h:514\"\nprotocol = \"rfc3164\"\nenterprise_number = 1",
       "enterprise_number: belongs to protocol"},
      {"transport = \"tcp\"\naddress = \"h:514\"\nseverity = {usual = \"info\"}", "usual"},
  };
  for (const auto& [text, words] : mistakes) {
    const SyslogRead read(text);
    EXPECT_TRUE(read.complains(words))
        << text << "\nsays: " << (read.problems.empty() ? "nothing" : read.problems.lines().front());
  }
}

}  // namespace
}  // namespace auditferry
