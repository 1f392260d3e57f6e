#include "exporters/selection.h"

#include <gtest/gtest.h>

#include "exporters/format_fixture.h"

namespace auditferry {
namespace {

using Kind = SelectCondition::Test;
using fixture::base_record;

SelectCondition condition(std::string field, Kind test, std::vector<SelectValue> values = {},
                          std::string pattern = "") {
  return {std::move(field), test, std::move(values), std::move(pattern), false};
}

SelectCondition negated(SelectCondition condition) {
  condition.negated = true;
  return condition;
}

bool selects(std::vector<SelectCondition> where, const Record& record) {
  SelectSettings settings;
  settings.where = std::move(where);
  return Selection(settings, "siem", fixture::builtin_profiles()).selects(record);
}

const Record& audit() {
  static const Record record = base_record(
      "apptego", "audit", "81723",
      R"({"event":81723,"user_id":"admin@example.com","api_call":"config_update","successful":false,"none":null,)"
      R"("big":12345678901234567890,"list":["a",{"b":1}],"raw_data":"{\"ip\":\"192.0.2.7\"}"})");
  return record;
}

TEST(Selection, SourcesAndStreams) {
  SelectSettings settings;
  EXPECT_TRUE(Selection(settings, "siem", fixture::builtin_profiles()).selects(audit()));
  settings.sources = {"other", "acme"};
  settings.streams = {"audit"};
  EXPECT_TRUE(Selection(settings, "siem", fixture::builtin_profiles()).selects(audit()));
  settings.streams = {"device"};
  EXPECT_FALSE(Selection(settings, "siem", fixture::builtin_profiles()).selects(audit()));
}

TEST(Selection, TestsOnFields) {
  EXPECT_TRUE(selects({condition("/api_call", Kind::one_of, {"config_update"})}, audit()));
  EXPECT_FALSE(selects({condition("/api_call", Kind::one_of, {"config"})}, audit()));
  EXPECT_TRUE(selects({condition("/event", Kind::one_of, {std::int64_t{1}, std::int64_t{81723}})}, audit()));
  // A number is no string.
  EXPECT_FALSE(selects({condition("/event", Kind::one_of, {"81723"})}, audit()));
  EXPECT_TRUE(selects({condition("/successful", Kind::one_of, {false})}, audit()));
  EXPECT_FALSE(selects({condition("/successful", Kind::one_of, {true})}, audit()));
  EXPECT_FALSE(selects({condition("/successful", Kind::one_of, {"false"})}, audit()));
  EXPECT_TRUE(selects({condition("/raw_data#/ip", Kind::matches, {}, "192.0.2.*")}, audit()));
  EXPECT_TRUE(selects({condition("/event", Kind::matches, {}, "8*3")}, audit()));
  EXPECT_FALSE(selects({condition("/big", Kind::one_of, {std::int64_t{1}})}, audit()));
  EXPECT_TRUE(selects({condition("/list/1/b", Kind::one_of, {std::int64_t{1}})}, audit()));
}

TEST(Selection, Existence) {
  EXPECT_TRUE(selects({condition("/list", Kind::exists)}, audit()));
  EXPECT_FALSE(selects({condition("/none", Kind::exists)}, audit()));
  EXPECT_FALSE(selects({condition("/missing", Kind::exists)}, audit()));
  EXPECT_TRUE(selects({negated(condition("/missing", Kind::exists))}, audit()));
  // What is not there equals nothing, so that "not" holds.
  EXPECT_TRUE(selects({negated(condition("/missing", Kind::one_of, {"x"}))}, audit()));
}

TEST(Selection, MeaningFields) {
  EXPECT_TRUE(selects({condition("actor", Kind::matches, {}, "*@example.com")}, audit()));
  EXPECT_TRUE(selects({condition("outcome", Kind::one_of, {"failure"})}, audit()));
  EXPECT_TRUE(selects({condition("source_address", Kind::exists)}, audit()));
  EXPECT_FALSE(selects({condition("target", Kind::exists)}, audit()));
  EXPECT_TRUE(selects({condition("id", Kind::one_of, {std::int64_t{81723}})}, audit()));
  const Record device = base_record("apptego", "device", "1", R"({"action":"die","event_type":"root"})");
  EXPECT_TRUE(selects(
      {condition("outcome", Kind::one_of, {"die"}), condition("action", Kind::one_of, {"root"})}, device));
  const Record unknown = base_record("nobody", "log", "1", R"({"action":"x"})");
  EXPECT_FALSE(selects({condition("action", Kind::exists)}, unknown));
}

TEST(Selection, AllConditionsMustHold) {
  const SelectCondition holds = condition("/api_call", Kind::exists);
  const SelectCondition fails = condition("/event", Kind::one_of, {std::int64_t{1}});
  EXPECT_TRUE(selects({holds, negated(fails)}, audit()));
  EXPECT_FALSE(selects({holds, fails}, audit()));
}

TEST(Selection, GapsAreNotHiddenByConditions) {
  Record gap = base_record("apptego", "audit", "gap-1", R"({"type":"forgotten","why":"x"})");
  gap.gap = true;
  EXPECT_TRUE(selects({condition("/api_call", Kind::exists)}, gap));
  SelectSettings settings;
  settings.streams = {"device"};
  EXPECT_FALSE(Selection(settings, "siem", fixture::builtin_profiles()).selects(gap));
  // A gap of an exporter goes to that one, whatever it selects.
  gap.raw = R"({"type":"damaged","exporter":"siem"})";
  EXPECT_TRUE(Selection(settings, "siem", fixture::builtin_profiles()).selects(gap));
  EXPECT_FALSE(Selection({}, "archive", fixture::builtin_profiles()).selects(gap));
}

TEST(Selection, SurvivesRecordsOfAnyBytes) {
  fixture::RecordMaker maker(7);
  for (int round = 0; round < 3000; ++round) {
    const Record record = maker.garbage();
    for (const char* field : {"actor", "outcome", "/a/b", "/raw_data#/ip", "/*"}) {
      const bool found = selects({condition(field, Kind::exists)}, record);
      const bool missing = selects({negated(condition(field, Kind::exists))}, record);
      if (record.gap) continue;
      ASSERT_NE(found, missing);
    }
  }
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_TRUE(matches_glob("", "**"));
  EXPECT_TRUE(matches_glob("config_update", "config_*"));
  EXPECT_TRUE(matches_glob("aXbXc", "a*b*c"));
  EXPECT_TRUE(matches_glob("aab", "*ab"));
  EXPECT_TRUE(matches_glob("\xC3\xA9x", "?x"));
  EXPECT_TRUE(matches_glob("[a]", "[a]"));
  EXPECT_FALSE(matches_glob("abc", "ab"));
  EXPECT_FALSE(matches_glob("ab", "ab?"));
  EXPECT_FALSE(matches_glob("Config", "config"));
  // No pattern takes long.
  EXPECT_FALSE(matches_glob(std::string(20'000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

}  // namespace
}  // namespace auditferry
