#include "exporters/meaning.h"

#include <gtest/gtest.h>

#include "encoding/json_view.h"
#include "exporters/cef_format.h"
#include "exporters/ecs_format.h"
#include "exporters/format_fixture.h"
#include "exporters/ocsf_format.h"
#include "exporters/line_text.h"

namespace auditferry {
namespace {

using fixture::base_record;
using fixture::builtin_profiles;

TEST(Meaning, OfAnAuditRecord) {
  const Meaning meaning = meaning_of(
      base_record(
          "apptego", "audit", "1",
          R"({"user_id":"admin@example.com","api_call":"config_update","successful":0,"raw_data":"{ \"ip\" : \"192.0.2.7:443\"}"})"),
      builtin_profiles());
  EXPECT_EQ(meaning.kind, Meaning::Kind::audit);
  EXPECT_EQ(meaning.product, "AppTego Management API");
  EXPECT_EQ(meaning.actor, "admin@example.com");
  EXPECT_EQ(meaning.action, "config_update");
  EXPECT_EQ(meaning.outcome, Outcome::failure);
  EXPECT_EQ(meaning.source, "192.0.2.7:443");
  ASSERT_TRUE(meaning.source_ip);
  EXPECT_EQ(meaning.source_ip->text(), "192.0.2.7");
  EXPECT_EQ(meaning.activity.family, Activity::Family::configuration);
}

TEST(Meaning, OfADetection) {
  const Meaning meaning =
      meaning_of(base_record("apptego", "device", "1",
                             R"({"event_type":"root_detection","action":"kill","app_id":"a","device_id":7})"),
                 builtin_profiles());
  EXPECT_EQ(meaning.kind, Meaning::Kind::detection);
  EXPECT_EQ(meaning.device, "7");
  EXPECT_EQ(meaning.device_state, 21);
  EXPECT_EQ(meaning.response, Response::blocked);
  EXPECT_EQ(meaning.outcome, Outcome::unknown);
  EXPECT_FALSE(meaning.source_ip);
}

TEST(Meaning, FieldsOfOddTypes) {
  const auto actor = [](const char* json) { return meaning_text(std::string("{\"a\":") + json + "}", "/a"); };
  EXPECT_EQ(actor("\"x\""), "x");
  EXPECT_EQ(actor("12345678901234567890"), "12345678901234567890");
  EXPECT_EQ(actor("true"), "true");
  EXPECT_EQ(actor("null"), "");
  EXPECT_EQ(actor("{\"b\":1}"), "");
  EXPECT_EQ(actor("[]"), "");
  EXPECT_EQ(actor("[[1],\"x\",\"y\"]"), "x");
  EXPECT_EQ(meaning_text("{}", "/a"), "");
  EXPECT_EQ(meaning_text("", "/a"), "");
  EXPECT_EQ(meaning_text("{\"a\":1}", ""), "");
}

TEST(Meaning, OfOktasAndGitHubsFields) {
  const Meaning okta = meaning_of(
      base_record("okta", "audit", "1",
                  R"({"eventType":"group.user_membership.add","outcome":{"result":"SUCCESS"},"client":{"device":"Computer"},)"
                  R"("device":{"id":"guo4"},"target":[{"type":"User","alternateId":"a@example.com"},{"type":"UserGroup"}]})"),
      builtin_profiles());
  EXPECT_EQ(okta.device, "guo4");
  EXPECT_EQ(okta.target, "a@example.com");
  EXPECT_TRUE(target_is_user(okta));
  const Meaning unknown =
      meaning_of(base_record("okta", "audit", "1", R"({"client":{"device":"Computer"},"device":null})"), builtin_profiles());
  EXPECT_EQ(unknown.device, "");
  // As in GitHub's documentation of the audit log.
  const Meaning github = meaning_of(
      base_record("github", "audit", "1",
                  R"({"action":"team.add_member","actor":"octocat","operation_type":"create","org":"octo-corp",)"
                  R"("team":"octo-corp/example-team","repo":"octo-corp/one","user":"monalisa"})"),
      builtin_profiles());
  EXPECT_EQ(github.outcome_text, "");
  EXPECT_EQ(github.outcome, Outcome::unknown);
  EXPECT_EQ(github.target, "monalisa");
  EXPECT_TRUE(target_is_user(github));
}

TEST(Meaning, WhoIsAddedToAGroupIsNoGroup) {
  const Record record =
      base_record("github", "audit", "1", R"({"action":"team.add_member","actor":"octocat","user":"monalisa"})");
  const std::string ecs = fixture::line_of(EcsFormat({}, builtin_profiles()), record);
  EXPECT_FALSE(JsonView(ecs).find("group")) << ecs;
  EXPECT_EQ(JsonView(ecs).at_pointer("/user/target/name")->scalar_text(), "monalisa");
  const std::string ocsf = fixture::line_of(OcsfFormat({}, builtin_profiles()), record);
  EXPECT_EQ(JsonView(ocsf).at_pointer("/group/name")->scalar_text(), "unknown");
  EXPECT_EQ(JsonView(ocsf).at_pointer("/user/name")->scalar_text(), "monalisa");
  EXPECT_NE(fixture::line_of(CefFormat({}, builtin_profiles()), record).find(" duser=monalisa "), std::string::npos);
}

TEST(Meaning, WithoutAProfileThereIsTheVendorAlone) {
  for (const auto& [vendor, stream] : {std::pair("nobody", "log"), std::pair("apptego", "nothing")}) {
    const Meaning meaning =
        meaning_of(base_record(vendor, stream, "1", R"({"user_id":"x"})"), builtin_profiles());
    EXPECT_EQ(meaning.kind, Meaning::Kind::audit);
    EXPECT_EQ(meaning.actor, "");
    EXPECT_FALSE(meaning.product.empty());
  }
}

TEST(Outcome, IsNormalised) {
  for (const char* word : {"true", "1", "SUCCESS", "Allowed", "yes", "200", "302"})
    EXPECT_EQ(outcome_of(word), Outcome::success) << word;
  for (const char* word : {"false", "0", "FAILURE", "Denied", "no", "block", "403", "500"})
    EXPECT_EQ(outcome_of(word), Outcome::failure) << word;
  for (const char* word : {"", "create", "2", "600", "100", "200 ", "SKIPPED"})
    EXPECT_EQ(outcome_of(word), Outcome::unknown) << word;
}

TEST(LineText, StaysOnOneLineOfUtf8) {
  EXPECT_EQ(one_line_text("a\nb\tc\xE2\x80\xA8"
                          "d\xFF|",
                          100, "|"),
            "a b c d\xEF\xBF\xBD ");
  // Cut between two characters.
  EXPECT_EQ(one_line_text("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(one_line_text("ab\xC3\xA9", 4), "ab\xC3\xA9");
  std::string json = "x\xC2\x85{\"a\":\"\xE2\x80\xA8\xE2\x80\xA9\xC2\x85\xC3\xA9\x7F\"}";
  escape_line_separators(json, 3);
  EXPECT_EQ(json, "x\xC2\x85{\"a\":\"\\u2028\\u2029\\u0085\xC3\xA9\\u007f\"}");
}

TEST(LineText, MillisecondsAreRoundedDown) {
  EXPECT_EQ(epoch_milliseconds(from_micros(1999)), 1);
  EXPECT_EQ(epoch_milliseconds(from_micros(-1)), -1);
}

}  // namespace
}  // namespace auditferry
