#include "exporters/syslog_message.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/utf8.h"
#include "exporters/meaning.h"
#include "exporters/syslog_parser_fixture.h"
#include "tests/support/sanitized.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

SyslogSettings settings_for_tests() {
  SyslogSettings settings;
  settings.hostname = "ferry.example";
  return settings;
}

Record record_for_tests() {
  Record record;
  record.seq = 17;
  record.source = "acme";
  record.vendor = "apptego";
  record.tenant = "t1";
  record.stream = "audit";
  record.id = "81723";
  record.time = WallTime{std::chrono::sys_days(std::chrono::year(2025) / 11 / 3) + 9h + 7min + 1s};
  record.received = record.time + 2s;
  record.raw = "{\"event\":81723}";
  return record;
}

class SyslogMessage : public testing::Test {
 protected:
  // "" when refused.
  std::string encode(std::string_view bytes) {
    const SyslogEncoder encoder(settings, [this](const Record&) { return severity; });
    std::string out = "before";
    const bool fits = encoder.append({&record, bytes}, out, needed);
    EXPECT_TRUE(out.starts_with("before"));
    EXPECT_TRUE(fits || out == "before");
    return out.substr(6);
  }
  SyslogSettings settings = settings_for_tests();
  Record record = record_for_tests();
  SyslogSeverity severity = SyslogSeverity::info;
  std::size_t needed = 0;
};

// Else it would take for right what the encoder does wrong.
TEST(SyslogParserOfTheTests, SharesNothingWithTheEncoder) {
  for (const char* name : {"syslog_parser_fixture.h", "event_parsers_fixture.h", "utf8_fixture.h"}) {
    const std::string text = text_of(std::string(AUDITFERRY_SOURCE) + "/exporters/" + name);
    for (std::size_t at = text.find("#include \""); at != text.npos; at = text.find("#include \"", at + 1)) {
      const std::string file = text.substr(at + 10, text.find('"', at + 10) - at - 10);
      EXPECT_TRUE(file.ends_with("_fixture.h")) << name << " includes " << file;
    }
  }
}

TEST(SyslogParserOfTheTests, IsStrict) {
  const auto with = [](const std::string& time) { return SyslogParser::parse("<13>1 " + time + " h a - - - x"); };
  for (const char* good : {"-", "2025-11-03T09:07:01Z", "2024-02-29T23:59:59.123456Z", "2025-11-03T09:07:01.5Z"})
    EXPECT_TRUE(with(good)) << good;
  for (const char* bad : {"2025-02-29T09:07:01Z", "2025-11-31T09:07:01Z", "2025-13-01T09:07:01Z", "2025-00-01T09:07:01Z",
                          "2025-11-00T09:07:01Z", "2025-11-03T24:00:00Z", "2025-11-03T09:60:01Z", "2025-11-03T09:07:60Z",
                          "2025-11-03t09:07:01Z", "2025-11-03T09:07:01z", "2025-11-03T09:07:01.Z", "2025-11-03T09:07:01",
                          "2025-11-03T09:07:01.1234567Z", "2025-11-03T09:07:01.12x4Z", "25-11-03T09:07:01Z"})
    EXPECT_FALSE(with(bad)) << bad;
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x80", "\xFF"}) EXPECT_FALSE(SyslogParser::utf8(bad));
  EXPECT_TRUE(SyslogParser::utf8("\xEF\xBB\xBF\xF4\x8F\xBF\xBF"));
}

TEST_F(SyslogMessage, GoldenRfc5424) {
  EXPECT_EQ(
      encode("{\"a\":1}"),
      "<134>1 2025-11-03T09:07:01Z ferry.example auditferry - audit [auditferry@32473 "
      "id=\"apptego/t1/audit/81723\" seq=\"17\" tenant=\"t1\" source=\"acme\" stream=\"audit\"] {\"a\":1}");
}

TEST_F(SyslogMessage, GoldenRfc5424WithEverythingElse) {
  settings.facility = 13;
  settings.app_name = "siem";
  settings.enterprise_number = 99999;
  settings.bom = true;
  severity = SyslogSeverity::warning;
  record.revision = 2;
  record.time += 123456us;
  EXPECT_EQ(encode("x"),
            "<108>1 2025-11-03T09:07:01.123456Z ferry.example siem - audit [auditferry@99999 "
            "id=\"apptego/t1/audit/81723@2\" seq=\"17\" tenant=\"t1\" source=\"acme\" stream=\"audit\"] "
            "\xEF\xBB\xBFx");
  settings.structured_data = false;
  settings.bom = false;
  record.has_time = false;
  EXPECT_EQ(encode("x"), "<108>1 - ferry.example siem - audit - x");
}

TEST_F(SyslogMessage, GoldenRfc3164) {
  settings.protocol = SyslogProtocol::rfc3164;
  settings.app_name = "audit ferry:x";
  EXPECT_EQ(encode("{\"a\":1}"), "<134>Nov  3 09:07:01 ferry.example audit_ferry_x: {\"a\":1}");
  record.time += std::chrono::hours(24 * 20);
  EXPECT_EQ(encode("x"), "<134>Nov 23 09:07:01 ferry.example audit_ferry_x: x");
}

TEST_F(SyslogMessage, GoldenGap) {
  record = Record();
  record.seq = 4;
  record.gap = true;
  record.id = "gap-9";
  record.time = record_for_tests().time;
  severity = SyslogSeverity::error;
  EXPECT_EQ(
      encode("{\"kind\":\"gap\"}"),
      "<131>1 2025-11-03T09:07:01Z ferry.example auditferry - gap [auditferry@32473 id=\"gap-9\" seq=\"4\" "
      "tenant=\"\" source=\"\" stream=\"\"] {\"kind\":\"gap\"}");
}

TEST_F(SyslogMessage, HeaderFieldsAreCleanedAndCut) {
  const std::string stream = "au dit\n<1>" + std::string(100, 'x');
  record.stream = stream;
  settings.hostname = std::string(300, 'h');
  settings.app_name = std::string(60, 'a');
  const auto parsed = SyslogParser::parse(encode("x"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->hostname, std::string(255, 'h'));
  EXPECT_EQ(parsed->app_name, std::string(48, 'a'));
  EXPECT_EQ(parsed->msgid, ("au_dit_<1>" + std::string(100, 'x')).substr(0, 32));
  EXPECT_EQ(parsed->elements.at("auditferry@32473").at("stream"), "au dit <1>" + std::string(100, 'x'));
}

TEST_F(SyslogMessage, ValuesAndTextCannotEndAnything) {
  record.id = "a\"] [evil x=\"\\y]\nz\x01\xFF";
  const auto parsed = SyslogParser::parse(encode(std::string_view("one\ntwo\rthree\0four\ttab\xC3", 23)));
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->elements.size(), 1u);
  EXPECT_EQ(parsed->elements.at("auditferry@32473").at("id"),
            "apptego/t1/audit/a\"] [evil x=\"\\y] z \xEF\xBF\xBD");
  EXPECT_EQ(parsed->message, "one two three four\ttab\xEF\xBF\xBD");
}

TEST_F(SyslogMessage, ALongMessageIsRefusedByDefault) {
  settings.max_message = 480;
  const std::string whole = encode(std::string(200, 'x'));
  EXPECT_EQ(whole.size(), needed);
  EXPECT_NE(encode(std::string(200 + 480 - needed, 'x')), "") << "exactly as long as allowed";
  EXPECT_EQ(encode(std::string(1000, 'x')), "");
  EXPECT_EQ(needed, whole.size() + 800);
}

TEST_F(SyslogMessage, ALongMessageIsCutAtACharacterAndSaysSo) {
  settings.max_message = 480;
  settings.oversize = SyslogOversize::truncate;
  std::string text;
  for (int i = 0; i < 400; ++i) text += i % 3 == 0 ? "\xE2\x82\xAC" : i % 3 == 1 ? "\xF0\x9F\x9A\xA2" : "x";
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'y') + text;
    const std::string cut = encode(shifted);
    EXPECT_LE(cut.size(), 480u);
    EXPECT_GT(cut.size(), 476u);
    const auto parsed = SyslogParser::parse(cut);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->elements.at("auditferry@32473").at("truncated"), std::to_string(shifted.size()));
    EXPECT_TRUE(SyslogParser::utf8(parsed->message));
    EXPECT_TRUE(shifted.starts_with(parsed->message));
  }
  settings.protocol = SyslogProtocol::rfc3164;
  const std::string old = encode(text);
  EXPECT_LE(old.size(), 480u);
  EXPECT_TRUE(old.ends_with(" [truncated, was " + std::to_string(text.size()) + " bytes]")) << old;
}

TEST_F(SyslogMessage, WhatDoesNotFitWithoutItsTextCannotBeCut) {
  settings.oversize = SyslogOversize::truncate;
  settings.max_message = 480;
  const std::string id(600, 'i');
  record.id = id;
  EXPECT_EQ(encode("x"), "");
}

TEST_F(SyslogMessage, Frames) {
  std::string out;
  append_frame(SyslogFraming::octet_counting, "<134>1 \xE2\x82\xAC", out);
  EXPECT_EQ(out, "10 <134>1 \xE2\x82\xAC");
  append_frame(SyslogFraming::newline, "<134>1 x", out);
  EXPECT_EQ(out, "10 <134>1 \xE2\x82\xAC<134>1 x\n");
}

// Bytes that a forger would like to see go through.
std::string hostile(std::mt19937_64& random, std::size_t limit) {
  static const std::string pieces[] = {"\n",
                                       "\r\n",
                                       std::string(1, '\0'),
                                       "]",
                                       "\"",
                                       "\\",
                                       "\\\"",
                                       "] [x@1 a=\"",
                                       "<1>",
                                       "9 <134>1 ",
                                       " ",
                                       "=",
                                       "-",
                                       "\xFF",
                                       "\xC3",
                                       "\xEF\xBB\xBF",
                                       "é",
                                       "\xE2\x82",
                                       "\xF0\x9F\x9A\xA2",
                                       "abc",
                                       "@2",
                                       "\x1b[31m",
                                       "\x7f",
                                       "\t"};
  std::string text;
  const std::size_t wanted = random() % (limit + 1);
  while (text.size() < wanted) {
    if (random() % 4 == 0) {
      text += static_cast<char>(random());
    } else {
      text += pieces[random() % std::size(pieces)];
    }
  }
  return text;
}

// What the encoder promises to make of a text.
std::string expected_text(std::string_view text, bool value) {
  std::string out;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    const Utf8Step step = utf8_step(p, end);
    const auto byte = static_cast<unsigned char>(*p);
    const bool control = byte == '\n' || byte == '\r' || byte == 0 || (value && (byte < 32 || byte == 127));
    if (!step.valid) {
      out += replacement_character;
    } else if (control) {
      out += ' ';
    } else {
      out.append(p, step.length);
    }
    p += step.length;
  }
  return out;
}

TEST(SyslogMessageHostile, NothingInARecordForgesAFrameOrAField) {
  std::size_t sent = 0;
  constexpr std::size_t seeds = rounds(6000, 600);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    SyslogSettings settings = settings_for_tests();
    settings.framing = random() % 2 ? SyslogFraming::newline : SyslogFraming::octet_counting;
    settings.oversize = random() % 2 ? SyslogOversize::truncate : SyslogOversize::dead_letter;
    settings.max_message = 480 + random() % 1000;
    settings.bom = random() % 2;
    settings.structured_data = random() % 4;
    settings.facility = random() % 24;
    settings.app_name = hostile(random, 60);
    settings.hostname = hostile(random, 300) + "h";
    const SyslogEncoder encoder(
        settings, [&random](const Record&) { return static_cast<SyslogSeverity>(random() % 8); });
    std::string stream;
    struct Sent {
      std::string id, tenant, source, name, text;
    };
    std::vector<Sent> wanted;
    for (int i = 0; i < 3; ++i) {
      const Sent parts{hostile(random, 60), hostile(random, 20), hostile(random, 20), hostile(random, 40),
                       hostile(random, 900)};
      Record record;
      record.seq = random();
      record.vendor = "v";
      record.id = parts.id;
      record.tenant = parts.tenant;
      record.source = parts.source;
      record.stream = parts.name;
      record.has_time = random() % 4;
      record.time = from_micros(static_cast<std::int64_t>(random()));
      std::string message;
      std::size_t needed = 0;
      if (!encoder.append({&record, parts.text}, message, needed)) {
        ASSERT_TRUE(message.empty());
        ASSERT_GT(needed, settings.max_message);
        continue;
      }
      ASSERT_LE(message.size(), settings.max_message) << "seed " << seed;
      append_frame(settings.framing, message, stream);
      wanted.push_back(parts);
    }
    const auto messages = SyslogParser::unframe(stream, settings.framing == SyslogFraming::octet_counting);
    ASSERT_TRUE(messages) << "seed " << seed;
    ASSERT_EQ(messages->size(), wanted.size()) << "seed " << seed;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto parsed = SyslogParser::parse((*messages)[i]);
      ASSERT_TRUE(parsed) << "seed " << seed << ": " << (*messages)[i];
      ++sent;
      std::string text = parsed->message;
      if (settings.bom) {
        ASSERT_TRUE(text.starts_with("\xEF\xBB\xBF"));
        text.erase(0, 3);
      }
      ASSERT_TRUE(SyslogParser::utf8(text)) << "seed " << seed;
      if (settings.structured_data) {
        ASSERT_EQ(parsed->elements.size(), 1u);
        const auto& element = parsed->elements.begin()->second;
        EXPECT_EQ(element.at("id"), "v/" + expected_text(wanted[i].tenant, true) + "/" +
                                        expected_text(wanted[i].name, true) + "/" +
                                        expected_text(wanted[i].id, true))
            << "seed " << seed;
        EXPECT_EQ(element.at("source"), expected_text(wanted[i].source, true)) << "seed " << seed;
        const std::string whole = expected_text(wanted[i].text, false);
        if (element.count("truncated")) {
          EXPECT_TRUE(whole.starts_with(text)) << "seed " << seed;
        } else {
          EXPECT_EQ(text, whole) << "seed " << seed;
        }
      }
    }
  }
  EXPECT_GT(sent, seeds);
}

TEST(SyslogSeverityOf, ComesFromKindAndOutcome) {
  Profile profile;
  profile.vendor = "apptego";
  profile.streams["audit"].fields.outcome = "/successful";
  profile.streams["device"].kind = "detection";
  ProfileBook book;
  book.add(profile);
  const SyslogSeverityOf severity = syslog_severity_of(SyslogSeverities(), &book);
  Record record = record_for_tests();
  record.raw = "{\"successful\":true}";
  EXPECT_EQ(severity(record), SyslogSeverity::info);
  record.raw = "{\"successful\":false}";
  EXPECT_EQ(severity(record), SyslogSeverity::warning);
  record.raw = "{\"successful\":\"DENIED\"}";
  EXPECT_EQ(severity(record), SyslogSeverity::warning);
  record.raw = "{}";
  EXPECT_EQ(severity(record), SyslogSeverity::info);
  record.stream = "device";
  EXPECT_EQ(severity(record), SyslogSeverity::error);
  EXPECT_EQ(syslog_severity_of(SyslogSeverities(), nullptr)(record), SyslogSeverity::info);
  record.gap = true;
  EXPECT_EQ(syslog_severity_of(SyslogSeverities(), nullptr)(record), SyslogSeverity::error);
  record.gap = false;
  record.vendor = "unknown";
  EXPECT_EQ(severity(record), SyslogSeverity::info);
}

// What is a failure to one format is one to every format, and to syslog.
TEST(SyslogSeverityOf, KnowsTheWordsOfFailure) {
  Profile profile;
  profile.vendor = "apptego";
  profile.streams["audit"].fields.outcome = "/successful";
  ProfileBook book;
  book.add(profile);
  const SyslogSeverityOf severity = syslog_severity_of(SyslogSeverities(), &book);
  Record record = record_for_tests();
  for (const char* word : {"false", "FAILURE", "Denied", "403", "500", "0", "No", "block", "BLOCKED", "true", "success", "200", "",
                           "4031", "allow", "1", "yes"}) {
    const std::string raw = std::string("{\"successful\":\"") + word + "\"}";
    record.raw = raw;
    const bool failed = meaning_of(record, book).outcome == Outcome::failure;
    EXPECT_EQ(severity(record), failed ? SyslogSeverity::warning : SyslogSeverity::info) << word;
  }
}

}  // namespace
}  // namespace auditferry
