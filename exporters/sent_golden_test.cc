// Everything that is sent, byte for byte: exporters/golden/sent-NAME.txt holds the golden records in each protocol's
// form, bytes outside of printable ASCII as \xHH. With AUDITFERRY_WRITE_GOLDEN set the files are written anew, to be
// read before they are committed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>

#include "exporters/catalog.h"
#include "exporters/elastic_bulk.h"
#include "exporters/format_fixture.h"
#include "exporters/http_body.h"
#include "exporters/otlp_logs.h"
#include "exporters/relp_frame.h"
#include "exporters/splunk_event.h"
#include "exporters/syslog_message.h"
#include "exporters/syslog_severity.h"

namespace auditferry {
namespace {

// The version of the program stands in some of them.
std::string readable(std::string text) {
  const std::string version = AUDITFERRY_VERSION;
  for (std::size_t at = text.find(version); at != text.npos; at = text.find(version, at)) text.replace(at, version.size(), "VERSION");
  return fixture::shown(text);
}

std::string syslog_of(const std::vector<OutgoingRecord>& records, SyslogSettings settings) {
  settings.hostname = "ferry.example";
  const SyslogEncoder encoder(settings, syslog_severity_of(settings.severities, &fixture::builtin_profiles()));
  std::string all;
  for (const OutgoingRecord& record : records) {
    std::string message;
    std::size_t needed = 0;
    if (!encoder.append(record, message, needed)) message = "(too long: " + std::to_string(needed) + ")";
    append_frame(settings.framing, message, all);
  }
  return all;
}

std::string sent_as(const std::string& name, const std::vector<OutgoingRecord>& records) {
  SyslogSettings syslog;
  if (name == "rfc5424-counted") return syslog_of(records, syslog);
  if (name == "rfc5424-lines") {
    syslog.framing = SyslogFraming::newline;
    syslog.bom = true;
    syslog.max_message = 480;
    syslog.oversize = SyslogOversize::truncate;
    return syslog_of(records, syslog);
  }
  if (name == "rfc3164") {
    syslog.framing = SyslogFraming::newline;
    syslog.protocol = SyslogProtocol::rfc3164;
    return syslog_of(records, syslog);
  }
  if (name == "otlp-protobuf") return encode_otlp(OtlpEncoding::protobuf, records);
  if (name == "otlp-json") return encode_otlp(OtlpEncoding::json, records);
  if (name == "http-array") return http_body(HttpBody::array, records);
  std::string all;
  if (name == "relp") {
    std::uint32_t number = largest_relp_number - 3;
    for (const OutgoingRecord& record : records) append_relp_frame(number++ % largest_relp_number + 1, "syslog", record.bytes, all);
    return all;
  }
  if (name == "bulk") {
    const TextTemplate index = TextTemplate::parse("audit-{tenant}-{date}").value();
    for (const OutgoingRecord& record : records) append_create(record, index, all);
    return all;
  }
  SplunkSettings splunk;
  splunk.source = TextTemplate::parse("{source}").value();
  splunk.sourcetype = TextTemplate::parse("{vendor}:{stream}").value();
  splunk.json = name == "hec";
  return splunk_body(splunk, records);
}

class SentGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(SentGolden, EveryKindOfRecord) {
  const std::string name = GetParam();
  ExporterSettings settings;
  settings.format = name == "hec-cef" ? "cef" : "json";
  const auto format = make_format(settings, fixture::builtin_profiles());
  const std::vector<fixture::NamedRecord> named = fixture::golden_records();
  std::deque<std::string> lines;
  std::vector<OutgoingRecord> records;
  for (const fixture::NamedRecord& one : named) records.push_back({&one.record, lines.emplace_back(fixture::line_of(*format, one.record))});
  const std::string text = readable(sent_as(name, records));
  const std::string path = std::string(AUDITFERRY_SOURCE) + "/exporters/golden/sent-" + name + ".txt";
  if (std::getenv("AUDITFERRY_WRITE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, golden) << path;
}

INSTANTIATE_TEST_SUITE_P(Protocols, SentGolden,
                         ::testing::Values("rfc5424-counted", "rfc5424-lines", "rfc3164", "relp", "hec", "hec-cef", "bulk",
                                           "http-array", "otlp-protobuf", "otlp-json"),
                         [](const auto& protocol) {
                           std::string name = protocol.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace auditferry
