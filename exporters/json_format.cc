#include "exporters/json_format.h"

#include <cstring>

#include "encoding/json_object.h"
#include "encoding/json_text.h"
#include "encoding/number_text.h"
#include "encoding/time_format.h"
#include "exporters/one_line.h"
#include "exporters/record_id.h"

namespace auditferry {
namespace {

// record_id(), built without the heap for ids of usual length.
void append_id(const Record& record, std::string& out) {
  std::size_t length = record.id.size() + 16;
  for (const std::string_view part : {record.vendor, record.tenant, record.stream}) length += part.size() + 1;
  char small[256];
  std::string large;
  char* text = small;
  if (length > sizeof small) {
    large.resize(length);
    text = large.data();
  }
  char* at = text;
  put_record_id(record, [&at](std::string_view part) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  });
  append_json_string(out, std::string_view(text, static_cast<std::size_t>(at - text)));
}

}  // namespace

JsonFormat::JsonFormat(const std::map<std::string, std::string>& labels) {
  if (labels.empty()) return;
  JsonObject object;
  for (const auto& [key, value] : labels) object.text(key, value);
  labels_ = ",\"labels\":" + object.finish();
}

void JsonFormat::append(const Record& record, std::string& out) const {
  out += "{\"id\":";
  append_id(record, out);
  out += ",\"seq\":";
  append_number(out, record.seq);
  out += ",\"source\":";
  append_json_string(out, record.source);
  out += ",\"vendor\":";
  append_json_string(out, record.vendor);
  out += ",\"tenant\":";
  append_json_string(out, record.tenant);
  out += ",\"stream\":";
  append_json_string(out, record.stream);
  if (record.has_time) {
    out += ",\"time\":\"";
    out += format_rfc3339(record.time);
    out += "\",\"received\":\"";
  } else {
    out += ",\"time\":null,\"received\":\"";
  }
  out += format_rfc3339(record.received);
  out += '"';
  out += labels_;
  if (record.revision >= 2) {
    out += ",\"rev\":";
    append_number(out, record.revision);
  }
  if (record.repaired) out += ",\"repaired\":true";
  if (record.gap) {
    out += ",\"kind\":\"gap\",\"gap\":";
    append_one_line(record.raw, out);
    out += ",\"record\":null}";
  } else {
    out += ",\"record\":";
    append_one_line(record.raw, out);
    out += '}';
  }
}

}  // namespace auditferry
