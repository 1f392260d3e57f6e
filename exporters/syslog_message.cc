#include "exporters/syslog_message.h"

#include <cstdio>

#include "encoding/number_text.h"
#include "encoding/time_format.h"
#include "encoding/utf8.h"

namespace auditferry {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // RFC 5424 section 6.4

// A header field of RFC 5424: PRINTUSASCII of at most `limit` characters, or the nil value.
std::string header_field(std::string_view text, std::size_t limit) {
  std::string field;
  for (const char c : text.substr(0, limit)) field += c > 32 && c < 127 ? c : '_';
  return field.empty() ? "-" : field;
}

// RFC 3164 section 4.1.3: a tag ends at the first character that is not alphanumeric; these are harmless.
std::string tag(std::string_view text) {
  std::string cleaned;
  for (const char c : text.substr(0, 32)) {
    const bool good =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
    cleaned += good ? c : '_';
  }
  return cleaned.empty() ? "auditferry" : cleaned;
}

// UTF-8 of one line. LEEF needs its tabs, so other control characters stay.
void append_text(std::string_view text, std::string& out) {
  const char* const end = text.data() + text.size();
  const char* begin = text.data();
  for (const char* p = begin; p != end;) {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x80 && byte != '\n' && byte != '\r' && byte != 0) {
      ++p;
      continue;
    }
    const Utf8Step step = utf8_step(p, end);
    if (byte >= 0x80 && step.valid) {
      p += step.length;
      continue;
    }
    out.append(begin, p);
    out += byte < 0x80 ? std::string_view(" ") : replacement_character;
    p += step.length;
    begin = p;
  }
  out.append(begin, end);
}

// PARAM-VALUE of RFC 5424 section 6.3.3: '"', '\' and ']' are escaped.
void append_value(std::string_view text, std::string& out) {
  std::string cleaned;
  append_text(text, cleaned);
  for (const char c : cleaned) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
}

// The record's id in all the world, as in format "json".
std::string full_id(const Record& record) {
  std::string id;
  if (!record.vendor.empty() || !record.stream.empty() || !record.gap) {
    for (const std::string_view part : {record.vendor, record.tenant, record.stream}) id.append(part) += '/';
  }
  id += record.id;
  if (record.revision >= 2) id += "@" + std::to_string(record.revision);
  return id;
}

// "Nov 23 09:07:01", the day of one digit with a space before it (RFC 3164 section 4.1.2).
std::string old_time(WallTime time) {
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string full = format_rfc3339(time);  // 2025-11-23T09:07:01Z
  const int month = (full[5] - '0') * 10 + full[6] - '0';
  const char tens = full[8] == '0' ? ' ' : full[8];
  return std::string(months[month - 1]) + " " + tens + full[9] + " " + full.substr(11, 8);
}

// The longest beginning of at most `size` bytes that ends between two characters of valid UTF-8.
std::size_t boundary(std::string_view text, std::size_t size) {
  if (size >= text.size()) return text.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return size;
}

}  // namespace

SyslogEncoder::SyslogEncoder(const SyslogSettings& settings, SyslogSeverityOf severity_of)
    : settings_(settings),
      severity_of_(std::move(severity_of)),
      modern_(settings.protocol == SyslogProtocol::rfc5424),
      host_(header_field(settings.hostname, 255)),
      app_(modern_ ? header_field(settings.app_name, 48) : tag(settings.app_name) + ":") {
  if (modern_ && settings.structured_data)
    element_ = "[auditferry@" + std::to_string(settings.enterprise_number);
}

void SyslogEncoder::append_header(const Record& record, std::string& out) const {
  out += '<';
  append_number(out, settings_.facility * 8u + static_cast<unsigned>(severity_of_(record)));
  out += modern_ ? ">1 " : ">";
  if (!modern_) {
    out += old_time(record.has_time ? record.time : record.received);
  } else if (record.has_time) {
    out += format_rfc3339(record.time);
  } else {
    out += '-';
  }
  out += ' ';
  out += host_;
  out += ' ';
  out += app_;
  if (!modern_) return;
  out += " - ";  // PROCID: there is no process that would mean anything to a reader
  out += header_field(record.gap ? std::string_view("gap") : record.stream, 32);
  out += ' ';
}

void SyslogEncoder::append_structured_data(const Record& record, std::string& out) const {
  const auto parameter = [&out](std::string_view name, std::string_view value) {
    out += ' ';
    out += name;
    out += "=\"";
    append_value(value, out);
    out += '"';
  };
  out += element_;
  parameter("id", full_id(record));
  out += " seq=\"";
  append_number(out, record.seq);
  out += '"';
  parameter("tenant", record.tenant);
  parameter("source", record.source);
  parameter("stream", record.stream);
}

bool SyslogEncoder::append(const OutgoingRecord& outgoing, std::string& out, std::size_t& needed) const {
  const std::size_t begin = out.size();
  append_header(*outgoing.record, out);
  if (!element_.empty()) {
    append_structured_data(*outgoing.record, out);
  } else if (modern_) {
    out += '-';
  }
  const std::size_t element_end = out.size();
  if (!element_.empty()) out += ']';
  out += ' ';
  if (modern_ && settings_.bom) out += byte_order_mark;
  const std::size_t text_begin = out.size();
  append_text(outgoing.bytes, out);
  needed = out.size() - begin;
  if (needed <= settings_.max_message) return true;
  const std::string length = std::to_string(out.size() - text_begin);
  const std::string mark =
      element_.empty() ? " [truncated, was " + length + " bytes]" : " truncated=\"" + length + "\"";
  const std::size_t fixed = text_begin - begin + mark.size();
  if (settings_.oversize == SyslogOversize::dead_letter || fixed > settings_.max_message) {
    out.resize(begin);
    return false;
  }
  const std::size_t room = settings_.max_message - fixed;
  out.resize(text_begin + boundary(std::string_view(out).substr(text_begin), room));
  if (element_.empty()) {
    out += mark;
  } else {
    out.insert(element_end, mark);
  }
  return true;
}

void append_frame(SyslogFraming framing, std::string_view message, std::string& out) {
  if (framing == SyslogFraming::octet_counting) {
    append_number(out, message.size());
    out += ' ';
    out += message;
  } else {
    out += message;
    out += '\n';
  }
}

}  // namespace auditferry
