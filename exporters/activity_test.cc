#include "exporters/activity.h"

#include <gtest/gtest.h>

#include <string>

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
      {"org.remove_member", Family::user, Verb::remove},
      {"org.invite_member", Family::user, Verb::create},
      {"user.account.privilege.grant", Family::user_access, Verb::create},
      {"assign_role_to_user", Family::user_access, Verb::create},
      {"role.update", Family::role, Verb::update},
      {"team.add_member", Family::group, Verb::create},
      {"group.delete", Family::group, Verb::remove},
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
