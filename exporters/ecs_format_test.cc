#include "exporters/ecs_format.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "exporters/event_parsers_fixture.h"
#include "exporters/format_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

std::string text_at(std::string_view json, std::string_view pointer) {
  const auto found = JsonView(json).at_pointer(pointer);
  return found ? found->scalar_text() : "none";
}

std::string made(const Record& record) {
  const std::string line = fixture::line_of(EcsFormat({}, fixture::builtin_profiles()), record);
  EXPECT_TRUE(fixture::is_one_line(line)) << line;
  const auto scanned = scan_json(line);
  EXPECT_TRUE(scanned.ok() && scanned->text == line) << line;
  return line;
}

std::string of_action(const std::string& action) {
  const std::string raw = "{\"api_call\":\"" + action + "\",\"user_id\":\"1234-ab\"}";
  const std::string line = made(fixture::base_record("apptego", "audit", "7", raw));
  return text_at(line, "/event/category") + text_at(line, "/event/type");
}

TEST(EcsFormat, CategoriesAndTypes) {
  EXPECT_EQ(of_action("login"), R"(["authentication"]["start"])");
  EXPECT_EQ(of_action("logout"), R"(["authentication"]["end"])");
  EXPECT_EQ(of_action("mfa_challenge"), R"(["authentication"]["info"])");
  EXPECT_EQ(of_action("user_create"), R"(["iam"]["user","creation"])");
  EXPECT_EQ(of_action("group_delete"), R"(["iam"]["group","deletion"])");
  EXPECT_EQ(of_action("role_update"), R"(["iam"]["admin","change"])");
  EXPECT_EQ(of_action("view_settings"), R"(["configuration"]["access"])");
  EXPECT_EQ(of_action("create_api_token"), R"(["api"]["creation"])");
  EXPECT_EQ(of_action("anything"), R"(["api"]["info"])");
}

// https://www.elastic.co/guide/en/ecs/8.17/ecs-allowed-values-event-category.html
TEST(EcsFormat, TypesAreThoseThatTheCategoryAllows) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"api",
       {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start",
        "user"}},
      {"authentication", {"start", "end", "info"}},
      {"configuration", {"access", "change", "creation", "deletion", "info"}},
      {"host", {"access", "change", "end", "info", "start"}},
      {"iam", {"admin", "change", "creation", "deletion", "group", "info", "user"}},
      {"intrusion_detection", {"allowed", "denied", "info"}}};
  const char* const verbs[] = {"create",  "read",  "update", "delete", "enable",
                               "disable", "login", "logout", "x",      ""};
  const char* const things[] = {"user",     "group", "role",  "permission", "user_role", "config",
                                "password", "mfa",   "token", "root",       ""};
  for (const char* stream : {"audit", "device"}) {
    for (const char* verb : verbs) {
      for (const char* thing : things) {
        const std::string action = std::string(verb) + "_" + thing;
        const std::string raw =
            "{\"api_call\":\"" + action + "\",\"event_type\":\"" + action + "\",\"action\":\"" + verb + "\"}";
        const std::string line = made(fixture::base_record("apptego", stream, "7", raw));
        const std::string category = text_at(line, "/event/category/0");
        ASSERT_TRUE(allowed.count(category)) << line;
        const auto types = JsonView(line).at_pointer("/event/type");
        ASSERT_TRUE(types) << line;
        for (const JsonView type : types->elements())
          EXPECT_TRUE(allowed.at(category).count(type.scalar_text())) << line;
      }
    }
  }
}

TEST(EcsFormat, NumbersAreUserIds) {
  EXPECT_EQ(
      text_at(made(fixture::base_record("apptego", "audit", "7", R"({"user_id":"1234-ab"})")), "/user/id"),
      "1234-ab");
  EXPECT_EQ(
      text_at(made(fixture::base_record("apptego", "audit", "7", R"({"user_id":"abe"})")), "/user/name"),
      "abe");
}

TEST(EcsFormat, LabelsAreFlat) {
  const Record record = fixture::base_record("apptego", "audit", "7", "{}");
  const std::string line =
      fixture::line_of(EcsFormat({{"a.b", "1"}, {"a_b", "2"}}, fixture::builtin_profiles()), record);
  EXPECT_TRUE(line.find(R"("labels":{"a_b":"1"})") != std::string::npos) << line;
}

TEST(EcsFormat, RandomRecordsAreReadBack) {
  fixture::RecordMaker maker(20251125);
  for (int round = 0; round < rounds(5000, 600); ++round) {
    const Record record = maker.next();
    const std::string line = made(record);
    EXPECT_EQ(text_at(line, "/event/original"), record.raw);
    EXPECT_EQ(text_at(line, "/event/action"), maker.action.empty() ? "none" : maker.action);
    if (!maker.actor.empty()) {
      EXPECT_EQ(text_at(line, "/related/user/0"), maker.actor);
    }
    EXPECT_EQ(text_at(line, "/source/address"), maker.source.empty() ? "none" : maker.source);
    EXPECT_EQ(text_at(line, "/auditferry/seq"), std::to_string(record.seq));
    EXPECT_EQ(parse_rfc3339(text_at(line, "/@timestamp")), record.has_time ? record.time : record.received);
    if (HasFailure()) FAIL() << line;
  }
}

}  // namespace
}  // namespace auditferry
