#include "sandbox/query.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <vector>

namespace auditferry {
namespace {

enum class ColumnType { integer, text, boolean };

const std::map<std::string, ColumnType, std::less<>>& columns_of(SandboxLog log) {
  static const std::map<std::string, ColumnType, std::less<>> audit = {
      {"event", ColumnType::integer},      {"user_id", ColumnType::text},
      {"api_call", ColumnType::text},      {"creation_time", ColumnType::integer},
      {"successful", ColumnType::boolean}, {"raw_data", ColumnType::text}};
  static const std::map<std::string, ColumnType, std::less<>> device = {
      {"event", ColumnType::integer},     {"event_type", ColumnType::text},
      {"action", ColumnType::text},       {"platform", ColumnType::text},
      {"device_id", ColumnType::text},    {"app_id", ColumnType::text},
      {"app_version", ColumnType::text},  {"os_version", ColumnType::text},
      {"device_model", ColumnType::text}, {"ip_address", ColumnType::text},
      {"country", ColumnType::text},      {"creation_time", ColumnType::integer},
      {"raw_data", ColumnType::text}};
  return log == SandboxLog::device ? device : audit;
}

struct Value {
  ColumnType type = ColumnType::text;
  std::string text;
  std::int64_t integer = 0;
  bool boolean = false;
};

struct Condition {
  std::string column;
  bool like = false;
  Value value;
};

class Parser {
 public:
  Parser(std::string_view text, SandboxLog log) : rest_(text), log_(log) {}

  Result<std::vector<Condition>> parse() {
    std::vector<Condition> conditions;
    while (true) {
      Condition condition;
      if (Status read = parse_condition(condition); !read.ok()) return read.error();
      conditions.push_back(std::move(condition));
      skip_space();
      if (rest_.empty()) return conditions;
      if (word() != "AND") return wrong("expected AND");
    }
  }

 private:
  Error wrong(const std::string& what) const { return Error{ErrorKind::invalid, "invalid query: " + what}; }

  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n'))
      rest_.remove_prefix(1);
  }

  // Letters, digits, '_' and '-', in upper case; empty when something else comes.
  std::string word() {
    raw_word_.clear();
    skip_space();
    while (!rest_.empty() && (std::isalnum(static_cast<unsigned char>(rest_.front())) != 0 ||
                              rest_.front() == '_' || rest_.front() == '-')) {
      raw_word_ += rest_.front();
      rest_.remove_prefix(1);
    }
    std::string upper = raw_word_;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return upper;
  }

  Status parse_condition(Condition& condition) {
    word();
    condition.column = raw_word_;
    const auto column = columns_of(log_).find(condition.column);
    if (column == columns_of(log_).end()) return wrong("unknown column '" + condition.column + "'");
    skip_space();
    if (!rest_.empty() && rest_.front() == '=') {
      rest_.remove_prefix(1);
    } else if (word() == "LIKE") {
      condition.like = true;
    } else {
      return wrong("expected = or LIKE after '" + condition.column + "'");
    }
    if (Status read = parse_value(condition.value); !read.ok()) return read;
    if (condition.value.type != column->second || (condition.like && column->second != ColumnType::text)) {
      return wrong("wrong type of value for '" + condition.column + "'");
    }
    return {};
  }

  Status parse_value(Value& value) {
    skip_space();
    if (!rest_.empty() && rest_.front() == '\'') return parse_text(value);
    const std::string upper = word();
    if (upper == "TRUE" || upper == "FALSE") {
      value.type = ColumnType::boolean;
      value.boolean = upper == "TRUE";
      return {};
    }
    const std::size_t digits_from = !upper.empty() && upper.front() == '-' ? 1 : 0;
    const bool digits = upper.size() > digits_from && upper.size() < 19 &&
                        std::all_of(upper.begin() + static_cast<std::ptrdiff_t>(digits_from), upper.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return wrong("expected a value");
    value.type = ColumnType::integer;
    value.integer = std::stoll(upper);
    return {};
  }

  Status parse_text(Value& value) {
    rest_.remove_prefix(1);
    value.type = ColumnType::text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c != '\'') {
        value.text += c;
      } else if (!rest_.empty() && rest_.front() == '\'') {
        value.text += c;
        rest_.remove_prefix(1);
      } else {
        return {};
      }
    }
    return wrong("a string does not end");
  }

  std::string_view rest_;
  SandboxLog log_;
  std::string raw_word_;
};

bool like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

bool fits(const Condition& condition, const boost::json::object& record) {
  const boost::json::value* field = record.if_contains(condition.column);
  if (!field || field->is_null()) return false;
  switch (condition.value.type) {
    case ColumnType::integer:
      if (field->is_string()) return field->as_string() == std::to_string(condition.value.integer);
      return field->is_int64() && field->as_int64() == condition.value.integer;
    case ColumnType::boolean:
      if (field->is_int64()) return (field->as_int64() != 0) == condition.value.boolean;
      return field->is_bool() && field->as_bool() == condition.value.boolean;
    case ColumnType::text: {
      const std::string text =
          field->is_string() ? std::string(field->as_string()) : boost::json::serialize(*field);
      return condition.like ? like(text, condition.value.text) : text == condition.value.text;
    }
  }
  return false;
}

}  // namespace

Result<RecordFilter> parse_query(std::string_view query, SandboxLog log) {
  if (query.empty()) return RecordFilter();
  Result<std::vector<Condition>> conditions = Parser(query, log).parse();
  if (!conditions.ok()) return conditions.error();
  return RecordFilter([wanted = std::move(conditions).value()](std::string_view json) {
    boost::json::error_code error;
    const boost::json::value record =
        boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
    if (error || !record.is_object()) return false;
    return std::all_of(wanted.begin(), wanted.end(),
                       [&](const Condition& condition) { return fits(condition, record.get_object()); });
  });
}

}  // namespace auditferry
