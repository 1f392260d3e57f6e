#include "daemon/insecure_peers.h"

#include <gtest/gtest.h>

#include "daemon/load_settings.h"

namespace auditferry {
namespace {

Settings settings_with(const std::string& of_source, const std::string& exporters) {
  const Result<Settings> settings = parse_settings("[sources.acme]\nprofile = \"apptego\"\ntenant = \"t\"\n" + of_source +
                                                       "\ncredentials.token_key = { env = \"A\" }\ncredentials.token_secret = { env = \"B\" }\n" + exporters,
                                                   "test.toml", ".");
  EXPECT_TRUE(settings.ok()) << settings.error().message;
  return settings.ok() ? *settings : Settings();
}

TEST(InsecurePeers, EachIsNamedWhateverItsType) {
  const std::string insecure = "tls.insecure = true\n";
  const Settings settings = settings_with(insecure,
                                          "[exporters.hook]\ntype = \"http\"\nurl = \"https://a.example/\"\n" + insecure +
                                              "[exporters.hec]\ntype = \"splunk_hec\"\nurl = \"https://a.example/\"\ntoken = { env = \"T\" }\n" + insecure +
                                              "[exporters.search]\ntype = \"elasticsearch\"\nhosts = [\"https://a.example\"]\nindex = \"x\"\n" + insecure +
                                              "[exporters.otel]\ntype = \"otlp\"\nurl = \"https://a.example/\"\n" + insecure +
                                              "[exporters.siem]\ntype = \"syslog\"\ntransport = \"tls\"\naddress = \"a.example:6514\"\n" + insecure +
                                              "[exporters.relp]\ntype = \"syslog\"\ntransport = \"relp_tls\"\naddress = \"a.example:6514\"\n" + insecure +
                                              "[exporters.off]\ntype = \"http\"\nenabled = false\nurl = \"https://a.example/\"\n" + insecure +
                                              "[exporters.good]\ntype = \"http\"\nurl = \"https://a.example/\"\n" +
                                              "[exporters.archive]\ntype = \"file\"\npath = \"/tmp/x.jsonl\"\n");
  std::string names;
  for (const InsecurePeer& peer : insecure_peers(settings)) {
    names += peer.whose.key + " " + peer.whose.value + ", ";
    EXPECT_TRUE(peer.what.starts_with(peer.whose.key + " " + peer.whose.value + " has tls.insecure: ")) << peer.what;
  }
  EXPECT_EQ(names, "source acme, exporter hook, exporter hec, exporter search, exporter otel, exporter siem, exporter relp, ");
}

TEST(InsecurePeers, NoneByDefault) {
  EXPECT_TRUE(insecure_peers(settings_with("", "[exporters.siem]\ntype = \"syslog\"\ntransport = \"tls\"\naddress = \"a.example:6514\"\n")).empty());
}

}  // namespace
}  // namespace auditferry
