#include "exporters/activity.h"

#include <gtest/gtest.h>

#include <string>

#include "encoding/json_view.h"
#include "exporters/ecs_format.h"
#include "exporters/format_fixture.h"
#include "exporters/ocsf_format.h"

namespace auditferry {
namespace {

using Family = Activity::Family;

struct Example {
  const char* action;
  Family family;
  Verb verb;
};

TEST(Activity, IsReadFromTheWords) {
  const Example examples[] = {
      {"user.session.start", Family::authentication, Verb::login},
      {"user.session.end", Family::authentication, Verb::logout},
      {"UserLoggedIn", Family::authentication, Verb::login},
      {"log out", Family::authentication, Verb::logout},
      {"user.failed_login", Family::authentication, Verb::login},
      {"user.authentication.auth_via_mfa", Family::authentication, Verb::verify},
      {"user.mfa.factor.activate", Family::user, Verb::enable},
      {"two_factor_authentication.disabled", Family::user, Verb::disable},
      {"user.account.reset_password", Family::user, Verb::update},
      {"user.lifecycle.create", Family::user, Verb::create},
      {"org.remove_member", Family::user_access, Verb::remove},
      {"org.invite_member", Family::user, Verb::update},
      {"user.account.privilege.grant", Family::user_access, Verb::grant},
      {"assign_role_to_user", Family::user_access, Verb::grant},
      {"role.update", Family::role, Verb::update},
      {"team.add_member", Family::group, Verb::add},
      {"group.delete", Family::group, Verb::erase},
      {"config_update", Family::configuration, Verb::update},
      {"promote_config", Family::configuration, Verb::update},
      {"saml_settings", Family::configuration, Verb::other},
      {"view_settings", Family::configuration, Verb::read},
      {"create_api_token", Family::api, Verb::create},
      {"users.export", Family::api, Verb::read},
      {"DOWNLOAD_BUILD", Family::api, Verb::read},
      {"", Family::api, Verb::other},
      {"....", Family::api, Verb::other},
      {"something.else", Family::api, Verb::other},
      // Words inside of words mean nothing.
      {"resettle_loginname_offset", Family::api, Verb::other},
  };
  for (const Example& example : examples) {
    const Activity activity = activity_of(example.action);
    EXPECT_EQ(activity.family, example.family) << example.action;
    EXPECT_EQ(activity.verb, example.verb) << example.action;
  }
}

// Okta's System Log event types and GitHub's audit log actions, and what they are in both schemas: OCSF's type_uid,
// ECS' event.category and event.type.
TEST(Activity, OfEventsThatOktaAndGitHubName) {
  struct Named {
    const char* action;
    int type;
    const char* category;
  };
  const Named names[] = {
      {"user.lifecycle.create", 300101, "iam: user creation"},
      {"user.lifecycle.activate", 300102, "iam: user change"},
      {"user.lifecycle.suspend", 300105, "iam: user change"},
      {"user.lifecycle.unsuspend", 300102, "iam: user change"},
      {"user.lifecycle.delete.initiated", 300106, "iam: user deletion"},
      {"user.account.lock", 300109, "iam: user change"},
      {"user.account.unlock_by_admin", 300112, "iam: user change"},
      {"user.account.update_password", 300103, "iam: user change"},
      {"user.account.reset_password", 300104, "iam: user change"},
      {"user.mfa.factor.activate", 300110, "iam: user change"},
      {"user.mfa.factor.deactivate", 300111, "iam: user change"},
      {"user.account.privilege.grant", 300501, "iam: user admin change"},
      {"user.account.privilege.revoke", 300502, "iam: user admin change"},
      {"user.session.impersonation.grant", 300501, "iam: user admin change"},
      {"user.session.impersonation.revoke", 300502, "iam: user admin change"},
      {"application.user_membership.add", 300501, "iam: user admin change"},
      {"application.user_membership.remove", 300502, "iam: user admin change"},
      {"application.user_membership.change_username", 300199, "iam: user change"},
      {"group.lifecycle.create", 300606, "iam: group creation"},
      {"group.lifecycle.delete", 300605, "iam: group deletion"},
      {"group.privilege.grant", 300601, "iam: group change"},
      {"group.privilege.revoke", 300602, "iam: group change"},
      {"group.user_membership.add", 300603, "iam: group change"},
      {"group.user_membership.remove", 300604, "iam: group change"},
      {"group.application_assignment.add", 300601, "iam: group change"},
      {"group.application_assignment.remove", 300602, "iam: group change"},
      {"group.application_assignment.update", 300699, "iam: group change"},
      {"application.lifecycle.create", 600301, "api: creation"},
      {"application.lifecycle.deactivate", 600303, "api: change"},
      {"policy.rule.add", 600301, "configuration: creation"},
      {"policy.rule.delete", 600304, "configuration: deletion"},
      {"system.api_token.create", 600301, "api: creation"},
      {"system.api_token.revoke", 600304, "api: deletion"},
      {"user.session.start", 300201, "authentication: start"},
      {"user.session.end", 300202, "authentication: end"},
      {"user.authentication.sso", 300201, "authentication: start"},
      {"user.authentication.auth_via_mfa", 300299, "authentication: info"},
      {"org.add_member", 300501, "iam: user admin change"},
      {"org.remove_member", 300502, "iam: user admin change"},
      {"org.remove_outside_collaborator", 300502, "iam: user admin change"},
      {"org.invite_member", 300199, "iam: user change"},
      {"org.update_member", 300199, "iam: user change"},
      {"repo.add_member", 300501, "iam: user admin change"},
      {"repo.remove_member", 300502, "iam: user admin change"},
      {"team.create", 300606, "iam: group creation"},
      {"team.destroy", 300605, "iam: group deletion"},
      {"team.add_member", 300603, "iam: group change"},
      {"team.remove_member", 300604, "iam: group change"},
      {"team.add_repository", 300601, "iam: group change"},
      {"team.remove_repository", 300602, "iam: group change"},
      {"team.change_privilege", 300699, "iam: group change"},
      {"organization_role.assign", 300501, "iam: user admin change"},
      {"organization_role.revoke", 300502, "iam: user admin change"},
      {"organization_role.create", 300401, "iam: admin creation"},
      {"ip_allow_list.enable", 600303, "api: change"},
      {"ip_allow_list.disable", 600303, "api: change"},
      {"ip_allow_list_entry.create", 600301, "api: creation"},
      {"ip_allow_list_entry.destroy", 600304, "api: deletion"},
      {"repository_rule_set.create", 600301, "api: creation"},
      {"project_view.delete", 600304, "api: deletion"},
      {"repo.add_topic", 600301, "api: creation"},
      {"repo.transfer", 600303, "api: change"},
      {"repo.download_zip", 600302, "api: access"},
      {"git.clone", 600302, "api: access"},
      {"user.add_email", 300199, "iam: user change"},
      // Others' words.
      {"add_user", 300101, "iam: user creation"},
      {"user.removed", 300106, "iam: user deletion"},
      {"group_add", 300606, "iam: group creation"},
      {"list_deleted_users", 600302, "api: access"},
      {"search_groups", 600302, "api: access"},
      {"set_timezone", 600303, "api: change"},
  };
  for (const Named& named : names) {
    std::string raw = "{\"api_call\":\"" + std::string(named.action) + "\"}";
    const Record record = fixture::base_record("apptego", "audit", "7", raw);
    const std::string ocsf = fixture::line_of(OcsfFormat({}, fixture::builtin_profiles()), record);
    EXPECT_EQ(JsonView(ocsf).at_pointer("/type_uid")->scalar_text(), std::to_string(named.type)) << named.action;
    const std::string ecs = fixture::line_of(EcsFormat({}, fixture::builtin_profiles()), record);
    std::string category;
    for (const JsonView one : JsonView(ecs).at_pointer("/event/category")->elements()) category += one.scalar_text() + ":";
    for (const JsonView one : JsonView(ecs).at_pointer("/event/type")->elements()) category += " " + one.scalar_text();
    EXPECT_EQ(category, named.category) << named.action;
  }
}

TEST(Activity, SurvivesLongAndOddText) {
  EXPECT_EQ(activity_of(std::string(1'000'000, 'x')).verb, Verb::other);
  EXPECT_EQ(activity_of(std::string("\xFF\x00 create", 9)).verb, Verb::create);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "word.";
  EXPECT_EQ(activity_of(many + "create").verb, Verb::other);
}

TEST(DeviceState, FromTheWords) {
  EXPECT_EQ(device_state_of("root_detection"), 21);
  EXPECT_EQ(device_state_of("jailbreakDetected"), 18);
  EXPECT_EQ(device_state_of("hooking_detection"), 15);
  EXPECT_EQ(device_state_of("app_tamper"), 15);
  EXPECT_EQ(device_state_of("developer_mode"), 2);
  // Not the state of a device, or the vendor says it is a threat.
  EXPECT_EQ(device_state_of("location_spoofing"), 0);
  EXPECT_EQ(device_state_of("threat.root"), 0);
  EXPECT_EQ(device_state_of(""), 0);
}

TEST(Response, FromTheWords) {
  EXPECT_EQ(response_of("die"), Response::blocked);
  EXPECT_EQ(response_of("Terminate app"), Response::blocked);
  EXPECT_EQ(response_of("alert"), Response::alerted);
  EXPECT_EQ(response_of("log"), Response::logged);
  EXPECT_EQ(response_of("redirect"), Response::unknown);
}

}  // namespace
}  // namespace auditferry
