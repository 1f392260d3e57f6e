// What stands in the records: the fields of the vendors' documentation, people called admin@example.com.
#include <array>
#include <string_view>

#include "core/random.h"
#include "sandbox/record_generator.h"
#include "sandbox/time_text.h"

namespace auditferry {
namespace {

template <std::size_t size>
std::string_view pick(Random& random, const std::array<std::string_view, size>& choices) {
  return choices[random.below(size)];
}

constexpr std::array<std::string_view, 4> users = {"admin@example.com", "operator@example.com",
                                                   "auditor@example.com", "ci-integration"};
constexpr std::array<std::string_view, 8> api_calls = {
    "config_update", "promote_config",      "create_api_token",  "saml_settings",
    "invite_user",   "update_certificates", "build_application", "login"};
constexpr std::array<std::string_view, 3> versions = {"development", "staging", "production"};
constexpr std::array<std::string_view, 10> detections = {
    "root_detection", "emulator_detection", "hooking_detection", "jailbreak_detection", "debugger_detection",
    "app_tamper",     "location_spoofing",  "vpn_detection",     "proxy_detection",     "screen_capture"};
constexpr std::array<std::string_view, 5> actions = {"log", "alert", "die", "message", "redirect"};
constexpr std::array<std::string_view, 4> countries = {"DE", "FR", "GB", "US"};
constexpr std::array<std::string_view, 5> okta_events = {"user.session.start", "user.session.end",
                                                         "user.authentication.sso", "policy.lifecycle.update",
                                                         "group.user_membership.add"};
constexpr std::array<std::string_view, 5> github_actions = {"repo.create", "org.add_member",
                                                            "team.add_repository", "protected_branch.create",
                                                            "workflows.completed_workflow_run"};

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

// Any two of the sixteen words, each with a space behind it: the lower four bits of the index are the first.
std::array<std::string, 256> pairs_of_words() {
  static constexpr std::array<std::string_view, 16> words = {
      "policy ", "changed ", "by ",     "administrator ", "for ",     "group ",  "value ", "old ",
      "new ",    "session ", "device ", "allowed ",       "browser ", "region ", "token ", "scope "};
  std::array<std::string, 256> pairs;
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = std::string(words[i & 15]) + std::string(words[i >> 4]);
  return pairs;
}

// Words, and now and then something unlike all else, so that records compress about as real ones do. Tests make
// hundreds of thousands of records, so it is done in few steps.
void append_filler(Random& random, std::uint64_t bytes, std::string& out) {
  static const std::array<std::string, 256> pairs = pairs_of_words();
  static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
  const std::size_t end = out.size() + bytes;
  while (out.size() < end) {
    std::uint64_t bits = random.next();
    for (int i = 0; i < 3; ++i, bits >>= 8) out += pairs[bits & 255];
    std::array<char, 9> unlike{};
    for (int i = 0; i < 8; ++i, bits >>= 5) unlike[static_cast<std::size_t>(i)] = letters[bits & 31];
    unlike.back() = ' ';
    out.append(unlike.data(), unlike.size());
  }
  out.resize(end);
}

std::string time_number(const SandboxDialect& dialect, WallTime time) {
  const std::int64_t micros = to_micros(time);
  return std::to_string(dialect.time_unit == TimeUnit::seconds ? micros / 1'000'000 : micros / 1'000);
}

// The field raw_data of the AppTego logs, as a string that holds JSON or as an object.
std::string raw_data(const SandboxDialect& dialect, std::string_view key, std::string_view value,
                     std::string_view filler) {
  const std::string quote = dialect.raw_data_as_object ? "\"" : "\\\"";
  std::string text = "{" + quote + std::string(key) + quote + ":" + quote + std::string(value) + quote;
  if (!filler.empty()) text += "," + quote + "note" + quote + ":" + quote + std::string(filler) + quote;
  text += "}";
  return dialect.raw_data_as_object ? text : quoted(text);
}

std::string event_field(const SandboxDialect& dialect, const SandboxRecord& record) {
  if (dialect.id_missing) return "";
  return "\"event\":" + (dialect.id_as_string ? quoted(record.id) : record.id) + ",";
}

std::string audit_record(const SandboxDialect& dialect, Random& random, std::string_view filler,
                         const SandboxRecord& record) {
  const bool successful = random.below(10) != 0;
  std::string json = "{" + event_field(dialect, record) + "\"user_id\":" + quoted(pick(random, users));
  json += ",\"api_call\":" + quoted(pick(random, api_calls)) +
          ",\"creation_time\":" + time_number(dialect, record.created);
  json += std::string(",\"successful\":") +
          (dialect.successful_as_number ? (successful ? "1" : "0") : (successful ? "true" : "false"));
  return json + ",\"raw_data\":" + raw_data(dialect, "version", pick(random, versions), filler) + "}";
}

std::string device_record(const SandboxDialect& dialect, Random& random, std::string_view filler,
                          const SandboxRecord& record) {
  const bool android = random.below(2) == 0;
  const bool address = random.below(3) != 0;
  std::string json =
      "{" + event_field(dialect, record) + "\"event_type\":" + quoted(pick(random, detections));
  json += ",\"action\":" + quoted(pick(random, actions)) +
          ",\"platform\":" + (android ? "\"android\"" : "\"ios\"");
  json += ",\"device_id\":\"d" + std::to_string(random.below(100'000)) +
          "\",\"app_id\":\"com.example.bank\",\"app_version\":\"4.2.0\"";
  json += std::string(",\"os_version\":") + (android ? "\"14\"" : "\"17.1\"") +
          ",\"device_model\":" + (android ? "\"Pixel 8\"" : "\"iPhone15,2\"");
  json += ",\"ip_address\":" +
          (address ? "\"192.0.2." + std::to_string(random.below(255)) + "\"" : std::string("null"));
  json += ",\"country\":" + quoted(pick(random, countries)) +
          ",\"creation_time\":" + time_number(dialect, record.created);
  return json + ",\"raw_data\":" + raw_data(dialect, "detail", "seen", filler) + "}";
}

std::string okta_record(Random& random, std::string_view filler, const SandboxRecord& record) {
  const bool success = random.below(10) != 0;
  std::string json =
      "{\"actor\":{\"id\":\"00u1\",\"type\":\"User\",\"alternateId\":" + quoted(pick(random, users)) +
      ",\"displayName\":\"Admin\"}";
  json += ",\"client\":{\"ipAddress\":\"192.0.2." + std::to_string(random.below(255)) +
          "\"},\"displayMessage\":\"Sandbox event" + std::string(filler) + "\"";
  json += ",\"eventType\":" + quoted(pick(random, okta_events)) +
          ",\"outcome\":{\"result\":" + (success ? "\"SUCCESS\"" : "\"FAILURE\"") + ",\"reason\":null}";
  json += ",\"published\":" + quoted(rfc3339_milliseconds(record.created)) +
          ",\"severity\":\"INFO\",\"target\":[{\"id\":\"00g1\",\"type\":\"AppInstance\"}]";
  return json + ",\"uuid\":" + quoted(record.id) + ",\"version\":\"0\"}";
}

std::string github_record(Random& random, std::string_view filler, const SandboxRecord& record) {
  const std::string millis = std::to_string(to_micros(record.created) / 1'000);
  std::string json = "{\"@timestamp\":" + millis + ",\"_document_id\":" + quoted(record.id) +
                     ",\"action\":" + quoted(pick(random, github_actions));
  json += ",\"actor\":\"admin\",\"actor_ip\":\"192.0.2." + std::to_string(random.below(255)) +
          "\",\"created_at\":" + millis;
  if (!filler.empty()) json += ",\"note\":" + quoted(filler);
  return json + ",\"org\":\"sandbox\",\"repo\":\"sandbox/example\"}";
}

std::string contents(SandboxLog log, const SandboxDialect& dialect, std::uint64_t draw,
                     std::string_view filler, const SandboxRecord& record) {
  Random random(draw);
  switch (log) {
    case SandboxLog::audit:
      return audit_record(dialect, random, filler, record);
    case SandboxLog::device:
      return device_record(dialect, random, filler, record);
    case SandboxLog::okta:
      return okta_record(random, filler, record);
    case SandboxLog::github:
      return github_record(random, filler, record);
  }
  return "{}";
}

}  // namespace

const char* stream_name(SandboxLog log) {
  switch (log) {
    case SandboxLog::audit:
      return "audit";
    case SandboxLog::device:
      return "device";
    case SandboxLog::okta:
      return "okta";
    case SandboxLog::github:
      return "github";
  }
  return "unknown";
}

void write_record(SandboxLog log, const SandboxDialect& dialect, std::uint64_t draw, std::uint64_t bytes,
                  SandboxRecord& record) {
  std::string json = contents(log, dialect, draw, "", record);
  if (bytes > json.size()) {
    // One filler letter first: the field that carries it costs bytes too.
    const std::uint64_t with_field = contents(log, dialect, draw, "x", record).size() - 1;
    std::string filler;
    Random random(draw ^ 0xf111e7ULL);
    append_filler(random, bytes > with_field ? bytes - with_field : 1, filler);
    json = contents(log, dialect, draw, filler, record);
  }
  record.json = std::make_shared<const std::string>(std::move(json));
}

}  // namespace auditferry
