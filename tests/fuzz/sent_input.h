#pragma once
// What the fuzzers of everything that is sent do with arbitrary bytes, and what must hold whatever they are. The
// same is replayed by exporters/sent_replay_test.cc without a fuzzer.

#include <string>
#include <string_view>

#include "core/check.h"
#include "exporters/elastic_bulk.h"
#include "exporters/http_body.h"
#include "exporters/otlp_logs.h"
#include "exporters/record_id.h"
#include "exporters/relp_frame.h"
#include "exporters/sent_parsers_fixture.h"
#include "exporters/splunk_event.h"
#include "exporters/syslog_message.h"
#include "exporters/syslog_parser_fixture.h"
#include "tests/fuzz/format_input.h"

namespace auditferry::fixture {

// A record of any bytes, another one of the same, and what two formats make of them.
struct SentPair {
  explicit SentPair(std::string_view bytes) : one(record_of_bytes(bytes)), two(one) {
    two.seq = one.seq + 1;
    two.source = "other";
    // Formats whose lines are JSON whatever the bytes are.
    ExporterSettings settings;
    settings.format = "ocsf";
    make_format(settings, builtin_profiles())->append(one, lines[0]);
    settings.format = "ecs";
    make_format(settings, builtin_profiles())->append(two, lines[1]);
    outgoing = {{&one, lines[0]}, {&two, lines[1]}};
  }
  SentPair(const SentPair&) = delete;
  SentPair& operator=(const SentPair&) = delete;
  Record one;
  Record two;
  std::string lines[2];
  std::vector<OutgoingRecord> outgoing;
};

inline SyslogSettings syslog_settings_of(unsigned choice) {
  SyslogSettings settings;
  settings.hostname = choice & 1 ? "ferry.example" : "fe rry\n<1>";
  settings.app_name = choice & 2 ? "auditferry" : "a:b c\xFF";
  settings.protocol = choice & 4 ? SyslogProtocol::rfc5424 : SyslogProtocol::rfc3164;
  settings.framing = choice & 8 ? SyslogFraming::octet_counting : SyslogFraming::newline;
  settings.oversize = choice & 16 ? SyslogOversize::truncate : SyslogOversize::dead_letter;
  settings.structured_data = (choice & 32) != 0;
  settings.bom = (choice & 64) != 0;
  settings.max_message = choice & 128 ? 480 : 65536;
  return settings;
}

// Two messages in one stream, of which the second holds `bytes` as they are: still two, and nothing of a record
// is outside of its field.
inline void check_syslog(std::string_view bytes) {
  const unsigned choice = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  const SyslogSettings settings = syslog_settings_of(choice);
  const SyslogEncoder encoder(settings, syslog_severity_of(settings.severities, &builtin_profiles()));
  SentPair pair(bytes.empty() ? bytes : bytes.substr(1));
  pair.outgoing[1].bytes = bytes;
  std::string stream;
  std::size_t sent = 0;
  for (const OutgoingRecord& outgoing : pair.outgoing) {
    std::string message;
    std::size_t needed = 0;
    if (!encoder.append(outgoing, message, needed)) {
      AUDITFERRY_CHECK(needed > settings.max_message && message.empty());
      continue;
    }
    AUDITFERRY_CHECK(message.size() <= settings.max_message && SyslogParser::utf8(message));
    append_frame(settings.framing, message, stream);
    ++sent;
  }
  const auto messages = SyslogParser::unframe(stream, settings.framing == SyslogFraming::octet_counting);
  AUDITFERRY_CHECK(messages && messages->size() == sent);
  for (const std::string& message : *messages) {
    if (settings.protocol == SyslogProtocol::rfc3164) {
      AUDITFERRY_CHECK(parse_old_syslog(message));
      continue;
    }
    const auto parsed = SyslogParser::parse(message);
    AUDITFERRY_CHECK(parsed && parsed->elements.size() == (settings.structured_data ? 1u : 0u));
    AUDITFERRY_CHECK(!settings.bom || parsed->message.starts_with("\xEF\xBB\xBF"));
    if (settings.structured_data) {
      const auto& element = parsed->elements.begin()->second;
      AUDITFERRY_CHECK(element.size() >= 5 && element.size() <= 6 && element.count("seq") == 1);
    }
  }
}

inline void check_relp(std::string_view bytes) {
  std::string stream;
  append_relp_frame(1, "open", "relp_version=0", stream);
  append_relp_frame(largest_relp_number, "syslog", bytes, stream);
  append_relp_frame(2, "close", "", stream);
  const auto pieces = parse_relp(stream);
  AUDITFERRY_CHECK(pieces && pieces->size() == 3);
  AUDITFERRY_CHECK((*pieces)[1].number == largest_relp_number && (*pieces)[1].command == "syslog");
  AUDITFERRY_CHECK((*pieces)[1].data == bytes && (*pieces)[2].command == "close" && (*pieces)[2].data.empty());
}

inline void check_hec(std::string_view bytes) {
  const SentPair pair(bytes);
  SplunkSettings settings;
  settings.source = TextTemplate::parse("{source}").value();
  settings.index = TextTemplate::parse("audit-{tenant}").value();
  for (const bool json : {true, false}) {
    settings.json = json;
    const auto events = parse_ndjson(splunk_body(settings, pair.outgoing));
    AUDITFERRY_CHECK(events && events->size() == 2);
    const JsonView event((*events)[0]);
    const auto sent = event.find("event");
    AUDITFERRY_CHECK(sent && (json ? sent->raw() == pair.lines[0] : sent->as_string() == pair.lines[0]));
    AUDITFERRY_CHECK(event.at_pointer("/fields/auditferry_id") && event.find("index").has_value() == !pair.one.tenant.empty());
  }
}

inline void check_bulk(std::string_view bytes) {
  const SentPair pair(bytes);
  const TextTemplate index = TextTemplate::parse("audit-{tenant}-{stream}").value();
  std::string body;
  for (const OutgoingRecord& outgoing : pair.outgoing) append_create(outgoing, index, body);
  const auto lines = parse_ndjson(body);
  AUDITFERRY_CHECK(lines && lines->size() == 4);
  for (std::size_t i = 0; i < lines->size(); i += 2) {
    const JsonView action((*lines)[i]);
    const auto id = action.at_pointer("/create/_id");
    const auto name = action.at_pointer("/create/_index");
    AUDITFERRY_CHECK(id && !id->as_string()->empty() && id->as_string()->size() <= 512);
    AUDITFERRY_CHECK(name && name->as_string()->size() <= 255 && name->as_string()->find_first_of("\\/*?\"<>|,#: ") == std::string::npos);
    AUDITFERRY_CHECK(JsonView((*lines)[i + 1]).find("@timestamp").has_value());
    AUDITFERRY_CHECK((*lines)[i + 1].ends_with(std::string_view(pair.lines[i / 2]).substr(1)));
  }
}

inline void check_http(std::string_view bytes) {
  const SentPair pair(bytes);
  const auto lines = parse_ndjson(http_body(HttpBody::ndjson, pair.outgoing));
  AUDITFERRY_CHECK(lines && lines->size() == 2 && (*lines)[0] == pair.lines[0] && (*lines)[1] == pair.lines[1]);
  const std::string array = http_body(HttpBody::array, pair.outgoing);
  const auto scanned = scan_json(array);
  AUDITFERRY_CHECK(scanned.ok() && scanned->text == array && scanned->repairs.empty());
  std::size_t count = 0;
  for (const JsonView one : JsonView(array).elements()) AUDITFERRY_CHECK(one.raw() == pair.lines[count++]);
  AUDITFERRY_CHECK(count == 2);
}

inline void check_otlp(std::string_view bytes) {
  const SentPair pair(bytes);
  const auto binary = parse_otlp_protobuf(encode_otlp(OtlpEncoding::protobuf, pair.outgoing));
  const auto json = parse_otlp_json(encode_otlp(OtlpEncoding::json, pair.outgoing));
  AUDITFERRY_CHECK(binary && json && binary->size() == 2 && json->size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const SentLog& one = (*binary)[i];
    const SentLog& other = (*json)[i];
    AUDITFERRY_CHECK(one.body == pair.lines[i] && other.body == pair.lines[i]);
    AUDITFERRY_CHECK(one.seq == std::to_string(pair.outgoing[i].record->seq) && other.seq == one.seq);
    AUDITFERRY_CHECK(one.time == other.time && one.observed == other.observed && one.severity == other.severity);
    AUDITFERRY_CHECK(one.source == pair.outgoing[i].record->source);
    AUDITFERRY_CHECK(one.id == record_id(*pair.outgoing[i].record));
  }
}

struct SentCheck {
  const char* name;
  void (*check)(std::string_view bytes);
};
inline constexpr SentCheck sent_checks[] = {{"syslog", check_syslog}, {"relp", check_relp}, {"hec", check_hec},
                                            {"bulk", check_bulk},     {"http", check_http}, {"otlp", check_otlp}};

}  // namespace auditferry::fixture
