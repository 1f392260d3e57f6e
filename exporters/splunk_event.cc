#include "exporters/splunk_event.h"

#include <utility>

#include "encoding/json_text.h"
#include "exporters/path_template.h"
#include "exporters/record_id.h"

namespace auditferry {
namespace {

// What an event adds to its record, about.
constexpr std::size_t envelope_bytes = 400;

// Seconds with milliseconds. Times before 1970 are left out: Splunk takes the time of arrival.
void append_time(const Record& record, std::string& out) {
  const std::int64_t millis = to_micros(filing_time(record)) / 1000;
  if (millis < 0) return;
  const std::string rest = std::to_string(1000 + millis % 1000);
  out += "\"time\":" + std::to_string(millis / 1000) + "." + rest.substr(1) + ",";
}

void append_label(const char* key, const TextTemplate& label, const Record& record, std::string& out) {
  if (label.empty() || !label.filled_by(record)) return;
  out += '"';
  out += key;
  out += "\":";
  append_json_string(out, label.expand(record));
  out += ',';
}

void append_fields(const Record& record, std::string& out) {
  out += "\"fields\":{\"auditferry_id\":";
  append_json_string(out, record_id(record));
  const std::pair<const char*, std::string_view> fields[] = {
      {",\"vendor\":", record.vendor}, {",\"tenant\":", record.tenant}, {",\"stream\":", record.stream}};
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    out += key;
    append_json_string(out, value);
  }
  if (record.gap) out += ",\"auditferry_kind\":\"gap\"";
  out += '}';
}

}  // namespace

std::string splunk_body(const SplunkSettings& settings, const std::vector<OutgoingRecord>& records) {
  std::size_t size = 0;
  for (const OutgoingRecord& record : records) size += record.bytes.size() + envelope_bytes;
  std::string body;
  body.reserve(size);
  for (const OutgoingRecord& outgoing : records) {
    const Record& record = *outgoing.record;
    body += '{';
    append_time(record, body);
    append_label("host", settings.host, record, body);
    append_label("source", settings.source, record, body);
    append_label("sourcetype", settings.sourcetype, record, body);
    append_label("index", settings.index, record, body);
    append_fields(record, body);
    body += ",\"event\":";
    if (settings.json) {
      body += outgoing.bytes;
    } else {
      append_json_string(body, outgoing.bytes);
    }
    body += "}\n";
  }
  return body;
}

}  // namespace auditferry
