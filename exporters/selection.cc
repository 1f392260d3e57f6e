#include "exporters/selection.h"

#include <algorithm>

#include "encoding/json_view.h"
#include "encoding/utf8.h"
#include "exporters/meaning.h"

namespace auditferry {
namespace {

bool names(const std::vector<std::string>& list, std::string_view name) {
  return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
}

// As JSON has it: the string "5" and the number 5 differ.
bool equals_json(const SelectValue& value, JsonView json) {
  if (const auto* text = std::get_if<std::string>(&value))
    return json.is_string() && json.as_string() == *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return json.as_int64() == *number;
  return json.as_bool() == std::get<bool>(value);
}

bool equals_text(const SelectValue& value, const std::string& text) {
  if (const auto* wanted = std::get_if<std::string>(&value)) return text == *wanted;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return text == std::to_string(*number);
  return text == (std::get<bool>(value) ? "true" : "false");
}

template <class Equals>
bool is_one_of(const SelectCondition& condition, Equals equals) {
  return std::any_of(condition.values.begin(), condition.values.end(), equals);
}

// A field of the record itself.
bool holds_json(const SelectCondition& condition, std::string_view raw) {
  const std::optional<std::string> found = json_lookup(raw, condition.field);
  if (!found || JsonView(*found).is_null()) return false;
  const JsonView json(*found);
  switch (condition.test) {
    case SelectCondition::Test::exists:
      return true;
    case SelectCondition::Test::matches:
      return matches_glob(json.scalar_text(), condition.pattern);
    case SelectCondition::Test::one_of:
      break;
  }
  return is_one_of(condition, [&](const SelectValue& value) { return equals_json(value, json); });
}

bool holds_text(const SelectCondition& condition, const std::string& text) {
  if (text.empty()) return false;
  switch (condition.test) {
    case SelectCondition::Test::exists:
      return true;
    case SelectCondition::Test::matches:
      return matches_glob(text, condition.pattern);
    case SelectCondition::Test::one_of:
      break;
  }
  return is_one_of(condition, [&](const SelectValue& value) { return equals_text(value, text); });
}

// What the formats show in this place; the outcome of an audit record is success, failure or unknown.
std::string meaning_field(const std::string& name, const Record& record, const ProfileBook& profiles) {
  if (name == "id") return std::string(record.id);
  const StreamProfile* const stream = profiles.stream(record.vendor, record.stream);
  if (!stream) return {};
  const MeaningFields& fields = stream->fields;
  if (name == "actor") return meaning_text(record.raw, fields.actor);
  if (name == "action") return meaning_text(record.raw, fields.action);
  if (name == "target") return meaning_text(record.raw, fields.target);
  if (name == "device") return meaning_text(record.raw, fields.device);
  if (name == "source_address") return meaning_text(record.raw, fields.source_address);
  if (name != "outcome") return {};
  const std::string outcome = meaning_text(record.raw, fields.outcome);
  return stream->kind == "detection" ? outcome : to_string(outcome_of(outcome));
}

}  // namespace

bool matches_glob(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t want = 0;
  // Where to go on when the text after the last '*' does not fit: the '*' takes one byte more.
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (at < text.size()) {
    if (want < pattern.size() && pattern[want] == '*') {
      star = want++;
      taken = at;
    } else if (want < pattern.size() && pattern[want] == '?') {
      at += utf8_step(text.data() + at, text.data() + text.size()).length;
      ++want;
    } else if (want < pattern.size() && pattern[want] == text[at]) {
      ++at;
      ++want;
    } else if (star != std::string_view::npos) {
      taken += utf8_step(text.data() + taken, text.data() + text.size()).length;
      at = taken;
      want = star + 1;
    } else {
      return false;
    }
  }
  while (want < pattern.size() && pattern[want] == '*') ++want;
  return want == pattern.size();
}

Selection::Selection(const SelectSettings& settings, std::string exporter, const ProfileBook& profiles)
    : settings_(settings), exporter_(std::move(exporter)), profiles_(profiles) {}

bool Selection::selects(const Record& record) const {
  if (record.gap) {
    const auto owner = JsonView(record.raw).find("exporter");
    if (owner) return owner->as_string() == exporter_;
  }
  if (!names(settings_.sources, record.source) || !names(settings_.streams, record.stream)) return false;
  if (record.gap) return true;
  return std::all_of(settings_.where.begin(), settings_.where.end(),
                     [&](const SelectCondition& condition) { return holds(condition, record); });
}

bool Selection::holds(const SelectCondition& condition, const Record& record) const {
  const bool of_record = condition.field.starts_with('/');
  const bool found = of_record ? holds_json(condition, record.raw)
                               : holds_text(condition, meaning_field(condition.field, record, profiles_));
  return found != condition.negated;
}

}  // namespace auditferry
