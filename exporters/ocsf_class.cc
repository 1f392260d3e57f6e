#include "exporters/ocsf_class.h"

namespace auditferry {
namespace {

int crud_activity(Verb verb) {
  switch (verb) {
    case Verb::create:
      return 1;
    case Verb::read:
      return 2;
    case Verb::update:
    case Verb::enable:
    case Verb::disable:
    case Verb::lock:
    case Verb::unlock:
      return 3;
    case Verb::erase:
      return 4;
    default:
      return ocsf_other;
  }
}

int account_activity(const Activity& activity) {
  if (activity.of_mfa) {
    switch (activity.verb) {
      case Verb::create:
      case Verb::add:
      case Verb::enable:
        return 10;
      case Verb::erase:
      case Verb::remove:
      case Verb::disable:
        return 11;
      default:
        return ocsf_other;
    }
  }
  if (activity.of_password && activity.verb == Verb::update) return activity.is_reset ? 4 : 3;
  switch (activity.verb) {
    case Verb::create:
      return 1;
    case Verb::enable:
      return 2;
    case Verb::disable:
      return 5;
    case Verb::erase:
      return 6;
    case Verb::lock:
      return 9;
    case Verb::unlock:
      return 12;
    default:
      return ocsf_other;
  }
}

// What a group is given that is no user, such as an application or a repository, are privileges.
int group_activity(const Activity& activity) {
  switch (activity.verb) {
    case Verb::grant:
      return 1;
    case Verb::revoke:
      return 2;
    case Verb::add:
      return activity.of_user ? 3 : 1;
    case Verb::remove:
      return activity.of_user ? 4 : 2;
    case Verb::erase:
      return activity.of_user ? 4 : 5;
    case Verb::create:
      return activity.of_user ? 3 : 6;
    default:
      return ocsf_other;
  }
}

int access_activity(Verb verb) {
  switch (verb) {
    case Verb::grant:
    case Verb::add:
    case Verb::enable:
      return 1;
    case Verb::revoke:
    case Verb::remove:
    case Verb::disable:
      return 2;
    default:
      return ocsf_other;
  }
}

int authentication_activity(Verb verb) {
  if (verb == Verb::login) return 1;
  return verb == Verb::logout ? 2 : ocsf_other;
}

OcsfKind of_activity(const Activity& activity) {
  using Family = Activity::Family;
  switch (activity.family) {
    case Family::authentication:
      return {OcsfClass::authentication, authentication_activity(activity.verb)};
    case Family::user:
      return {OcsfClass::account_change, account_activity(activity)};
    case Family::user_access:
      return {OcsfClass::user_access, access_activity(activity.verb)};
    case Family::group:
      return {OcsfClass::group_management, group_activity(activity)};
    case Family::role:
      return {OcsfClass::entity_management, crud_activity(activity.verb)};
    case Family::configuration:
    case Family::api:
      break;
  }
  return {OcsfClass::api_activity, crud_activity(activity.verb)};
}

}  // namespace

OcsfKind ocsf_kind(const Meaning& meaning) {
  if (meaning.kind == Meaning::Kind::gap) return {OcsfClass::application_error, 1};
  if (meaning.kind == Meaning::Kind::detection)
    return {meaning.device_state != 0 ? OcsfClass::device_state_change : OcsfClass::detection_finding, 1};
  if (meaning.action.empty()) return {OcsfClass::api_activity, ocsf_unknown};
  return of_activity(meaning.activity);
}

int ocsf_severity(const Meaning& meaning) {
  if (meaning.kind != Meaning::Kind::audit) return 4;
  return meaning.outcome == Outcome::failure ? 2 : 1;
}

OcsfDisposition ocsf_disposition(Response response) {
  switch (response) {
    case Response::blocked:
      return {2, 2};
    case Response::alerted:
      return {1, 19};
    case Response::logged:
      return {1, 17};
    case Response::unknown:
      break;
  }
  return {0, 15};
}

}  // namespace auditferry
