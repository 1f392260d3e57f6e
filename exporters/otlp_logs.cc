#include "exporters/otlp_logs.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "encoding/json_scanner.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"
#include "exporters/otlp_protobuf.h"
#include "exporters/record_id.h"

namespace auditferry {
namespace {

constexpr std::uint32_t severity_info = 9;
constexpr std::uint32_t severity_warn = 13;
constexpr std::size_t envelope_bytes = 350;

std::uint64_t nanoseconds(WallTime time) {
  constexpr std::int64_t latest = std::int64_t{9'000'000'000'000'000};  // fits after multiplication
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(to_micros(time), 0, latest)) * 1000;
}

struct Attribute {
  const char* key;
  std::string_view text;
  std::uint64_t number = 0;
  bool is_number = false;
};

// One log record, ready for either encoding.
struct LogEntry {
  std::string_view body;
  std::uint64_t time = 0;
  std::uint64_t observed = 0;
  std::uint32_t severity = severity_info;
  std::string id;
  std::vector<Attribute> attributes;  // may point to `id`
};

struct ResourceGroup {
  const Record* of = nullptr;  // one record of it
  std::vector<Attribute> attributes;
  std::vector<const LogEntry*> entries;
};

void fill_entry(const OutgoingRecord& outgoing, LogEntry& entry) {
  const Record& record = *outgoing.record;
  entry.body = outgoing.bytes;
  entry.time = record.has_time ? nanoseconds(record.time) : 0;
  entry.observed = nanoseconds(record.received);
  entry.severity = record.gap ? severity_warn : severity_info;
  entry.id = record_id(record);
  entry.attributes = {{"log.record.uid", entry.id}, {"auditferry.seq", "", record.seq, true}};
  if (!record.stream.empty()) entry.attributes.push_back({"auditferry.stream", record.stream});
  if (record.revision >= 2) entry.attributes.push_back({"auditferry.revision", "", record.revision, true});
  if (record.gap) entry.attributes.push_back({"auditferry.kind", "gap"});
}

std::vector<ResourceGroup> make_groups(const std::vector<OutgoingRecord>& records,
                                       const std::vector<LogEntry>& entries) {
  std::vector<ResourceGroup> groups;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = *records[i].record;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const ResourceGroup& one) {
      return one.of->source == record.source && one.of->vendor == record.vendor &&
             one.of->tenant == record.tenant;
    });
    if (group == groups.end()) {
      ResourceGroup made;
      made.of = &record;
      made.attributes = {{"service.name", "auditferry"}, {"service.version", AUDITFERRY_VERSION}};
      if (!record.source.empty()) made.attributes.push_back({"auditferry.source", record.source});
      if (!record.vendor.empty()) made.attributes.push_back({"auditferry.vendor", record.vendor});
      if (!record.tenant.empty()) made.attributes.push_back({"auditferry.tenant", record.tenant});
      group = groups.insert(groups.end(), std::move(made));
    }
    group->entries.push_back(&entries[i]);
  }
  return groups;
}

// common.v1: KeyValue { string key = 1; AnyValue value = 2; }
// AnyValue { string string_value = 1; int64 int_value = 3; }
template <class Out>
void put_attributes(Out& out, std::uint32_t field, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    out.message(field, [&](auto& pair) {
      pair.text(1, attribute.key);
      pair.message(2, [&](auto& value) {
        if (attribute.is_number) {
          value.varint(3, attribute.number);
        } else {
          value.text(1, attribute.text);
        }
      });
    });
  }
}

// logs.v1: LogRecord { fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; string severity_text
// = 3; AnyValue body = 5; repeated KeyValue attributes = 6; fixed64 observed_time_unix_nano = 11; }
template <class Out>
void put_entry(Out& out, const LogEntry& entry) {
  if (entry.time != 0) out.fixed64(1, entry.time);
  out.varint(2, entry.severity);
  out.text(3, entry.severity == severity_warn ? "WARN" : "INFO");
  out.message(5, [&](auto& value) { value.text(1, entry.body); });
  put_attributes(out, 6, entry.attributes);
  out.fixed64(11, entry.observed);
}

// ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
// Resource { repeated KeyValue attributes = 1; }
// ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; }
template <class Out>
void put_group(Out& out, const ResourceGroup& group) {
  out.message(1, [&](auto& resource) { put_attributes(resource, 1, group.attributes); });
  out.message(2, [&](auto& scope_logs) {
    scope_logs.message(1, [&](auto& scope) {
      scope.text(1, "auditferry");
      scope.text(2, AUDITFERRY_VERSION);
    });
    for (const LogEntry* entry : group.entries)
      scope_logs.message(2, [&](auto& log_record) { put_entry(log_record, *entry); });
  });
}

void append_attributes_json(std::string& out, const std::vector<Attribute>& attributes) {
  out += "\"attributes\":[";
  for (const Attribute& attribute : attributes) {
    if (out.back() != '[') out += ',';
    out += "{\"key\":\"";
    out += attribute.key;
    if (attribute.is_number) {
      out += "\",\"value\":{\"intValue\":\"" + std::to_string(attribute.number) + "\"}}";
    } else {
      out += "\",\"value\":{\"stringValue\":";
      append_json_string(out, attribute.text);
      out += "}}";
    }
  }
  out += ']';
}

void append_entry_json(std::string& out, const LogEntry& entry) {
  out += '{';
  if (entry.time != 0) out += "\"timeUnixNano\":\"" + std::to_string(entry.time) + "\",";
  out += "\"observedTimeUnixNano\":\"" + std::to_string(entry.observed) +
         "\",\"severityNumber\":" + std::to_string(entry.severity) + ",\"severityText\":\"";
  out += entry.severity == severity_warn ? "WARN" : "INFO";
  out += "\",\"body\":{\"stringValue\":";
  append_json_string(out, entry.body);
  out += "},";
  append_attributes_json(out, entry.attributes);
  out += '}';
}

void append_group_json(std::string& out, const ResourceGroup& group) {
  out += "{\"resource\":{";
  append_attributes_json(out, group.attributes);
  out += "},\"scopeLogs\":[{\"scope\":{\"name\":\"auditferry\",\"version\":\"" AUDITFERRY_VERSION
         "\"},\"logRecords\":[";
  for (const LogEntry* entry : group.entries) {
    if (out.back() != '[') out += ',';
    append_entry_json(out, *entry);
  }
  out += "]}]}";
}

std::optional<OtlpEncoding> encoding_of(const HttpResponse& answer, OtlpEncoding asked_in) {
  const auto type = answer.header("Content-Type");
  if (!type || type->empty()) return asked_in;
  if (type->starts_with("application/json")) return OtlpEncoding::json;
  if (type->starts_with("application/x-protobuf")) return OtlpEncoding::protobuf;
  return std::nullopt;
}

std::optional<OtlpAnswer> parse_protobuf(std::string_view body) {
  OtlpAnswer answer;
  ProtobufReader reader(body);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->is_number) continue;
    ProtobufReader partial(field->bytes);
    while (const auto inner = partial.next()) {
      if (inner->number == 1 && inner->is_number)
        answer.rejected = static_cast<std::int64_t>(inner->number_value);
      if (inner->number == 2 && !inner->is_number) answer.message = std::string(inner->bytes);
    }
    if (partial.broken()) return std::nullopt;
  }
  if (reader.broken()) return std::nullopt;
  return answer;
}

std::optional<OtlpAnswer> parse_json(std::string_view body) {
  const Result<ScannedJson> scanned = scan_json(body, 64);
  if (!scanned.ok() || !JsonView(scanned->text).is_object()) return std::nullopt;
  OtlpAnswer answer;
  const auto partial = JsonView(scanned->text).find("partialSuccess");
  if (!partial || partial->is_null()) return answer;
  if (const auto message = partial->find("errorMessage")) answer.message = message->scalar_text();
  const auto rejected = partial->find("rejectedLogRecords");
  if (!rejected || rejected->is_null()) return answer;
  // A string by the rules of protobuf's JSON; some write a number.
  const std::string text = rejected->scalar_text();
  const auto read = std::from_chars(text.data(), text.data() + text.size(), answer.rejected);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return answer;
}

}  // namespace

const char* content_type(OtlpEncoding encoding) {
  return encoding == OtlpEncoding::protobuf ? "application/x-protobuf" : "application/json";
}

std::string encode_otlp(OtlpEncoding encoding, const std::vector<OutgoingRecord>& records) {
  std::vector<LogEntry> entries(records.size());
  std::size_t size = 1024;
  for (std::size_t i = 0; i < records.size(); ++i) {
    fill_entry(records[i], entries[i]);
    size += records[i].bytes.size() + envelope_bytes;
  }
  const std::vector<ResourceGroup> groups = make_groups(records, entries);
  std::string body;
  if (encoding == OtlpEncoding::protobuf) {
    // ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
    body.reserve(size);
    ProtobufWriter writer(body);
    for (const ResourceGroup& group : groups) writer.message(1, [&](auto& out) { put_group(out, group); });
    return body;
  }
  body.reserve(size * 2);  // JSON inside a string doubles its quotes
  body += "{\"resourceLogs\":[";
  for (const ResourceGroup& group : groups) {
    if (body.back() != '[') body += ',';
    append_group_json(body, group);
  }
  body += "]}";
  return body;
}

std::optional<OtlpAnswer> parse_otlp_answer(const HttpResponse& answer, OtlpEncoding asked_in) {
  if (answer.body.empty()) return OtlpAnswer{};
  const std::optional<OtlpEncoding> encoding = encoding_of(answer, asked_in);
  if (!encoding) return std::nullopt;
  return *encoding == OtlpEncoding::json ? parse_json(answer.body) : parse_protobuf(answer.body);
}

std::string otlp_error(const HttpResponse& answer, OtlpEncoding asked_in) {
  const std::optional<OtlpEncoding> encoding = encoding_of(answer, asked_in);
  if (!encoding) return "";
  if (*encoding == OtlpEncoding::json) {
    const Result<ScannedJson> scanned = scan_json(answer.body, 64);
    if (!scanned.ok()) return "";
    const auto message = JsonView(scanned->text).find("message");
    return message ? message->scalar_text() : "";
  }
  std::string message;
  ProtobufReader reader(answer.body);
  while (const auto field = reader.next()) {
    if (field->number == 2 && !field->is_number) message = std::string(field->bytes);
  }
  return reader.broken() ? "" : message;
}

}  // namespace auditferry
