#include "exporters/ocsf_format.h"

#include <gtest/gtest.h>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "exporters/event_parsers_fixture.h"
#include "exporters/format_fixture.h"
#include "exporters/line_text.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

std::string ocsf_text_at(std::string_view json, std::string_view pointer) {
  const auto found = JsonView(json).at_pointer(pointer);
  return found ? found->scalar_text() : "none";
}

std::int64_t number_at(std::string_view json, std::string_view pointer) {
  const auto found = JsonView(json).at_pointer(pointer);
  return found ? found->as_int64().value_or(-1) : -1;
}

// What the schema requires of every event, and of the class (schema files events/*/*.json).
void expect_valid(const std::string& line) {
  ASSERT_TRUE(fixture::is_one_line(line)) << line;
  const auto scanned = scan_json(line);
  ASSERT_TRUE(scanned.ok() && scanned->text == line) << line;
  const JsonView event(line);
  for (const char* number : {"activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"}) {
    const auto value = event.find(number);
    ASSERT_TRUE(value && value->as_int64()) << number << " in " << line;
  }
  const std::int64_t id = number_at(line, "/class_uid");
  EXPECT_EQ(number_at(line, "/category_uid"), id / 1000);
  EXPECT_EQ(number_at(line, "/type_uid"), id * 100 + number_at(line, "/activity_id"));
  for (const char* text :
       {"/metadata/version", "/metadata/product/name", "/metadata/product/vendor_name", "/metadata/uid"}) {
    const auto value = event.at_pointer(text);
    EXPECT_TRUE(value && value->is_string() && value->raw() != "\"\"") << text << " in " << line;
  }
  const std::map<std::int64_t, std::vector<const char*>> required = {
      {2004, {"/finding_info/uid"}},
      {3001, {"/user/name"}},
      {3002, {"/user/name", "/service/name"}},
      {3004, {"/entity/name"}},
      {3005, {"/user/name", "/privileges/0"}},
      {3006, {"/group/name"}},
      {5019, {"/device/uid", "/security_states/0/state_id"}},
      {6003, {"/actor/user/name", "/api/operation", "/src_endpoint"}},
      {6008, {"/message"}}};
  ASSERT_TRUE(required.count(id)) << line;
  for (const char* pointer : required.at(id))
    EXPECT_TRUE(event.at_pointer(pointer)) << pointer << " in " << line;
  if (number_at(line, "/activity_id") == 99) {
    EXPECT_TRUE(event.find("activity_name")) << line;
  }
}

std::string ocsf_made(const Record& record) {
  std::string line = fixture::line_of(OcsfFormat({}, fixture::builtin_profiles()), record);
  expect_valid(line);
  return line;
}

std::int64_t type_of(const std::string& action) {
  const std::string raw = "{\"api_call\":\"" + action + "\"}";
  return number_at(ocsf_made(fixture::base_record("apptego", "audit", "7", raw)), "/type_uid");
}

TEST(OcsfFormat, ClassAndActivity) {
  EXPECT_EQ(type_of("login"), 300201);
  EXPECT_EQ(type_of("logout"), 300202);
  EXPECT_EQ(type_of("mfa_challenge"), 300299);
  EXPECT_EQ(type_of("user_create"), 300101);
  EXPECT_EQ(type_of("user_enable"), 300102);
  EXPECT_EQ(type_of("change_password"), 300103);
  EXPECT_EQ(type_of("reset_password"), 300104);
  EXPECT_EQ(type_of("user_disable"), 300105);
  EXPECT_EQ(type_of("user_delete"), 300106);
  EXPECT_EQ(type_of("mfa_enable"), 300110);
  EXPECT_EQ(type_of("mfa_disable"), 300111);
  EXPECT_EQ(type_of("user_rename"), 300199);
  EXPECT_EQ(type_of("permission_grant"), 300501);
  EXPECT_EQ(type_of("permission_revoke"), 300502);
  EXPECT_EQ(type_of("group_create"), 300606);
  EXPECT_EQ(type_of("group_add_user"), 300603);
  EXPECT_EQ(type_of("group_remove_user"), 300604);
  EXPECT_EQ(type_of("role_delete"), 300404);
  EXPECT_EQ(type_of("config_update"), 600303);
  EXPECT_EQ(type_of("create_api_token"), 600301);
  EXPECT_EQ(type_of("export_report"), 600302);
  EXPECT_EQ(type_of("build_delete"), 600304);
  EXPECT_EQ(type_of("anything"), 600399);
  EXPECT_EQ(type_of(""), 600300);
}

TEST(OcsfFormat, DetectionsAreStatesOrFindings) {
  const auto detection = [](const char* event, const char* action) {
    const std::string raw =
        std::string("{\"event_type\":\"") + event + "\",\"action\":\"" + action + "\",\"device_id\":\"d\"}";
    return ocsf_made(fixture::base_record("apptego", "device", "7", raw));
  };
  const std::string state = detection("jailbreak", "kill");
  EXPECT_EQ(number_at(state, "/type_uid"), 501901);
  EXPECT_EQ(number_at(state, "/security_states/0/state_id"), 18);
  EXPECT_EQ(number_at(state, "/disposition_id"), 2);
  const std::string threat = detection("location_spoofing", "alert");
  EXPECT_EQ(number_at(threat, "/type_uid"), 200401);
  EXPECT_EQ(number_at(threat, "/disposition_id"), 19);
  EXPECT_EQ(ocsf_text_at(threat, "/device/uid"), "d");
}

// A finding has no actor of its own. No built-in detection names one; a profile may.
TEST(OcsfFormat, WhoIsBehindAFindingIsEvidence) {
  Profile profile = builtin_profile("apptego").value();
  profile.streams.at("device").fields.actor = "/user";
  ProfileBook profiles;
  profiles.add(profile);
  const auto finding = [&profiles](const std::string& more) {
    const std::string raw = "{\"event_type\":\"location_spoofing\",\"action\":\"alert\"" + more + "}";
    std::string line = fixture::line_of(OcsfFormat({}, profiles), fixture::base_record("apptego", "device", "7", raw));
    expect_valid(line);
    return line;
  };
  const std::string both = finding(",\"user\":\"ann@example.com\",\"ip_address\":\"192.0.2.7\"");
  EXPECT_EQ(number_at(both, "/type_uid"), 200401);
  EXPECT_EQ(ocsf_text_at(both, "/evidences/0/actor/user/name"), "ann@example.com");
  EXPECT_EQ(ocsf_text_at(both, "/evidences/0/src_endpoint/ip"), "192.0.2.7");
  EXPECT_EQ(finding("").find("evidences"), std::string::npos);
}

TEST(OcsfFormat, AGapIsAnApplicationError) {
  for (const fixture::NamedRecord& named : fixture::golden_records()) {
    const std::string line = ocsf_made(named.record);
    EXPECT_EQ(number_at(line, "/class_uid") == 6008, named.record.gap) << named.name;
  }
}

TEST(OcsfFormat, RandomRecordsAreReadBack) {
  fixture::RecordMaker maker(20251126);
  for (int round = 0; round < rounds(5000, 600); ++round) {
    const Record record = maker.next();
    const std::string line = ocsf_made(record);
    EXPECT_EQ(ocsf_text_at(line, "/raw_data"), record.raw);
    EXPECT_EQ(ocsf_text_at(line, "/metadata/event_code"), maker.action.empty() ? "none" : maker.action);
    EXPECT_EQ(ocsf_text_at(line, "/actor/user/name"), maker.actor.empty() ? "unknown" : maker.actor);
    EXPECT_EQ(number_at(line, "/time"), epoch_milliseconds(record.has_time ? record.time : record.received));
    EXPECT_EQ(number_at(line, "/metadata/sequence"), static_cast<std::int64_t>(record.seq));
    if (HasFailure()) FAIL() << line;
  }
}

}  // namespace
}  // namespace auditferry
