// [[exporters.NAME.select.where]] and [[exporters.NAME.redact]].

#include <algorithm>

#include "config/config_parts.h"
#include "config/nearest_name.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

const std::vector<std::string> meaning_names = {"id",     "actor",  "action",        "outcome",
                                                "target", "device", "source_address"};

// A key shorter than this is guessed, and with it every address that was hashed.
constexpr std::size_t shortest_key = 16;
constexpr std::size_t most_segments = 32;

// What is wrong with a pointer to a field; empty when nothing is.
std::string pointer_problem(const std::string& pointer) {
  if (pointer == "/") return "\"/\" names a field without a name; write it, for example \"/actor\"";
  if (!is_json_pointer(pointer))
    return "\"" + pointer + "\" is not a JSON pointer: '~' stands only before 0 ('~'), 1 ('/'), 2 ('#') and 3 ('*')";
  if (pointer.ends_with('#'))
    return "\"" + pointer +
           "\" ends in '#', which steps into JSON inside a string: name a field in it, for example \"" +
           pointer + "/ip\"";
  if (static_cast<std::size_t>(std::count(pointer.begin(), pointer.end(), '/')) > most_segments)
    return "leads through more than " + std::to_string(most_segments) + " fields";
  return {};
}

void check_condition_field(TomlTable& table, const std::string& field) {
  if (field.empty()) return;  // absence is reported, and an empty one below
  if (field[0] == '/') {
    const std::string problem = pointer_problem(field);
    if (!problem.empty()) table.error("field", problem);
    if (("/" + field + "/").find("/*/") != std::string::npos)
      table.error("field", "'*' cannot be used here: a condition looks at one field");
    return;
  }
  if (std::find(meaning_names.begin(), meaning_names.end(), field) != meaning_names.end()) return;
  table.error("field", "\"" + field + "\" is neither a JSON pointer such as \"/" + field +
                           "\" nor a field of the profile; " + suggestion(field, meaning_names));
}

std::optional<SelectValue> value_of(JsonView json) {
  if (const auto text = json.as_string()) return SelectValue(*text);
  if (const auto number = json.as_int64()) return SelectValue(*number);
  if (const auto truth = json.as_bool()) return SelectValue(*truth);
  return std::nullopt;
}

void read_equals(TomlTable& table, SelectCondition& condition) {
  const std::optional<std::string> json = table.json("equals");
  if (!json) return;
  const std::optional<SelectValue> value = value_of(JsonView(*json));
  if (value) {
    condition.values.push_back(*value);
  } else {
    const bool list = JsonView(*json).is_array();
    table.error("equals", std::string("expected a string, an integer, true or false") +
                              (list ? "; for one of several values write in = [...]" : ""));
  }
}

void read_in(TomlTable& table, SelectCondition& condition) {
  const std::optional<std::string> json = table.json("in");
  if (!json) return;
  const JsonView list(*json);
  bool good = list.is_array();
  for (const JsonView element : list.elements()) {
    const std::optional<SelectValue> value = value_of(element);
    good = good && value;
    if (value) condition.values.push_back(*value);
  }
  if (!good) {
    table.error("in", "expected an array of strings, integers, true or false");
  } else if (condition.values.empty()) {
    table.error("in", "is empty and would select nothing: name at least one value");
  }
}

SelectCondition read_condition(TomlTable& table) {
  SelectCondition condition;
  condition.field = table.required_string("field");
  if (table.has("field") && table.kind("field") == TomlKind::string && condition.field.empty())
    table.error("field",
                "is empty: write a JSON pointer such as \"/action\", or one of the profile's fields");
  check_condition_field(table, condition.field);
  std::vector<std::string> tests;
  for (const char* key : {"equals", "in", "matches", "exists"}) {
    if (table.has(key)) tests.emplace_back(key);
    table.knows(key);
  }
  condition.negated = table.boolean("not").value_or(false);
  if (tests.empty()) table.error("a condition needs one of equals, in, matches and exists");
  if (tests.size() > 1)
    table.error(tests[1], "stands beside " + tests[0] +
                              ": a condition has one test; write two conditions, which must both hold");
  if (tests.size() != 1) return condition;
  condition.test = SelectCondition::Test::one_of;
  if (tests[0] == "equals") read_equals(table, condition);
  if (tests[0] == "in") read_in(table, condition);
  if (tests[0] == "matches") {
    condition.test = SelectCondition::Test::matches;
    condition.pattern = table.string("matches").value_or(std::string());
  }
  if (tests[0] == "exists") {
    condition.test = SelectCondition::Test::exists;
    // exists = false is the same as not exists = true.
    if (!table.boolean("exists").value_or(true)) condition.negated = !condition.negated;
  }
  return condition;
}

void check_redact_field(TomlTable& table, const std::string& field) {
  if (field.empty()) {
    if (table.kind("field") == TomlKind::string)
      table.error("field",
                  "is empty, which would be the whole record: name a field, for example \"/actor_ip\"");
    return;
  }
  if (field[0] != '/') {
    table.error("field", "\"" + field + "\" is not a JSON pointer: it begins with '/', for example \"/" +
                             field + "\"");
    return;
  }
  const std::string problem = pointer_problem(field);
  if (!problem.empty()) table.error("field", problem);
}

}  // namespace

std::vector<SelectCondition> read_conditions(TomlTable& select) {
  std::vector<SelectCondition> conditions;
  for (TomlTable& table : select.tables("where")) conditions.push_back(read_condition(table));
  return conditions;
}

RedactSettings read_redaction(TomlTable& exporter, const SecretPlaces& places) {
  RedactSettings redact;
  bool hashes = false;
  for (TomlTable& table : exporter.tables("redact")) {
    RedactRule rule;
    rule.field = table.required_string("field");
    check_redact_field(table, rule.field);
    if (!table.has("action"))
      table.error("action", "is missing; write \"remove\", \"mask\", \"hash\" or \"truncate_ip\"");
    const auto action = table.choice<RedactAction>("action", {{"remove", RedactAction::remove},
                                                              {"mask", RedactAction::mask},
                                                              {"hash", RedactAction::hash},
                                                              {"truncate_ip", RedactAction::truncate_ip}});
    rule.action = action.value_or(RedactAction::mask);
    hashes = hashes || rule.action == RedactAction::hash;
    redact.rules.push_back(std::move(rule));
  }
  if (const auto key = read_secret(exporter, "redact_key", places)) {
    redact.key = *key;
    if (places.resolve && key->reveal().size() < shortest_key)
      exporter.error("redact_key", "is shorter than " + std::to_string(shortest_key) +
                                       " bytes: what it hashes could be found by guessing");
  } else if (hashes && !exporter.has("redact_key")) {
    exporter.error(
        "redact_key",
        "is missing: a rule with action = \"hash\" needs it; write redact_key = { env = \"NAME\" }");
  }
  return redact;
}

}  // namespace auditferry
