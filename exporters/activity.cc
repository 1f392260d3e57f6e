#include "exporters/activity.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace auditferry {
namespace {

using Words = std::vector<std::string>;

// A word longer than this means nothing to us, nor do words after the 32nd.
constexpr std::size_t longest_word = 32;
constexpr std::size_t most_words = 32;

// "user.loggedIn_v2" is user, logged, in, v2.
Words words_of(std::string_view text) {
  Words words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && word.size() <= longest_word) words.push_back(word);
    word.clear();
  };
  char before = ' ';
  for (const char c : text) {
    if (words.size() == most_words) return words;
    const auto byte = static_cast<unsigned char>(c);
    const bool hump = std::isupper(byte) && std::islower(static_cast<unsigned char>(before));
    if (!std::isalnum(byte) || hump) end_word();
    if (std::isalnum(byte) && word.size() <= longest_word) word += static_cast<char>(std::tolower(byte));
    before = c;
  }
  end_word();
  return words;
}

struct VerbWord {
  std::string_view word;
  Verb verb;
};

// What can be meant in one way only.
constexpr VerbWord strong_verbs[] = {
    {"create", Verb::create},       {"created", Verb::create},
    {"register", Verb::create},     {"registered", Verb::create},
    {"upload", Verb::create},       {"uploaded", Verb::create},
    {"add", Verb::add},             {"added", Verb::add},
    {"assign", Verb::grant},        {"assigned", Verb::grant},
    {"granted", Verb::grant},       {"update", Verb::update},
    {"updated", Verb::update},      {"changed", Verb::update},
    {"edit", Verb::update},         {"edited", Verb::update},
    {"modify", Verb::update},       {"modified", Verb::update},
    {"rename", Verb::update},       {"renamed", Verb::update},
    {"reset", Verb::update},        {"replace", Verb::update},
    {"replaced", Verb::update},     {"rotate", Verb::update},
    {"rotated", Verb::update},      {"promote", Verb::update},
    {"promoted", Verb::update},     {"move", Verb::update},
    {"moved", Verb::update},        {"transferred", Verb::update},
    {"restore", Verb::update},      {"restored", Verb::update},
    {"invited", Verb::update},      {"imported", Verb::update},
    {"delete", Verb::erase},        {"deleted", Verb::erase},
    {"destroy", Verb::erase},       {"destroyed", Verb::erase},
    {"purge", Verb::erase},         {"purged", Verb::erase},
    {"remove", Verb::remove},       {"removed", Verb::remove},
    {"revoke", Verb::revoke},       {"revoked", Verb::revoke},
    {"unassign", Verb::revoke},     {"unassigned", Verb::revoke},
    {"enable", Verb::enable},       {"enabled", Verb::enable},
    {"activate", Verb::enable},     {"activated", Verb::enable},
    {"reactivate", Verb::enable},   {"unsuspend", Verb::enable},
    {"unlock", Verb::unlock},       {"unlocked", Verb::unlock},
    {"disable", Verb::disable},     {"disabled", Verb::disable},
    {"deactivate", Verb::disable},  {"deactivated", Verb::disable},
    {"suspend", Verb::disable},     {"suspended", Verb::disable},
    {"locked", Verb::lock},         {"viewed", Verb::read},
    {"exported", Verb::read},       {"downloaded", Verb::read},
};

// What is a thing as often ("ip_allow_list.disable", "change_request.create"): a verb where no other is.
constexpr VerbWord weak_verbs[] = {
    {"grant", Verb::grant},     {"change", Verb::update}, {"set", Verb::update},    {"transfer", Verb::update},
    {"invite", Verb::update},   {"import", Verb::update}, {"lock", Verb::lock},     {"read", Verb::read},
    {"view", Verb::read},       {"export", Verb::read},   {"download", Verb::read}, {"get", Verb::read},
    {"list", Verb::read},       {"search", Verb::read},   {"clone", Verb::read},    {"fetch", Verb::read},
};

// Also of two words together: "log in", "session end".
constexpr VerbWord authentication_verbs[] = {
    {"logout", Verb::logout},       {"logoff", Verb::logout},
    {"signout", Verb::logout},      {"loggedout", Verb::logout},
    {"signedout", Verb::logout},    {"sessionend", Verb::logout},
    {"login", Verb::login},         {"logon", Verb::login},
    {"signin", Verb::login},        {"loggedin", Verb::login},
    {"signedin", Verb::login},      {"sessionstart", Verb::login},
    {"sso", Verb::login},           {"authenticate", Verb::login},
    {"authenticated", Verb::login}, {"authentication", Verb::login},
    {"auth", Verb::login},
};

constexpr std::string_view mfa_words[] = {"mfa", "2fa", "otp", "totp", "factor", "twofactor", "multifactor"};
constexpr std::string_view account_words[] = {"user", "users", "account", "accounts"};
constexpr std::string_view invitation_words[] = {"invite", "invited", "invitation"};
// A user as part of something.
constexpr std::string_view membership_words[] = {"member",      "members",      "membership",
                                                 "memberships", "collaborator", "collaborators"};
constexpr std::string_view group_words[] = {"group", "groups", "team", "teams"};
constexpr std::string_view role_words[] = {"role", "roles"};
constexpr std::string_view privilege_words[] = {"privilege", "privileges", "permission", "permissions"};
constexpr std::string_view password_words[] = {"password", "passwords"};
constexpr std::string_view configuration_words[] = {
    "config", "configuration", "configurations", "setting", "settings", "policy", "policies", "preferences"};

bool has(const Words& words, std::span<const std::string_view> wanted) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(wanted.begin(), wanted.end(), word) != wanted.end();
  });
}

std::optional<Verb> find_verb(std::span<const VerbWord> table, std::string_view word) {
  for (const VerbWord& entry : table) {
    if (entry.word == word) return entry.verb;
  }
  return std::nullopt;
}

std::optional<Verb> first_verb(const Words& words, std::span<const VerbWord> table) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (const auto verb = find_verb(table, words[i])) return verb;
    if (i + 1 == words.size()) break;
    if (const auto verb = find_verb(table, words[i] + words[i + 1])) return verb;
  }
  return std::nullopt;
}

// "list_deleted_users" reads, whatever was done before to what is read.
bool begins_with_reading(const Words& words) {
  return !words.empty() && find_verb(weak_verbs, words[0]) == Verb::read;
}

bool is_participle(const std::string& word) { return word.ends_with("ed"); }

std::optional<Verb> change_verb(const Words& words) {
  const bool reads = begins_with_reading(words);
  for (const std::string& word : words) {
    if (reads && is_participle(word)) continue;
    if (const auto verb = find_verb(strong_verbs, word)) return verb;
  }
  return first_verb(words, weak_verbs);
}

// Whether nothing is named beside the verb and the thing, as in "group.add": then there is nothing to add it to.
bool names_only(const Words& words, std::span<const std::string_view> thing) {
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(thing.begin(), thing.end(), word) != thing.end() || find_verb(strong_verbs, word) ||
           find_verb(weak_verbs, word);
  });
}

// What was added to nothing has been created.
Verb as_creation(Verb verb) {
  if (verb == Verb::add || verb == Verb::grant) return Verb::create;
  return verb == Verb::remove || verb == Verb::revoke ? Verb::erase : verb;
}

// A group is given members and privileges, a user privileges and a place in something; everything else that is
// added is created. Sets family and verb.
void settle_change(const Words& words, Verb verb, Activity& activity) {
  using Family = Activity::Family;
  const bool gives = verb == Verb::grant || verb == Verb::revoke;
  const bool adds = verb == Verb::add || verb == Verb::remove;
  activity.verb = verb;
  if (has(words, group_words)) {
    activity.family = Family::group;
    if (adds && names_only(words, group_words)) activity.verb = as_creation(verb);
  } else if (has(words, privilege_words)) {
    activity.family = Family::user_access;
  } else if (has(words, role_words)) {
    activity.family = activity.of_user || gives ? Family::user_access : Family::role;
    if (activity.family == Family::role) activity.verb = as_creation(verb);
  } else if (activity.of_password || activity.of_mfa) {
    activity.family = Family::user;
  } else if (activity.of_user) {
    const bool access = gives || (adds && has(words, membership_words));
    activity.family = access ? Family::user_access : Family::user;
    if (adds && names_only(words, account_words)) activity.verb = as_creation(verb);
  } else {
    activity.family = has(words, configuration_words) ? Family::configuration : Family::api;
    activity.verb = as_creation(verb);
  }
}

struct StateWord {
  std::string_view word;
  int state;
};

// Words that mean a threat, whatever else is said.
constexpr std::string_view threat_words[] = {"threat", "malware", "attack", "trojan", "phishing", "spyware"};
constexpr StateWord state_words[] = {
    {"root", 21},       {"rooted", 21},      {"rooting", 21},   {"jailbreak", 18},   {"jailbroken", 18},
    {"hook", 15},       {"hooks", 15},       {"hooking", 15},   {"emulator", 15},    {"simulator", 15},
    {"debugger", 15},   {"debugging", 15},   {"tamper", 15},    {"tampering", 15},   {"tampered", 15},
    {"repackaged", 15}, {"repackaging", 15}, {"safetynet", 13}, {"attestation", 13}, {"bootloader", 14},
    {"selinux", 16},    {"developer", 2},    {"adb", 19},       {"passcode", 23},
};

}  // namespace

Activity activity_of(std::string_view action) {
  const Words words = words_of(action);
  Activity activity;
  activity.of_user = has(words, account_words) || has(words, membership_words) || has(words, invitation_words);
  activity.of_password = has(words, password_words);
  activity.of_mfa = has(words, mfa_words);
  activity.is_reset = std::find(words.begin(), words.end(), "reset") != words.end();
  if (const std::optional<Verb> change = change_verb(words)) {
    if (*change != Verb::read) {
      settle_change(words, *change, activity);
      return activity;
    }
    activity.verb = Verb::read;
    if (has(words, configuration_words)) activity.family = Activity::Family::configuration;
    return activity;
  }
  const std::optional<Verb> authentication = first_verb(words, authentication_verbs);
  if (authentication || activity.of_mfa) {
    activity.family = Activity::Family::authentication;
    activity.verb = activity.of_mfa ? Verb::verify : *authentication;
  } else if (has(words, configuration_words)) {
    activity.family = Activity::Family::configuration;
  }
  return activity;
}

int device_state_of(std::string_view action) {
  const Words words = words_of(action);
  if (has(words, threat_words)) return 0;
  for (const std::string& word : words) {
    for (const StateWord& entry : state_words) {
      if (entry.word == word) return entry.state;
    }
  }
  return 0;
}

Response response_of(std::string_view text) {
  constexpr std::string_view blocking[] = {"block", "blocked", "deny", "denied",    "die",
                                           "kill",  "killed",  "exit", "terminate", "terminated"};
  constexpr std::string_view alerting[] = {"alert", "alerted", "notify", "notified", "message", "warn"};
  constexpr std::string_view logging[] = {"log", "logged", "report", "reported"};
  const Words words = words_of(text);
  if (has(words, blocking)) return Response::blocked;
  if (has(words, alerting)) return Response::alerted;
  return has(words, logging) ? Response::logged : Response::unknown;
}

}  // namespace auditferry
