#pragma once
// Readers of what is sent, for tests: written from the specifications alone. JSON is read with the program's own
// scanner and view (tested in encoding/), which write nothing; else nothing is shared with the encoders. RFC 5424
// and 6587 are in syslog_parser_fixture.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry::fixture {

// RFC 3164 sections 4.1.1 to 4.1.3, with the tag's colon.
struct OldSyslog {
  int priority = -1;
  std::string time, host, tag, text;
};

inline std::optional<OldSyslog> parse_old_syslog(std::string_view message) {
  OldSyslog parsed;
  const auto take = [&message](std::size_t count) {
    const std::string taken(message.substr(0, count));
    message.remove_prefix(std::min(count, message.size()));
    return taken;
  };
  const std::size_t end = message.find('>');
  if (end == message.npos || end < 2 || end > 4 || message[0] != '<') return std::nullopt;
  const std::string priority(message.substr(1, end - 1));
  for (const char digit : priority) {
    if (digit < '0' || digit > '9') return std::nullopt;
  }
  if (priority.size() > 1 && priority[0] == '0') return std::nullopt;
  parsed.priority = std::stoi(priority);
  if (parsed.priority > 191) return std::nullopt;
  take(end + 1);
  parsed.time = take(15);
  static constexpr std::string_view shape = "Aaa  9 99:99:99";
  if (parsed.time.size() != shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = parsed.time[i];
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool good = i == 4 ? c == ' ' || (c >= '1' && c <= '3') : shape[i] == '9' ? digit : i < 3 ? letter : c == shape[i];
    if (!good) return std::nullopt;
  }
  if (take(1) != " ") return std::nullopt;
  const std::size_t host_end = message.find(' ');
  if (host_end == message.npos || host_end == 0) return std::nullopt;
  parsed.host = take(host_end);
  take(1);
  const std::size_t tag_end = message.find(':');
  if (tag_end == message.npos || tag_end == 0 || tag_end > 32) return std::nullopt;
  parsed.tag = take(tag_end);
  if (take(2) != ": ") return std::nullopt;
  for (const std::string* field : {&parsed.host, &parsed.tag}) {
    for (const char c : *field) {
      if (c <= 32 || c >= 127) return std::nullopt;
    }
  }
  parsed.text = message;
  return parsed;
}

// doc/relp.html: TXNR SP COMMAND SP DATALEN [SP DATA] LF. Nothing when a byte is out of place.
struct RelpPiece {
  std::uint32_t number = 0;
  std::string command, data;
};

inline std::optional<std::vector<RelpPiece>> parse_relp(std::string_view bytes) {
  std::vector<RelpPiece> pieces;
  const auto number = [&bytes]() -> std::optional<std::uint32_t> {
    std::size_t length = 0;
    std::uint32_t value = 0;
    while (length < bytes.size() && bytes[length] >= '0' && bytes[length] <= '9')
      value = value * 10 + static_cast<std::uint32_t>(bytes[length++] - '0');
    if (length == 0 || length > 9) return std::nullopt;
    bytes.remove_prefix(length);
    return value;
  };
  const auto take = [&bytes](char c) {
    if (bytes.empty() || bytes[0] != c) return false;
    bytes.remove_prefix(1);
    return true;
  };
  while (!bytes.empty()) {
    RelpPiece piece;
    const auto transaction = number();
    if (!transaction || !take(' ')) return std::nullopt;
    piece.number = *transaction;
    const std::size_t command = bytes.find(' ');
    if (command == 0 || command == bytes.npos || command > 32) return std::nullopt;
    piece.command = bytes.substr(0, command);
    bytes.remove_prefix(command + 1);
    const auto length = number();
    if (!length) return std::nullopt;
    if (*length > 0) {
      if (!take(' ') || bytes.size() < *length) return std::nullopt;
      piece.data = bytes.substr(0, *length);
      bytes.remove_prefix(*length);
    }
    if (!take('\n')) return std::nullopt;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

// Lines that each hold exactly one JSON object, without a repair.
inline std::optional<std::vector<std::string>> parse_ndjson(std::string_view body) {
  std::vector<std::string> lines;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    if (end == body.npos) return std::nullopt;
    const std::string line(body.substr(0, end));
    const auto scanned = scan_json(line);
    if (!scanned.ok() || scanned->text != line || !scanned->repairs.empty() || !JsonView(line).is_object()) return std::nullopt;
    lines.push_back(line);
    body.remove_prefix(end + 1);
  }
  return lines;
}

// protobuf.dev, "Encoding". The fields of a message in their order; groups are unknown to it.
struct ProtobufField {
  std::uint32_t number = 0;
  int wire = 0;  // 0 varint, 1 eight bytes, 2 with a length, 5 four bytes
  std::uint64_t value = 0;
  std::string bytes;
};

inline std::optional<std::vector<ProtobufField>> parse_protobuf(std::string_view message) {
  std::vector<ProtobufField> fields;
  const auto varint = [&message]() -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (message.empty()) return std::nullopt;
      const auto byte = static_cast<unsigned char>(message[0]);
      message.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  };
  while (!message.empty()) {
    ProtobufField field;
    const auto key = varint();
    if (!key) return std::nullopt;
    field.number = static_cast<std::uint32_t>(*key >> 3);
    field.wire = static_cast<int>(*key & 7);
    if (field.number == 0) return std::nullopt;
    std::uint64_t length = field.wire == 1 ? 8 : 4;
    if (field.wire == 0) {
      const auto value = varint();
      if (!value) return std::nullopt;
      field.value = *value;
    } else if (field.wire == 1 || field.wire == 2 || field.wire == 5) {
      if (field.wire == 2) {
        const auto written = varint();
        if (!written) return std::nullopt;
        length = *written;
      }
      if (length > message.size()) return std::nullopt;
      field.bytes = message.substr(0, length);
      message.remove_prefix(length);
      if (field.wire != 2) {
        for (std::size_t i = 0; i < field.bytes.size(); ++i)
          field.value |= std::uint64_t{static_cast<unsigned char>(field.bytes[i])} << (8 * i);
      }
    } else {
      return std::nullopt;
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

// A log record of an ExportLogsServiceRequest, as a receiver sees it.
struct SentLog {
  std::string source;  // of its resource
  std::uint64_t time = 0;
  std::uint64_t observed = 0;
  std::uint64_t severity = 0;
  std::string body;
  std::string id;
  std::string seq;
};

inline void take_attribute(const std::string& key, const std::string& text, SentLog& log) {
  if (key == "auditferry.source") log.source = text;
  if (key == "log.record.uid") log.id = text;
  if (key == "auditferry.seq") log.seq = text;
}

// KeyValue { key = 1; AnyValue { string = 1; int = 3 } = 2 }
inline bool read_attribute(std::string_view bytes, SentLog& log) {
  const auto pair = parse_protobuf(bytes);
  if (!pair || pair->size() != 2 || (*pair)[0].number != 1 || (*pair)[1].number != 2) return false;
  const auto value = parse_protobuf((*pair)[1].bytes);
  if (!value || value->size() != 1) return false;
  const ProtobufField& one = value->front();
  if (one.number != 1 && one.number != 3) return false;
  take_attribute((*pair)[0].bytes, one.number == 1 ? one.bytes : std::to_string(one.value), log);
  return true;
}

inline bool read_log(std::string_view bytes, SentLog& log) {
  const auto fields = parse_protobuf(bytes);
  if (!fields) return false;
  for (const ProtobufField& field : *fields) {
    if (field.number == 1 && field.wire == 1) log.time = field.value;
    if (field.number == 11 && field.wire == 1) log.observed = field.value;
    if (field.number == 2 && field.wire == 0) log.severity = field.value;
    if (field.number == 6 && !read_attribute(field.bytes, log)) return false;
    if (field.number != 5) continue;
    const auto value = parse_protobuf(field.bytes);
    if (!value || value->size() != 1 || value->front().number != 1) return false;
    log.body = value->front().bytes;
  }
  return true;
}

// ExportLogsServiceRequest { ResourceLogs = 1 { Resource = 1 { attributes = 1 }; ScopeLogs = 2 { logs = 2 } } }
inline std::optional<std::vector<SentLog>> parse_otlp_protobuf(std::string_view request) {
  std::vector<SentLog> logs;
  const auto groups = parse_protobuf(request);
  if (!groups) return std::nullopt;
  for (const ProtobufField& group : *groups) {
    const auto parts = parse_protobuf(group.bytes);
    if (group.number != 1 || group.wire != 2 || !parts) return std::nullopt;
    SentLog common;
    for (const ProtobufField& part : *parts) {
      const auto inside = parse_protobuf(part.bytes);
      if (!inside) return std::nullopt;
      for (const ProtobufField& field : *inside) {
        if (part.number == 1 && field.number == 1 && !read_attribute(field.bytes, common)) return std::nullopt;
        if (part.number != 2 || field.number != 2) continue;
        SentLog log = common;
        if (!read_log(field.bytes, log)) return std::nullopt;
        logs.push_back(std::move(log));
      }
    }
  }
  return logs;
}

// The same in OTLP's JSON: lowerCamelCase, 64-bit numbers as strings of digits.
inline std::optional<std::vector<SentLog>> parse_otlp_json(const std::string& request) {
  const auto scanned = scan_json(request);
  if (!scanned.ok() || scanned->text != request || !scanned->repairs.empty()) return std::nullopt;
  std::vector<SentLog> logs;
  const auto read_attributes = [](const JsonView& owner, SentLog& log) {
    const auto attributes = owner.find("attributes");
    if (!attributes || !attributes->is_array()) return;
    for (const JsonView one : attributes->elements()) {
      const auto text = one.at_pointer("/value/stringValue");
      const auto number = one.at_pointer("/value/intValue");
      take_attribute(*one.find("key")->as_string(), text ? *text->as_string() : *number->as_string(), log);
    }
  };
  const auto number_of = [](const std::optional<JsonView>& view) { return view ? std::stoull(*view->as_string()) : 0; };
  const JsonView root(request);
  const auto groups = root.find("resourceLogs");
  if (!groups || !groups->is_array()) return std::nullopt;
  for (const JsonView group : groups->elements()) {
    SentLog common;
    const auto resource = group.find("resource");
    const auto scopes = group.find("scopeLogs");
    if (!resource || !scopes) return std::nullopt;
    read_attributes(*resource, common);
    for (const JsonView scope : scopes->elements()) {
      for (const JsonView entry : scope.find("logRecords")->elements()) {
        SentLog log = common;
        read_attributes(entry, log);
        log.time = number_of(entry.find("timeUnixNano"));
        log.observed = number_of(entry.find("observedTimeUnixNano"));
        log.severity = static_cast<std::uint64_t>(entry.find("severityNumber")->as_int64().value_or(0));
        log.body = entry.at_pointer("/body/stringValue")->as_string().value_or("(none)");
        logs.push_back(std::move(log));
      }
    }
  }
  return logs;
}

}  // namespace auditferry::fixture
