#include "exporters/cef_format.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "exporters/event_parsers_fixture.h"
#include "exporters/format_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using fixture::base_record;
using fixture::parse_cef;
using fixture::ParsedEvent;

ParsedEvent parsed(const Record& record, const std::map<std::string, std::string>& labels = {}) {
  const std::string line = fixture::line_of(CefFormat(labels, fixture::builtin_profiles()), record);
  EXPECT_TRUE(fixture::is_one_line(line)) << line;
  const auto event = parse_cef(line);
  EXPECT_TRUE(event) << line;
  return event.value_or(ParsedEvent());
}

// What the format promises to make of valid text: docs/formats.md.
std::string cleaned_cef(std::string text) {
  for (const char* separator : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    fixture::replace_all(text, separator, "\n");
  for (char& c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r') || c == 0x7F) c = ' ';
  }
  text.erase(0, text.find_first_not_of(' '));
  return text.erase(text.find_last_not_of(' ') + 1);
}

std::size_t escaped_size(const std::string& text) {
  return text.size() + static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
           return c == '\\' || c == '=' || c == '\n' || c == '\r';
         }));
}

void expect_cef_value(const ParsedEvent& event, const std::string& key, const std::string& text,
                  std::size_t limit) {
  const std::string wanted = cleaned_cef(text);
  const auto found = event.fields.find(key);
  if (wanted.empty()) {
    EXPECT_EQ(found, event.fields.end()) << key;
    return;
  }
  ASSERT_NE(found, event.fields.end()) << key;
  if (escaped_size(wanted) <= limit) {
    EXPECT_EQ(found->second, wanted) << key;
  } else {
    EXPECT_LE(event.written_bytes.at(key), limit) << key;
    EXPECT_TRUE(wanted.starts_with(found->second)) << key;
    EXPECT_GE(found->second.size() + 80, std::min(limit / 2, wanted.size())) << key;
  }
}

TEST(CefFormat, HeaderIsEscaped) {
  const Record record = base_record("apptego", "audit", "7", R"({"api_call":"a|b\\c=d\ne"})");
  const std::string line = fixture::line_of(CefFormat({}, fixture::builtin_profiles()), record);
  EXPECT_TRUE(
      line.starts_with("CEF:0|apptego|AppTego Management API|1|a\\|b\\\\c=d e|a\\|b\\\\c=d "
                       "e|3|rt=1763893512000 act=a|b\\\\c\\=d\\ne "))
      << line;
}

TEST(CefFormat, LimitsOfTheDictionary) {
  const std::string text(5000, '=');
  const std::string json = "{\"api_call\":\"" + text + "\",\"user_id\":\"" + text + "\"}";
  const ParsedEvent event = parsed(base_record("apptego", "audit", text, json));
  EXPECT_EQ(event.fields.at("act"), std::string(31, '='));  // 62 of 63 bytes: no half escape
  EXPECT_EQ(event.fields.at("suser"), std::string(511, '='));
  EXPECT_EQ(event.fields.at("cs3").size(), 2023u);
  EXPECT_EQ(event.header[4].size(), 1023u);
  EXPECT_EQ(event.header[5].size(), 512u);
  EXPECT_FALSE(event.fields.count("externalId"));
  EXPECT_EQ(event.fields.at("AuditferryRecord"), json);
}

TEST(CefFormat, AnIdThatDoesNotFitIsNotCutIntoAnotherOne) {
  const auto id_of = [](const std::string& id) {
    const ParsedEvent event = parsed(base_record("apptego", "audit", id, "{}"));
    return event.fields.count("externalId") ? event.fields.at("externalId") : std::string("none");
  };
  EXPECT_EQ(id_of(std::string(40, 'a')), std::string(40, 'a'));
  EXPECT_EQ(id_of(std::string(39, 'a') + "="), "none");
  EXPECT_EQ(id_of(std::string(38, 'a') + "="), std::string(38, 'a') + "=");
}

TEST(CefFormat, AddressesByTheirKind) {
  const auto source = [](const char* text) {
    const std::string json = std::string("{\"ip_address\":\"") + text + "\",\"event_type\":\"root\"}";
    return parsed(base_record("apptego", "device", "1", json)).fields;
  };
  EXPECT_EQ(source("192.0.2.7").at("src"), "192.0.2.7");
  EXPECT_EQ(source("192.0.2.7:80").at("src"), "192.0.2.7");
  EXPECT_EQ(source("2001:DB8::1").at("c6a2"), "2001:db8::1");
  EXPECT_EQ(source("2001:DB8::1").at("c6a2Label"), "Source IPv6 Address");
  EXPECT_EQ(source("host").at("shost"), "host");
}

TEST(CefFormat, RandomRecordsAreReadBack) {
  fixture::RecordMaker maker(20251123);
  const CefFormat format({{"k", "v=\n"}}, fixture::builtin_profiles());
  for (int round = 0; round < rounds(5000, 600); ++round) {
    const Record record = maker.next();
    const std::string line = fixture::line_of(format, record);
    ASSERT_TRUE(fixture::is_one_line(line)) << line;
    const auto event = parse_cef(line);
    ASSERT_TRUE(event) << line;
    ASSERT_FALSE(fixture::has_repeated_keys(*event)) << line;
    ASSERT_EQ(event->header.size(), 7u);
    EXPECT_EQ(event->header[0], "CEF:0");
    EXPECT_EQ(event->header[1], "apptego");
    expect_cef_value(*event, "act", maker.action, 63);
    expect_cef_value(*event, "suser", maker.actor, 1023);
    if (event->fields.count("src") == 0 && event->fields.count("c6a2") == 0) {
      expect_cef_value(*event, "shost", maker.source, 1023);
    }
    EXPECT_EQ(event->fields.at("cn1"), std::to_string(record.seq));
    std::string raw(record.raw);
    fixture::replace_all(raw, "\xC2\x85", "\\u0085");
    fixture::replace_all(raw, "\xE2\x80\xA8", "\\u2028");
    fixture::replace_all(raw, "\x7F", "\\u007f");
    EXPECT_EQ(event->fields.at("AuditferryRecord"), raw);
    if (HasFailure()) FAIL() << line;
  }
}

}  // namespace
}  // namespace auditferry
