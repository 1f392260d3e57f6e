#include "exporters/ocsf_format.h"

#include "encoding/json_object.h"
#include "exporters/line_text.h"
#include "exporters/meaning.h"
#include "exporters/ocsf_class.h"

namespace auditferry {
namespace {

// What stands where the schema requires a name and the record has none.
constexpr std::string_view no_name = "unknown";

std::string_view or_unknown(const std::string& name) {
  return name.empty() ? no_name : std::string_view(name);
}

void signed_number(JsonObject& object, std::string_view key, std::int64_t value) {
  object.value(key, std::to_string(value));
}

std::string user_object(const std::string& name) {
  JsonObject user;
  user.text("name", or_unknown(name)).number("type_id", ocsf_unknown);
  const std::size_t at = name.find('@');
  if (at != std::string::npos && at > 0 && at == name.rfind('@') && at + 1 < name.size())
    user.text("email_addr", name);
  return user.finish();
}

std::string actor_object(const Meaning& meaning) {
  return JsonObject().value("user", user_object(meaning.actor)).finish();
}

std::string endpoint_object(const Meaning& meaning) {
  JsonObject endpoint;
  if (meaning.source_ip) {
    endpoint.text("ip", meaning.source_ip->text());
  } else {
    endpoint.text("name", or_unknown(meaning.source));
  }
  if (meaning.kind == Meaning::Kind::audit) endpoint.text_if("uid", meaning.device);
  return endpoint.finish();
}

std::string device_object(const Meaning& meaning) {
  JsonObject device;
  device.number("type_id", ocsf_unknown).text("uid", or_unknown(meaning.device));
  if (meaning.source_ip) device.text("ip", meaning.source_ip->text());
  return device.finish();
}

std::string resources(const Meaning& meaning) {
  return "[" + JsonObject().text("name", meaning.target).finish() + "]";
}

std::string metadata(const Record& record, const Meaning& meaning, const std::string& labels) {
  const bool gap = meaning.kind == Meaning::Kind::gap;
  JsonObject product;
  product.text("name", gap ? std::string_view("auditferry") : or_unknown(meaning.product));
  product.text("vendor_name", gap                     ? std::string_view("auditferry")
                              : record.vendor.empty() ? no_name
                                                      : record.vendor);
  JsonObject metadata;
  metadata.text("version", "1.8.0").value("product", product.finish()).text("uid", world_id(record));
  metadata.text_if("tenant_uid", record.tenant).text_if("log_name", record.stream);
  metadata.text_if("log_provider", record.vendor).text_if("event_code", meaning.action);
  signed_number(metadata, "logged_time", epoch_milliseconds(record.received));
  metadata.number("sequence", record.seq);
  if (meaning.kind == Meaning::Kind::detection) metadata.value("profiles", R"(["security_control"])");
  if (!labels.empty()) metadata.value("labels", labels);
  return metadata.finish();
}

// What the classes have no attribute for.
std::string unmapped(const Record& record, const Meaning& meaning) {
  JsonObject object;
  object.text("source", record.source);
  if (record.revision >= 2) object.number("rev", record.revision);
  if (record.repaired) object.boolean("repaired", true);
  if (!record.has_time) object.boolean("has_time", false);
  object.text_if("target", meaning.target);
  if (meaning.kind == Meaning::Kind::detection) object.text_if("response", meaning.outcome_text);
  if (meaning.kind == Meaning::Kind::gap)
    object.text("gap_type", meaning.gap.type).text("gap_state", meaning.gap.state);
  return object.finish();
}

std::string one_privilege(const Meaning& meaning) {
  std::string json = "[";
  append_json_string(json, or_unknown(meaning.action));
  return json + "]";
}

// Of the identity classes and API Activity: somebody did something from somewhere.
void activity_attributes(const Meaning& meaning, OcsfKind kind, JsonObject& event) {
  event.value("actor", actor_object(meaning)).value("src_endpoint", endpoint_object(meaning));
  switch (kind.class_id) {
    case OcsfClass::authentication:
      // Who signs in is the actor of the record; the service is the product itself.
      event.value("user", user_object(meaning.actor));
      event.value("service", JsonObject().text("name", or_unknown(meaning.product)).finish());
      if (meaning.activity.of_mfa) event.boolean("is_mfa", true);
      break;
    case OcsfClass::user_access:
      event.value("privileges", one_privilege(meaning));
      [[fallthrough]];
    case OcsfClass::account_change:
      event.value("user", user_object(meaning.target));
      break;
    case OcsfClass::group_management:
      if (target_is_user(meaning)) {
        event.value("group", JsonObject().text("name", no_name).finish());
        event.value("user", user_object(meaning.target));
      } else {
        event.value("group", JsonObject().text("name", or_unknown(meaning.target)).finish());
      }
      if (kind.activity_id == 1 || kind.activity_id == 2) event.value("privileges", one_privilege(meaning));
      break;
    case OcsfClass::entity_management:
      event.value("entity",
                  JsonObject().text("name", or_unknown(meaning.target)).text("type", "role").finish());
      break;
    default:
      event.value("api", JsonObject().text("operation", or_unknown(meaning.action)).finish());
      if (!meaning.target.empty()) event.value("resources", resources(meaning));
      break;
  }
}

void state_attributes(const Meaning& meaning, JsonObject& event) {
  JsonObject state;
  state.number("state_id", static_cast<std::uint64_t>(meaning.device_state)).text("state", meaning.action);
  event.value("device", device_object(meaning)).value("security_states", "[" + state.finish() + "]");
  if (!meaning.actor.empty()) event.value("actor", actor_object(meaning));
}

void finding_attributes(const Record& record, const Meaning& meaning, JsonObject& event) {
  JsonObject finding;
  finding.text("uid", world_id(record)).text("title", or_unknown(meaning.action));
  event.value("finding_info", finding.finish()).value("device", device_object(meaning));
  JsonObject evidence;
  if (!meaning.actor.empty()) evidence.value("actor", actor_object(meaning));
  if (!meaning.source.empty()) evidence.value("src_endpoint", endpoint_object(meaning));
  if (!meaning.actor.empty() || !meaning.source.empty()) event.value("evidences", "[" + evidence.finish() + "]");
  if (!meaning.target.empty()) event.value("resources", resources(meaning));
}

void gap_attributes(const Meaning& meaning, JsonObject& event) {
  event.text("message", meaning.gap.why);
  if (meaning.gap.from) signed_number(event, "start_time", epoch_milliseconds(*meaning.gap.from));
  if (meaning.gap.to) signed_number(event, "end_time", epoch_milliseconds(*meaning.gap.to));
}

// The attributes that the record's class has of its own.
void class_attributes(const Record& record, const Meaning& meaning, OcsfKind kind, JsonObject& event) {
  switch (kind.class_id) {
    case OcsfClass::device_state_change:
      return state_attributes(meaning, event);
    case OcsfClass::detection_finding:
      return finding_attributes(record, meaning, event);
    case OcsfClass::application_error:
      return gap_attributes(meaning, event);
    default:
      return activity_attributes(meaning, kind, event);
  }
}

void status(const Meaning& meaning, OcsfKind kind, JsonObject& event) {
  if (kind.class_id == OcsfClass::detection_finding) {
    event.number("status_id", 1).text("status", "New");  // of the finding's life, not of its outcome
  } else if (meaning.kind == Meaning::Kind::audit) {
    const bool known = meaning.outcome != Outcome::unknown;
    event.number("status_id", !known ? 0 : meaning.outcome == Outcome::success ? 1 : 2);
    event.text("status", !known ? "Unknown" : meaning.outcome == Outcome::success ? "Success" : "Failure");
    event.text_if("status_code", meaning.outcome_text);
  }
  if (meaning.kind != Meaning::Kind::detection) return;
  const OcsfDisposition disposition = ocsf_disposition(meaning.response);
  event.number("action_id", static_cast<std::uint64_t>(disposition.action_id));
  event.number("disposition_id", static_cast<std::uint64_t>(disposition.disposition_id));
  event.boolean("is_alert", true);
}

}  // namespace

OcsfFormat::OcsfFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles)
    : profiles_(profiles) {
  for (const auto& [key, value] : labels) {
    labels_ += labels_.empty() ? "[" : ",";
    append_json_string(labels_, key + ":" + value);
  }
  if (!labels_.empty()) labels_ += ']';
}

void OcsfFormat::append(const Record& record, std::string& out) const {
  const std::size_t begin = out.size();
  const Meaning meaning = meaning_of(record, profiles_);
  const OcsfKind kind = ocsf_kind(meaning);
  const auto class_id = static_cast<std::uint64_t>(kind.class_id);
  const auto activity_id = static_cast<std::uint64_t>(kind.activity_id);
  JsonObject event;
  event.number("activity_id", activity_id);
  if (kind.activity_id == ocsf_other) event.text("activity_name", meaning.action);
  event.number("category_uid", class_id / 1000).number("class_uid", class_id);
  event.number("type_uid", class_id * 100 + activity_id);
  signed_number(event, "time", epoch_milliseconds(time_of(record)));
  event.number("severity_id", static_cast<std::uint64_t>(ocsf_severity(meaning)));
  event.value("metadata", metadata(record, meaning, labels_));
  status(meaning, kind, event);
  class_attributes(record, meaning, kind, event);
  event.value("unmapped", unmapped(record, meaning));
  event.text("raw_data", record.raw);
  out += event.finish();
  escape_line_separators(out, begin);
}

}  // namespace auditferry
