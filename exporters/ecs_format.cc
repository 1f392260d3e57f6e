#include "exporters/ecs_format.h"

#include <algorithm>
#include <vector>

#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "exporters/event_facts.h"
#include "exporters/line_text.h"
#include "exporters/meaning.h"

namespace auditferry {
namespace {

std::string array(const std::vector<std::string>& values) {
  std::string json = "[";
  for (const std::string& value : values) {
    if (json.size() > 1) json += ',';
    append_json_string(json, value);
  }
  return json + "]";
}

// event.category and event.type: ECS allows certain types for each category only.
struct Categorization {
  std::vector<std::string> category;
  std::vector<std::string> type;
};

std::string change_type(Verb verb) {
  switch (verb) {
    case Verb::create:
      return "creation";
    case Verb::read:
      return "access";
    case Verb::erase:
      return "deletion";
    case Verb::other:
    case Verb::login:
    case Verb::logout:
    case Verb::verify:
      return "info";
    default:
      return "change";
  }
}

Categorization of_activity(const Activity& activity) {
  using Family = Activity::Family;
  const std::string change = change_type(activity.verb);
  switch (activity.family) {
    case Family::authentication:
      if (activity.verb == Verb::login) return {{"authentication"}, {"start"}};
      if (activity.verb == Verb::logout) return {{"authentication"}, {"end"}};
      return {{"authentication"}, {"info"}};
    case Family::user:
      return {{"iam"}, {"user", change}};
    case Family::group:
      return {{"iam"}, {"group", change}};
    case Family::user_access:
      return {{"iam"}, {"user", "admin", change}};
    case Family::role:
      return {{"iam"}, {"admin", change}};
    case Family::configuration:
      return {{"configuration"}, {change}};
    case Family::api:
      return {{"api"}, {change}};
  }
  return {{"api"}, {"info"}};
}

Categorization categorization(const Meaning& meaning) {
  if (meaning.kind == Meaning::Kind::gap) return {{}, {"error"}};
  if (meaning.kind == Meaning::Kind::audit) return of_activity(meaning.activity);
  const bool blocked = meaning.response == Response::blocked;
  if (meaning.device_state != 0) return {{"host"}, {"info"}};
  return {{"intrusion_detection"}, {blocked ? "denied" : "info"}};
}

const char* event_kind(Meaning::Kind kind) {
  switch (kind) {
    case Meaning::Kind::audit:
      return "event";
    case Meaning::Kind::detection:
      return "alert";
    case Meaning::Kind::gap:
      return "pipeline_error";
  }
  return "event";
}

std::string event_of(const Record& record, const Meaning& meaning) {
  const Categorization categories = categorization(meaning);
  const bool gap = meaning.kind == Meaning::Kind::gap;
  JsonObject event;
  event.text("kind", event_kind(meaning.kind));
  if (!categories.category.empty()) event.value("category", array(categories.category));
  event.value("type", array(categories.type));
  event.text_if("action", gap ? std::string_view("gap") : std::string_view(meaning.action));
  if (meaning.kind == Meaning::Kind::audit) event.text("outcome", to_string(meaning.outcome));
  event.text("id", record.id);
  event.text_if("provider", meaning.product).text_if("module", record.vendor);
  if (!record.vendor.empty())
    event.text("dataset", std::string(record.vendor) + "." + std::string(record.stream));
  event.text("created", format_rfc3339(record.received));
  if (gap) {
    event.text_if("reason", meaning.gap.why);
    if (meaning.gap.from) event.text("start", format_rfc3339(*meaning.gap.from));
    if (meaning.gap.to) event.text("end", format_rfc3339(*meaning.gap.to));
  }
  event.text("original", record.raw);
  return event.finish();
}

// Digits, hex and dashes with a digit among them are a number of somebody, not a name.
bool is_user_id(const std::string& actor) {
  return actor.find_first_of("0123456789") != std::string::npos &&
         actor.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
}

bool is_email(const std::string& text) {
  const std::size_t at = text.find('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string::npos && text.find_first_of(" \t\r\n") == std::string::npos;
}

JsonObject user_fields(const std::string& who) {
  JsonObject user;
  user.text(is_user_id(who) ? "id" : "name", who);
  if (is_email(who)) user.text("email", who);
  return user;
}

void append_who(const Meaning& meaning, JsonObject& event) {
  const bool on_user = target_is_user(meaning);
  if (!meaning.actor.empty() || on_user) {
    JsonObject user = meaning.actor.empty() ? JsonObject() : user_fields(meaning.actor);
    if (on_user) user.value("target", user_fields(meaning.target).finish());
    event.value("user", user.finish());
  }
  if (meaning.activity.family == Activity::Family::group && !meaning.target.empty() && !on_user)
    event.value("group", JsonObject().text("name", meaning.target).finish());
  if (!meaning.source.empty()) {
    JsonObject source;
    source.text("address", meaning.source);
    if (meaning.source_ip) source.text("ip", meaning.source_ip->text());
    event.value("source", source.finish());
  }
  if (!meaning.device.empty()) event.value("device", JsonObject().text("id", meaning.device).finish());

  std::vector<std::string> users;
  if (!meaning.actor.empty()) users.push_back(meaning.actor);
  if (on_user && meaning.target != meaning.actor) users.push_back(meaning.target);
  JsonObject related;
  if (meaning.source_ip) related.value("ip", array({meaning.source_ip->text()}));
  if (!users.empty()) related.value("user", array(users));
  if (meaning.source_ip || !users.empty()) event.value("related", related.finish());
}

std::string own_fields(const Record& record, const Meaning& meaning) {
  JsonObject own;
  own.text("id", world_id(record)).number("seq", record.seq);
  own.text("source", record.source).text("stream", record.stream);
  if (record.revision >= 2) own.number("rev", record.revision);
  if (record.repaired) own.boolean("repaired", true);
  if (!record.has_time) own.boolean("has_time", false);
  own.text_if("target", meaning.target)
      .text_if(meaning.kind == Meaning::Kind::detection ? "response" : "outcome", meaning.outcome_text);
  if (meaning.kind == Meaning::Kind::gap) {
    JsonObject gap;
    gap.text("type", meaning.gap.type).text("state", meaning.gap.state);
    own.value("gap", gap.finish());
  }
  return own.finish();
}

}  // namespace

EcsFormat::EcsFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles)
    : profiles_(profiles) {
  if (labels.empty()) return;
  std::map<std::string, std::string> flat;
  for (const auto& [key, value] : labels) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '.', '_');
    flat.emplace(std::move(name), value);
  }
  labels_ = labels_object(flat);
}

void EcsFormat::append(const Record& record, std::string& out) const {
  const std::size_t begin = out.size();
  const Meaning meaning = meaning_of(record, profiles_);
  JsonObject event;
  event.text("@timestamp", format_rfc3339(time_of(record)));
  event.value("ecs", R"({"version":"8.17.0"})");
  event.value("event", event_of(record, meaning));
  if (meaning.kind == Meaning::Kind::gap) {
    event.text("message", meaning.gap.why);
    event.value("error",
                JsonObject().text("type", meaning.gap.type).text("message", meaning.gap.why).finish());
  }
  append_who(meaning, event);
  if (!record.tenant.empty()) event.value("organization", JsonObject().text("id", record.tenant).finish());
  if (!labels_.empty()) event.value("labels", labels_);
  event.value("auditferry", own_fields(record, meaning));
  out += event.finish();
  escape_line_separators(out, begin);
}

}  // namespace auditferry
