#include "exporters/leef_format.h"

#include <gtest/gtest.h>

#include "exporters/event_parsers_fixture.h"
#include "exporters/format_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using fixture::parse_leef;

// What the format promises to make of valid text: docs/formats.md.
std::string cleaned_leef(std::string text) {
  for (const char* separator : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    fixture::replace_all(text, separator, " ");
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

void expect_leef_value(const fixture::ParsedEvent& event, const std::string& key, const std::string& text,
                  std::size_t limit) {
  const std::string wanted = cleaned_leef(text);
  if (wanted.empty()) {
    EXPECT_EQ(event.fields.count(key), 0u) << key;
    return;
  }
  ASSERT_EQ(event.fields.count(key), 1u) << key;
  const std::string& found = event.fields.at(key);
  if (wanted.size() <= limit) {
    EXPECT_EQ(found, wanted) << key;
  } else {
    EXPECT_LE(found.size(), limit) << key;
    EXPECT_GT(found.size() + 4, limit) << key;
    EXPECT_TRUE(wanted.starts_with(found)) << key;
  }
}

TEST(LeefFormat, TimesThatNeedNoFormatAndTimesThatDo) {
  const LeefFormat format({}, fixture::builtin_profiles());
  Record record = fixture::base_record("apptego", "audit", "7", "{}");
  auto event = parse_leef(fixture::line_of(format, record));
  EXPECT_EQ(event->fields.at("devTime"), "1763893512000");
  EXPECT_EQ(event->fields.count("devTimeFormat"), 0u);
  record.time = from_micros(-1'500'000);
  event = parse_leef(fixture::line_of(format, record));
  EXPECT_EQ(event->fields.at("devTime"), "1969-12-31T23:59:58.500Z");
  EXPECT_EQ(event->fields.at("devTimeFormat"), "yyyy-MM-dd'T'HH:mm:ss.SSSX");
}

TEST(LeefFormat, RandomRecordsAreReadBack) {
  fixture::RecordMaker maker(20251124);
  const LeefFormat format({{"k", "v=\n\t"}}, fixture::builtin_profiles());
  for (int round = 0; round < rounds(5000, 600); ++round) {
    const Record record = maker.next();
    const std::string line = fixture::line_of(format, record);
    ASSERT_TRUE(fixture::is_one_line(line)) << line;
    const auto event = parse_leef(line);
    ASSERT_TRUE(event) << line;
    ASSERT_FALSE(fixture::has_repeated_keys(*event)) << line;
    ASSERT_EQ(event->header.size(), 6u);
    EXPECT_EQ(event->header[0], "LEEF:2.0");
    EXPECT_LE(event->header[4].size(), 255u);
    expect_leef_value(*event, "usrName", maker.actor, 255);
    expect_leef_value(*event, "action", maker.action, 1'000'000);
    if (event->fields.count("src") == 0) {
      expect_leef_value(*event, "srcHostName", maker.source, 1'000'000);
    }
    EXPECT_EQ(event->fields.at("seq"), std::to_string(record.seq));
    EXPECT_EQ(event->fields.at("labels"), R"({"k":"v=\n\t"})");
    std::string raw(record.raw);
    fixture::replace_all(raw, "\xC2\x85", "\\u0085");
    fixture::replace_all(raw, "\xE2\x80\xA8", "\\u2028");
    fixture::replace_all(raw, "\x7F", "\\u007f");
    EXPECT_EQ(event->fields.at("record"), raw);
    if (HasFailure()) FAIL() << line;
  }
}

}  // namespace
}  // namespace auditferry
