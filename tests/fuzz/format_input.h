#pragma once
// What the fuzzers of the formats do with arbitrary bytes, and what must hold whatever they are. The same is
// replayed by exporters/event_replay_test.cc without a fuzzer.

#include <string>
#include <string_view>

#include "core/check.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "exporters/catalog.h"
#include "exporters/event_parsers_fixture.h"
#include "exporters/format_fixture.h"
#include "exporters/redactor.h"

namespace auditferry::fixture {

// The first byte says which record it is to be, the rest is its JSON.
inline Record record_of_bytes(std::string_view bytes) {
  const unsigned kind = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  static const char* const vendors[] = {"apptego", "okta", "github", "nobody"};
  Record record =
      base_record(vendors[kind & 3], kind & 4 ? "device" : "audit", "7", bytes.substr(bytes.empty() ? 0 : 1));
  record.gap = (kind & 8) != 0;
  record.has_time = (kind & 16) == 0;
  if (kind & 32) record.id = record.source = record.tenant = record.raw;
  return record;
}

// json and raw pass the record on as the journal has it, which is what the scanner made of the vendor's bytes: then
// the line is JSON and the record stands in it byte for byte. Of anything else they make a line all the same.
inline void check_plain_format(const std::string& name, std::string_view bytes) {
  ExporterSettings settings;
  settings.format = name;
  const auto format = make_format(settings, builtin_profiles());
  Record record = record_of_bytes(bytes);
  std::string line = "before";
  format->append(record, line);
  AUDITFERRY_CHECK(line.starts_with("before") && line.size() > 6 && line.find_first_of("\r\n") == line.npos);
  const auto kept = scan_json(record.raw);
  if (!kept.ok()) return;
  record.raw = kept->text;
  line.clear();
  format->append(record, line);
  AUDITFERRY_CHECK(is_valid_utf8(line));
  const auto scanned = scan_json(line, 300);
  AUDITFERRY_CHECK(scanned.ok() && scanned->text == line && scanned->repairs.empty());
  const JsonView event(line);
  if (record.gap) {
    const auto gap = event.find("gap");
    AUDITFERRY_CHECK(gap && gap->raw() == record.raw && event.find("kind")->as_string() == "gap");
  }
  if (name == "raw") {
    AUDITFERRY_CHECK(record.gap || line == record.raw);
    return;
  }
  AUDITFERRY_CHECK(event.find("record")->raw() == (record.gap ? "null" : record.raw));
  AUDITFERRY_CHECK(event.find("id").has_value() && event.find("seq")->as_int64() == 17);
  AUDITFERRY_CHECK(event.find("time")->is_string() == record.has_time);
}

inline void check_format(const std::string& name, std::string_view bytes) {
  if (name == "json" || name == "raw") {
    check_plain_format(name, bytes);
    return;
  }
  ExporterSettings settings;
  settings.format = name;
  const auto format = make_format(settings, builtin_profiles());
  std::string line;
  format->append(record_of_bytes(bytes), line);
  AUDITFERRY_CHECK(is_one_line(line));
  if (name == "cef") {
    const auto event = parse_cef(line);
    AUDITFERRY_CHECK(event && event->header.size() == 7 && !has_repeated_keys(*event));
  } else if (name == "leef") {
    const auto event = parse_leef(line);
    AUDITFERRY_CHECK(event && event->header.size() == 6 && !has_repeated_keys(*event));
  } else {
    const auto scanned = scan_json(line);
    AUDITFERRY_CHECK(scanned.ok() && scanned->text == line && scanned->repairs.empty());
  }
}

// Whatever a record is, its redacted form is valid JSON, and nothing at the path of the first rule is left.
inline void check_redaction(std::string_view bytes) {
  NullLog log;
  RedactSettings settings;
  settings.rules = {{"/user_id", RedactAction::remove},
                    {"/raw_data#/ip", RedactAction::truncate_ip},
                    {"/*#/*", RedactAction::hash},
                    {"/*/a", RedactAction::mask}};
  Redactor redactor(settings, log, "fuzz");
  Record record = record_of_bytes(bytes);
  record.gap = false;
  std::string storage;
  redactor.apply(record, storage);
  const auto scanned = scan_json(record.raw);
  AUDITFERRY_CHECK(scanned.ok() && scanned->repairs.empty());
  AUDITFERRY_CHECK(!JsonView(scanned->text).find("user_id"));
}

}  // namespace auditferry::fixture
