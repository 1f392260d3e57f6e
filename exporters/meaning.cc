#include "exporters/meaning.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "encoding/json_view.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr std::string_view success_words[] = {"success", "succeeded", "successful", "true",    "1",
                                              "yes",     "ok",        "allow",      "allowed", "granted",
                                              "pass",    "passed",    "completed",  "accepted", "approved"};
constexpr std::string_view failure_words[] = {
    "failure", "failed",   "fail",  "false",   "0",       "no",        "error",        "deny",
    "denied",  "rejected", "block", "blocked", "refused", "forbidden", "unauthorized", "unsuccessful"};

template <std::size_t N>
bool holds(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::string text_of(JsonView view) {
  if (view.is_array()) {
    for (const JsonView element : view.elements()) {
      if (!element.is_array() && !element.is_object()) return element.scalar_text();
    }
    return {};
  }
  return view.is_object() ? std::string() : view.scalar_text();
}

GapMeaning gap_of(std::string_view raw) {
  GapMeaning gap;
  gap.type = meaning_text(raw, "/type");
  gap.why = meaning_text(raw, "/why");
  gap.state = meaning_text(raw, "/state");
  gap.from = parse_rfc3339(meaning_text(raw, "/from"));
  gap.to = parse_rfc3339(meaning_text(raw, "/to"));
  return gap;
}

}  // namespace

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return "success";
    case Outcome::failure:
      return "failure";
    case Outcome::unknown:
      return "unknown";
  }
  return "unknown";
}

Outcome outcome_of(std::string_view text) {
  if (text.empty() || text.size() > 32) return Outcome::unknown;
  std::string word(text);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  if (holds(success_words, word)) return Outcome::success;
  if (holds(failure_words, word)) return Outcome::failure;
  int status = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), status);
  if (failed != std::errc() || end != word.data() + word.size()) return Outcome::unknown;
  if (status >= 200 && status < 400) return Outcome::success;
  return status >= 400 && status < 600 ? Outcome::failure : Outcome::unknown;
}

std::string meaning_text(std::string_view raw, const std::string& pointer) {
  if (pointer.empty()) return {};
  const std::optional<std::string> json = json_lookup(raw, pointer);
  return json ? text_of(JsonView(*json)) : std::string();
}

bool target_is_user(const Meaning& meaning) {
  using Family = Activity::Family;
  const Family family = meaning.activity.family;
  if (meaning.target.empty()) return false;
  return family == Family::user || family == Family::user_access ||
         (family == Family::group && meaning.activity.of_user);
}

Meaning meaning_of(const Record& record, const ProfileBook& profiles) {
  Meaning meaning;
  const Profile* const profile = profiles.vendor(record.vendor);
  meaning.product = profile && !profile->title.empty() ? profile->title : std::string(record.vendor);
  if (record.gap) {
    meaning.kind = Meaning::Kind::gap;
    meaning.gap = gap_of(record.raw);
    return meaning;
  }
  const StreamProfile* const stream = profiles.stream(record.vendor, record.stream);
  if (!stream) return meaning;
  const MeaningFields& fields = stream->fields;
  meaning.actor = meaning_text(record.raw, fields.actor);
  meaning.action = meaning_text(record.raw, fields.action);
  meaning.outcome_text = meaning_text(record.raw, fields.outcome);
  meaning.target = meaning_text(record.raw, fields.target);
  meaning.device = meaning_text(record.raw, fields.device);
  meaning.source = meaning_text(record.raw, fields.source_address);
  meaning.source_ip = address_of_endpoint(meaning.source);
  if (stream->kind == "detection") {
    meaning.kind = Meaning::Kind::detection;
    meaning.device_state = device_state_of(meaning.action);
    meaning.response = response_of(meaning.outcome_text);
  } else {
    meaning.outcome = outcome_of(meaning.outcome_text);
    meaning.activity = activity_of(meaning.action);
  }
  return meaning;
}

}  // namespace auditferry
