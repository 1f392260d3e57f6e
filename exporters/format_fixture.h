#pragma once
// Records for the tests of the formats: one of each kind that the built-in profiles know, hostile ones, and
// random ones from a seed.

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "core/profile.h"
#include "encoding/json_text.h"
#include "sources/profile.h"

namespace auditferry::fixture {

inline const ProfileBook& builtin_profiles() {
  static const ProfileBook book = [] {
    ProfileBook profiles;
    for (const std::string& name : builtin_profile_names()) profiles.add(builtin_profile(name).value());
    return profiles;
  }();
  return book;
}

struct NamedRecord {
  const char* name;
  Record record;
};

inline Record base_record(std::string_view vendor, std::string_view stream, std::string_view id,
                          std::string_view raw) {
  Record record;
  record.seq = 17;
  record.source = "acme";
  record.vendor = vendor;
  record.tenant = "9f1c0a4e7b8d4a4db52e6a6d5c5c1f11";
  record.stream = stream;
  record.id = id;
  record.time = from_micros(1763893512'000000);
  record.received = from_micros(1763893514'120331);
  record.raw = raw;
  return record;
}

// An actor with everything that could break a line, a field or an escape, as JSON has it and as bytes.
inline const std::string& hostile_record() {
  static const std::string raw = [] {
    std::string text = "a|b=c\\d\te\r\nf\"g\x01\x7f src=1.2.3.4 \xE2\x80\xA8u\xE2\x80\xA9v\xC2\x85w ";
    std::string json = "{\"event\":\"7\",\"user_id\":";
    append_json_string(json, text);
    json += ",\"api_call\":";
    append_json_string(json, "|=\\" + std::string(2000, 'x') + "\xC3\xA9");
    // Bytes that no journal holds: a raw line end, invalid UTF-8.
    json += ",\"raw_data\":\"{\\\"ip\\\":\\\"not an address\\\"}\",\"x\":\"\xFF\xC0\x80\n\"}";
    return json;
  }();
  return raw;
}

// The records of the golden files.
inline std::vector<NamedRecord> golden_records() {
  std::vector<NamedRecord> records;
  records.push_back(
      {"apptego audit",
       base_record(
           "apptego", "audit", "81723",
           R"({"event":81723,"user_id":"admin@example.com","api_call":"config_update","creation_time":1763893512,)"
           R"("successful":true,"raw_data":"{\"version\":\"staging\",\"ip\":\"192.0.2.7\"}"})")});
  records.push_back(
      {"apptego device",
       base_record(
           "apptego", "device", "99120",
           R"({"event":99120,"event_type":"root_detection","action":"die","platform":"android","device_id":"a3f1",)"
           R"("app_id":"com.example.bank","ip_address":"2001:db8::17","country":"DE","creation_time":1763893515,"raw_data":"{}"})")});
  records.push_back(
      {"apptego threat",
       base_record("apptego", "device", "99121",
                   R"({"event":99121,"event_type":"location_spoofing","action":"log","device_id":"a3f1",)"
                   R"("app_id":"com.example.bank","ip_address":null,"creation_time":1763893515})")});
  records.push_back(
      {"okta login failure",
       base_record(
           "okta", "audit", "1d6f5a2e-0c1b-4f0e-9a34-3d1f7f5d2c11",
           R"({"uuid":"1d6f5a2e-0c1b-4f0e-9a34-3d1f7f5d2c11","published":"2025-11-23T10:25:12.000Z",)"
           R"("eventType":"user.session.start","actor":{"alternateId":"user@example.com","type":"User"},)"
           R"("outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"},"client":{"ipAddress":"198.51.100.9","device":"Computer"},)"
           R"("device":{"id":"guo4a5u7YAHhjXrMN5d7","name":"laptop"},"target":[]})")});
  Record user = base_record(
      "okta", "audit", "2d6f5a2e-0c1b-4f0e-9a34-3d1f7f5d2c11",
      R"({"eventType":"user.account.reset_password","actor":{"alternateId":"admin@example.com"},)"
      R"("outcome":{"result":"SUCCESS"},"client":{"ipAddress":"198.51.100.9"},"target":[{"alternateId":"user@example.com"}]})");
  user.revision = 2;
  records.push_back({"okta password reset", user});
  records.push_back(
      {"github",
       base_record(
           "github", "audit", "dGhpcyBpcyBhIGxvbmcgZG9jdW1lbnQgaWQgb2YgR2l0SHVi",
           R"({"_document_id":"dGhpcyBpcyBhIGxvbmcgZG9jdW1lbnQgaWQgb2YgR2l0SHVi","@timestamp":1763893512000,)"
           R"("action":"team.add_member","actor":"octo","operation_type":"create","org":"example","team":"example/admins","user":"mona","actor_ip":"203.0.113.5"})")});
  Record gap = base_record("apptego", "audit", "gap-7",
                           R"({"type":"forgotten","from":"2025-11-23T10:00:00Z","to":"2025-11-23T11:00:00Z",)"
                           R"("why":"the portal keeps 30 days, and the outage was longer","state":"open"})");
  gap.gap = true;
  records.push_back({"gap", gap});
  Record own = gap;
  own.source = own.vendor = own.tenant = own.stream = "";
  own.raw =
      R"({"type":"damaged","from":null,"to":null,"why":"seq 3 to 5 are gone","state":"open","exporter":"siem","from_seq":3,"to_seq":5})";
  records.push_back({"gap of an exporter", own});
  Record hostile = base_record("apptego", "audit", "7", hostile_record());
  hostile.source = "a|b=c\\\t\n";
  hostile.has_time = false;
  hostile.repaired = true;
  records.push_back({"hostile", hostile});
  records.push_back({"unknown profile", base_record("nobody", "log", "1", R"({"a":1})")});
  return records;
}

// For golden files: printable ASCII and line ends as they are, other bytes and the backslash as \\xHH.
inline std::string shown(std::string_view bytes) {
  static constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const bool plain = (c >= 32 && c < 127 && c != '\\') || c == '\n';
    if (plain) {
      out += c;
    } else {
      out += std::string("\\x") + digits[static_cast<unsigned char>(c) >> 4] + digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

inline std::string line_of(const Format& format, const Record& record) {
  std::string out = "before";
  format.append(record, out);
  EXPECT_TRUE(out.starts_with("before"));
  return out.substr(6);
}

// Random records with the fields of the built-in profiles. Owns their bytes.
class RecordMaker {
 public:
  explicit RecordMaker(std::uint64_t seed) : random_(seed) {}

  // Text of every kind of character, also invalid UTF-8 when `wild`.
  std::string text(bool wild) {
    static const char* const pieces[] = {
        "a",        "Z9", " ",    "=",    "|",        "\\",           "\"",       "\t",
        "\n",       "\r", "\x01", "\x7F", "\xC3\xA9", "\xE2\x80\xA8", "\xC2\x85", "\xF0\x9F\x98\x80",
        "{",        "}",  "^",    ",",    "key=",     "\\n",          "\\=",      "x09",
        "192.0.2.1"};
    static const char* const broken[] = {"\xFF", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80"};
    std::string out;
    const std::size_t count = below(10) == 0 ? below(800) : below(12);
    for (std::size_t i = 0; i < count; ++i) {
      out += wild && below(8) == 0 ? broken[below(std::size(broken))] : pieces[below(std::size(pieces))];
    }
    return out;
  }

  // A record of vendor "apptego" whose meaning fields are `actor`, `action` …; valid JSON.
  Record next() {
    actor = text(false);
    action = below(3) == 0 ? "config_update" : text(false);
    source = below(2) == 0 ? "192.0.2." + std::to_string(below(256)) : text(false);
    std::string raw = "{\"event\":" + std::to_string(below(1000)) + ",\"user_id\":";
    append_json_string(raw, actor);
    raw += ",\"api_call\":";
    append_json_string(raw, action);
    raw += below(2) == 0 ? ",\"successful\":false" : ",\"successful\":true";
    raw += ",\"raw_data\":{\"ip\":";
    append_json_string(raw, source);
    Record record = base_record("apptego", "audit", keep(text(true)), keep(raw + "}}"));
    record.source = keep(text(true));
    record.tenant = keep(text(true));
    record.seq = below(1'000'000);
    record.revision = below(4) == 0 ? 2 : 1;
    record.repaired = below(4) == 0;
    record.has_time = below(4) != 0;
    record.time =
        from_micros(static_cast<std::int64_t>(random_() % 8'000'000'000'000'000) - 4'000'000'000'000'000);
    return record;
  }
  // A record of which nothing is right.
  Record garbage() {
    Record record = next();
    std::string bytes;
    for (std::size_t i = below(200); i > 0; --i) bytes += static_cast<char>(below(256));
    record.raw =
        keep(below(2) == 0 ? bytes : std::string(record.raw.substr(0, below(record.raw.size() + 1))) + bytes);
    record.gap = below(4) == 0;
    if (below(4) == 0) record.stream = "device";
    if (below(4) == 0) record.vendor = keep(text(true));
    return record;
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  // Of the record made last.
  std::string actor;
  std::string action;
  std::string source;

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  std::mt19937_64 random_;
  std::deque<std::string> kept_;
};

}  // namespace auditferry::fixture
