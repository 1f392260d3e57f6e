#include "exporters/redactor.h"

#include <gtest/gtest.h>

#include "encoding/hash.h"
#include "exporters/format_fixture.h"
#include "tests/support/recording_log.h"

namespace auditferry {
namespace {

RedactSettings rules(std::vector<RedactRule> list) {
  RedactSettings settings;
  settings.rules = std::move(list);
  settings.key = Secret("example-redaction-key");
  return settings;
}

std::string redacted(std::vector<RedactRule> list, std::string_view raw) {
  NullLog log;
  Redactor redactor(rules(std::move(list)), log, "siem");
  Record record = fixture::base_record("apptego", "audit", "7", raw);
  std::string storage = "before";
  redactor.apply(record, storage);
  EXPECT_TRUE(storage.starts_with("before"));
  return std::string(record.raw);
}

TEST(Redactor, EveryActionOnEveryKindOfValue) {
  const char* const raw = R"({"a":"x","n":1.50,"b":true,"o":{"p":[1]},"z":null})";
  EXPECT_EQ(redacted({{"/*", RedactAction::mask}}, raw),
            R"({"a":"***","n":"***","b":"***","o":"***","z":null})");
  EXPECT_EQ(redacted({{"/*", RedactAction::remove}}, raw), "{}");
  EXPECT_EQ(redacted({{"/*", RedactAction::truncate_ip}}, raw),
            R"({"a":"***","n":"***","b":"***","o":"***","z":null})");
  const auto hash = [](const char* text) {
    return "\"hmac-sha256:" + hex(hmac_sha256("example-redaction-key", text)) + "\"";
  };
  EXPECT_EQ(redacted({{"/*", RedactAction::hash}}, raw),
            "{\"a\":" + hash("x") + ",\"n\":" + hash("1.50") + ",\"b\":" + hash("true") +
                ",\"o\":" + hash("{\"p\":[1]}") + ",\"z\":null}");
}

TEST(Redactor, AddressesKeepTheirNetwork) {
  EXPECT_EQ(redacted({{"/l/*", RedactAction::truncate_ip}},
                     R"({"l":["192.0.2.199","2001:db8:1:2::3","host","192.0.2.1:80",["192.0.2.1"]]})"),
            R"({"l":["192.0.2.0","2001:db8:1::","***","***","***"]})");
}

TEST(Redactor, AHashIsOfTheTextNotOfItsSpelling) {
  const std::string plain = redacted({{"/a", RedactAction::hash}}, R"({"a":"é"})");
  EXPECT_EQ(plain, redacted({{"/a", RedactAction::hash}}, R"({"a":"\u00e9"})"));
  EXPECT_NE(plain, redacted({{"/a", RedactAction::hash}}, R"({"a":"e"})"));
}

TEST(Redactor, RulesFollowOneAnother) {
  EXPECT_EQ(redacted({{"/raw_data#/ip", RedactAction::truncate_ip},
                      {"/user_id", RedactAction::mask},
                      {"/x", RedactAction::remove}},
                     R"({"event":7,"user_id":"a","x":1,"raw_data":"{\"n\":1.0,\"ip\":\"192.0.2.7\"}"})"),
            R"({"event":7,"user_id":"***","raw_data":"{\"n\":1.0,\"ip\":\"192.0.2.0\"}"})");
  // The first has masked the string into which the second would step: nothing to be told of.
  RecordingLog log;
  Redactor redactor(rules({{"/r", RedactAction::mask}, {"/r#/ip", RedactAction::hash}}), log, "siem");
  Record record = fixture::base_record("apptego", "audit", "7", R"({"r":"{\"ip\":1}"})");
  std::string storage;
  redactor.apply(record, storage);
  EXPECT_EQ(record.raw, R"({"r":"***"})");
  EXPECT_EQ(redactor.unreadable(), 0u);
  EXPECT_TRUE(log.lines.empty());
}

TEST(Redactor, LeavesRecordsWithoutTheFieldAndGapsAlone) {
  RecordingLog log;
  Redactor redactor(rules({{"/why", RedactAction::mask}}), log, "siem");
  std::string storage;
  Record record = fixture::base_record("apptego", "audit", "7", R"({ "a" : 1 })");
  const char* const before = record.raw.data();
  redactor.apply(record, storage);
  EXPECT_EQ(record.raw.data(), before);
  Record gap = fixture::base_record("apptego", "audit", "gap-1", R"({"why":"x"})");
  gap.gap = true;
  redactor.apply(gap, storage);
  EXPECT_EQ(gap.raw, R"({"why":"x"})");
  EXPECT_TRUE(storage.empty());
  EXPECT_TRUE(Redactor(RedactSettings(), log, "siem").empty());
  EXPECT_FALSE(redactor.empty());
}

TEST(Redactor, FailsClosed) {
  RecordingLog log;
  Redactor redactor(rules({{"/r#/ip", RedactAction::hash}}), log, "siem");
  for (const std::string raw : {"", "{\"r\":", "no json", "{\"r\":\"\xFF\"}", "{\"r\":\"a\nb\"}"}) {
    Record record = fixture::base_record("apptego", "audit", "7", raw);
    std::string storage;
    redactor.apply(record, storage);
    EXPECT_EQ(record.raw, "\"***\"") << raw;
  }
  EXPECT_EQ(redactor.unreadable(), 5u);
  Record record = fixture::base_record("apptego", "audit", "7", R"({"r":"ip is 192.0.2.7","x":1})");
  std::string storage;
  redactor.apply(record, storage);
  EXPECT_EQ(record.raw, R"({"r":"***","x":1})");
  EXPECT_EQ(redactor.unreadable(), 6u);
  // Told of at the first, and then ever more seldom; never with the value.
  EXPECT_EQ(log.count("masked a value as a whole"), 1u);
  for (int i = 0; i < 10; ++i) {
    Record again = fixture::base_record("apptego", "audit", "7", R"({"r":"ip is 192.0.2.7"})");
    redactor.apply(again, storage);
  }
  EXPECT_EQ(log.count("masked a value as a whole"), 2u);
  EXPECT_EQ(log.text().find("192.0.2.7"), std::string::npos);
}

TEST(Redactor, ARuleThatFindsNothingIsToldOfOnce) {
  RecordingLog log;
  Redactor redactor(rules({{"/user", RedactAction::mask}, {"/user_id", RedactAction::mask}}), log, "siem");
  std::string storage;
  for (int i = 0; i < 3000; ++i) {
    Record record = fixture::base_record("apptego", "audit", "7", R"({"user_id":"a"})");
    storage.clear();
    redactor.apply(record, storage);
    EXPECT_EQ(log.lines.size(), i < 999 ? 0u : 1u);
  }
  EXPECT_EQ(log.count("/user has found nothing in the first 1000 records of exporter siem", LogLevel::warn),
            1u);
}

TEST(Redactor, NothingOfTheValueRemains) {
  fixture::RecordMaker maker(31);
  NullLog log;
  Redactor redactor(rules({{"/user_id", RedactAction::mask},
                           {"/raw_data#/ip", RedactAction::truncate_ip},
                           {"/api_call", RedactAction::remove}}),
                    log, "siem");
  for (int round = 0; round < 3000; ++round) {
    Record record = maker.next();
    std::string storage;
    redactor.apply(record, storage);
    ASSERT_TRUE(record.raw.find("\"user_id\":\"***\"") != std::string_view::npos) << record.raw;
    ASSERT_EQ(record.raw.find("api_call"), std::string_view::npos);
    Record garbage = maker.garbage();
    redactor.apply(garbage, storage);
  }
  EXPECT_GT(redactor.unreadable(), 100u);
}

}  // namespace
}  // namespace auditferry
