#pragma once
// What kind of activity a vendor's word for an action means ("config_update", "user.session.start",
// "team.add_member"). Read from the words alone; no vendor is known here. docs/formats.md has the words.

#include <string_view>

namespace auditferry {

enum class Verb {
  other,
  login,
  logout,
  verify,
  create,
  read,
  update,
  erase,
  add,  // something to a user or group, or a user to something; what is added to nothing is created
  remove,
  grant,
  revoke,
  enable,
  disable,
  lock,
  unlock,
};

struct Activity {
  enum class Family {
    api,             // anything else that was asked of the product
    configuration,   // settings, policies
    authentication,  // login, logout, verify (a second factor)
    user,            // an account and what belongs to it: password, second factor
    user_access,     // privileges, roles and memberships given to or taken from a user
    group,           // groups and teams, and who is in them
    role,            // roles themselves
  };
  Family family = Family::api;
  Verb verb = Verb::other;
  bool of_user = false;  // the words name a user or member
  bool of_password = false;
  bool of_mfa = false;
  bool is_reset = false;
};

Activity activity_of(std::string_view action);

// Of a detection: what it says about the device, as OCSF's security_state.state_id
// (objects/security_state.json of the schema); 0 when it is no state of the device but a threat.
int device_state_of(std::string_view action);

// What a product did about a detection.
enum class Response { unknown, logged, alerted, blocked };
Response response_of(std::string_view words);

}  // namespace auditferry
