#include "config/toml_reader.h"

#include <stdexcept>

// toml++ 3.3 meets some malformed texts with assert(). A user's typing error must not end the program, so
// a failed assertion is thrown instead, and parse() turns it into an error like any other.
[[noreturn]] static void toml_assertion_failed() {
  throw std::logic_error("toml++ assertion");
}
#define TOML_ASSERT(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : toml_assertion_failed())
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "config/nearest_name.h"
#include "encoding/json_text.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

std::string found(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return "found a string";
    case toml::node_type::integer: return "found the integer " + std::to_string(node.as_integer()->get());
    case toml::node_type::floating_point: return "found a number with a fraction";
    case toml::node_type::boolean: return "found true or false";
    case toml::node_type::array: return "found an array";
    case toml::node_type::table: return "found a table";
    default: return "found a date or time";
  }
}

TomlKind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return TomlKind::string;
    case toml::node_type::integer: return TomlKind::integer;
    case toml::node_type::floating_point: return TomlKind::floating;
    case toml::node_type::boolean: return TomlKind::boolean;
    case toml::node_type::array: return TomlKind::array;
    case toml::node_type::table: return TomlKind::table;
    case toml::node_type::none: return TomlKind::none;
    default: return TomlKind::time;
  }
}

// As it would be written in a file: quoted when it is not a bare key.
std::string written_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (bare) return std::string(key);
  std::string out;
  append_json_string(out, key);
  return out;
}

// False for what JSON cannot say.
bool append_json(std::string& out, const toml::node& node) {
  if (const auto* text = node.as_string()) {
    append_json_string(out, text->get());
  } else if (const auto* integer = node.as_integer()) {
    out += std::to_string(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    if (!std::isfinite(number->get())) return false;
    char digits[64];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number->get()).ptr);
  } else if (const auto* boolean = node.as_boolean()) {
    out += boolean->get() ? "true" : "false";
  } else if (const auto* array = node.as_array()) {
    out += '[';
    for (const toml::node& element : *array) {
      if (out.back() != '[') out += ',';
      if (!append_json(out, element)) return false;
    }
    out += ']';
  } else if (const auto* table = node.as_table()) {
    out += '{';
    for (const auto& [key, value] : *table) {
      if (out.back() != '{') out += ',';
      append_json_string(out, key.str());
      out += ':';
      if (!append_json(out, value)) return false;
    }
    out += '}';
  } else {
    return false;
  }
  return true;
}

std::string duration_help(const toml::node& node) {
  std::string help = "expected a duration such as \"30s\" (a whole number and one of us ms s m h d y), ";
  if (const auto* integer = node.as_integer()) {
    const std::string number = std::to_string(integer->get());
    return help + "found the integer " + number + ": write \"" + number + "s\" for seconds";
  }
  if (const auto* text = node.as_string()) return help + "found \"" + text->get() + "\"";
  return help + found(node);
}

std::string size_help(const toml::node& node) {
  std::string help =
      "expected a size such as \"64KiB\" (a whole number and one of B KiB MiB GiB TiB KB MB GB TB), ";
  if (const auto* integer = node.as_integer()) {
    const std::string number = std::to_string(integer->get());
    return help + "found the integer " + number + ": write \"" + number + "B\" for bytes";
  }
  if (const auto* text = node.as_string()) return help + "found \"" + text->get() + "\"";
  return help + found(node);
}

std::optional<Duration> read_duration(const toml::node& node) {
  const auto* text = node.as_string();
  return text != nullptr ? parse_duration(text->get()) : std::nullopt;
}

}  // namespace

struct TomlTable::State {
  struct Open {
    const toml::table* table;
    std::string path;
    std::vector<std::string> asked;  // in the order of asking
  };

  TomlPosition position_of(const toml::source_region& region) const {
    return {file, static_cast<std::uint32_t>(region.begin.line),
            static_cast<std::uint32_t>(region.begin.column)};
  }

  std::string path_of(std::size_t index, std::string_view key) const {
    const std::string& base = open[index].path;
    return base.empty() ? written_key(key) : base + "." + written_key(key);
  }

  void ask(std::size_t index, std::string_view key) {
    std::vector<std::string>& asked = open[index].asked;
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
  }

  const toml::node* get(std::size_t index, std::string_view key) {
    ask(index, key);
    return open[index].table->get(key);
  }

  // The same table gets the same index, so that what was asked for adds up.
  std::size_t open_table(const toml::table& table, std::string path) {
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].table == &table) return i;
    }
    open.push_back({&table, std::move(path), {}});
    return open.size() - 1;
  }

  void report(std::size_t index, std::string_view key, std::string message) {
    const auto entry = open[index].table->find(key);
    // A key's own place; the value's would be the bracket of an array or the header of a table.
    const TomlPosition at = entry != open[index].table->end() ? position_of(entry->first.source())
                                                              : position_of(open[index].table->source());
    problems->add(at, path_of(index, key), std::move(message));
  }

  std::string file;
  toml::table root;
  TomlProblems* problems = nullptr;
  std::vector<Open> open;
};

const std::string& TomlTable::path() const {
  return state_->open[index_].path;
}
TomlPosition TomlTable::position() const {
  return state_->position_of(state_->open[index_].table->source());
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<const toml::key*> keys;
  for (const auto& entry : *state_->open[index_].table) keys.push_back(&entry.first);
  std::stable_sort(keys.begin(), keys.end(), [](const toml::key* a, const toml::key* b) {
    const toml::source_position& x = a->source().begin;
    const toml::source_position& y = b->source().begin;
    return std::tie(x.line, x.column) < std::tie(y.line, y.column);
  });
  std::vector<std::string> names;
  for (const toml::key* key : keys) names.emplace_back(key->str());
  return names;
}

bool TomlTable::has(std::string_view key) const {
  return state_->open[index_].table->contains(key);
}
void TomlTable::knows(std::string_view key) {
  state_->ask(index_, key);
}

TomlKind TomlTable::kind(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  return node == nullptr ? TomlKind::none : kind_of(*node);
}

std::optional<std::string> TomlTable::string(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string()) return text->get();
  error(key, "expected a string, " + found(*node));
  return std::nullopt;
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= min && value->get() <= max) return value->get();
  error(key, "expected an integer from " + std::to_string(min) + " to " + std::to_string(max) + ", " +
                 found(*node));
  return std::nullopt;
}

std::optional<double> TomlTable::number(std::string_view key, double min, double max) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (value && *value >= min && *value <= max) return value;
  error(key,
        "expected a number from " + std::to_string(min) + " to " + std::to_string(max) + ", " + found(*node));
  return std::nullopt;
}

std::optional<bool> TomlTable::boolean(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_boolean()) return value->get();
  error(key, "expected true or false, " + found(*node));
  return std::nullopt;
}

std::optional<Duration> TomlTable::duration(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  if (const std::optional<Duration> value = read_duration(*node)) return value;
  error(key, duration_help(*node));
  return std::nullopt;
}

std::optional<std::uint64_t> TomlTable::size(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  const auto* text = node->as_string();
  if (const auto value = text != nullptr ? parse_size(text->get()) : std::nullopt) return value;
  error(key, size_help(*node));
  return std::nullopt;
}

std::optional<WallTime> TomlTable::time(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string()) {
    if (const std::optional<WallTime> value = parse_rfc3339(text->get())) return value;
  } else if (const auto* stamp = node->as_date_time(); stamp != nullptr && stamp->get().offset) {
    const toml::date_time& value = stamp->get();
    const std::chrono::year_month_day date(std::chrono::year(value.date.year),
                                           std::chrono::month(value.date.month),
                                           std::chrono::day(value.date.day));
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(value.time.hour) +
           std::chrono::minutes(value.time.minute) + std::chrono::seconds(value.time.second) +
           Duration(value.time.nanosecond / 1000) - std::chrono::minutes(value.offset->minutes);
  }
  error(key, "expected a time with an offset such as 2025-11-23T10:25:12Z, " + found(*node));
  return std::nullopt;
}

std::optional<std::vector<std::string>> TomlTable::strings(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  const toml::array* array = node->as_array();
  std::vector<std::string> values;
  bool good = array != nullptr;
  for (std::size_t i = 0; good && i < array->size(); ++i) {
    const auto* text = array->get(i)->as_string();
    if (text != nullptr) values.push_back(text->get());
    good = text != nullptr;
  }
  if (good) return values;
  error(key, "expected an array of strings such as [\"a\", \"b\"], " +
                 (array != nullptr ? std::string("found an array with something else in it") : found(*node)));
  return std::nullopt;
}

std::optional<std::vector<Duration>> TomlTable::durations(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    error(key, "expected an array of durations such as [\"1h\", \"24h\"], " + found(*node));
    return std::nullopt;
  }
  std::vector<Duration> values;
  for (const toml::node& element : *array) {
    const std::optional<Duration> value = read_duration(element);
    if (!value) {
      error(key, duration_help(element));
      return std::nullopt;
    }
    values.push_back(*value);
  }
  return values;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  if (const toml::table* table = node->as_table()) {
    return TomlTable(state_, state_->open_table(*table, state_->path_of(index_, key)));
  }
  error(key, "expected a table, " + found(*node));
  return std::nullopt;
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  std::vector<TomlTable> result;
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  const bool good =
      array != nullptr &&
      std::all_of(array->begin(), array->end(), [](const toml::node& element) { return element.is_table(); });
  if (!good) {
    const std::string path = state_->path_of(index_, key);
    error(key, "expected an array of tables ([[" + path + "]]), " + found(*node));
    return result;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string path = state_->path_of(index_, key) + "[" + std::to_string(i) + "]";
    result.push_back(TomlTable(state_, state_->open_table(*array->get(i)->as_table(), path)));
  }
  return result;
}

std::optional<std::string> TomlTable::json(std::string_view key) {
  const toml::node* node = state_->get(index_, key);
  if (node == nullptr) return std::nullopt;
  std::string out;
  if (append_json(out, *node)) return out;
  error(key,
        "expected a value that JSON can hold, found a date, a time, or a number that is not finite: write a "
        "string");
  return std::nullopt;
}

std::optional<std::size_t> TomlTable::choice_index(std::string_view key,
                                                   const std::vector<std::string>& names) {
  const std::optional<std::string> word = string(key);
  if (!word) return std::nullopt;
  const auto match = std::find(names.begin(), names.end(), *word);
  if (match != names.end()) return static_cast<std::size_t>(match - names.begin());
  error(key, "\"" + *word + "\" is not a valid value; " + suggestion(*word, names));
  return std::nullopt;
}

std::string TomlTable::required_string(std::string_view key) {
  if (!has(key)) error(key, "is missing; a string is needed here");
  return string(key).value_or(std::string());
}

std::optional<TomlTable> TomlTable::required_table(std::string_view key) {
  if (!has(key)) error(key, "is missing; a table is needed here");
  return table(key);
}

void TomlTable::error(std::string_view key, std::string message) {
  state_->report(index_, key, std::move(message));
}
void TomlTable::error(std::string message) {
  state_->problems->add(position(), path(), std::move(message));
}

std::optional<TomlDocument> TomlDocument::parse(std::string_view text, std::string_view file_name,
                                                TomlProblems& problems) {
  auto state = std::make_shared<TomlTable::State>();
  state->file = file_name;
  state->problems = &problems;
  try {
    state->root = toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    problems.add(state->position_of(error.source()), "",
                 "not valid TOML: " + std::string(error.description()));
    return std::nullopt;
  } catch (const std::logic_error&) {
    problems.add({std::string(file_name), 0, 0}, "", "not valid TOML, in a way that the parser cannot place");
    return std::nullopt;
  }
  state->open_table(state->root, "");
  return TomlDocument(std::move(state));
}

TomlTable TomlDocument::root() const {
  return TomlTable(state_, 0);
}

void TomlDocument::report_unknown_keys() const {
  for (std::size_t i = 0; i < state_->open.size(); ++i) {
    const TomlTable::State::Open& open = state_->open[i];
    for (const auto& entry : *open.table) {
      const std::string key(entry.first.str());
      if (std::find(open.asked.begin(), open.asked.end(), key) != open.asked.end()) continue;
      state_->report(i, key, "unknown key; " + suggestion(key, open.asked));
    }
  }
}

}  // namespace auditferry
