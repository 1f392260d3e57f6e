#include "sources/template.h"

#include <algorithm>
#include <optional>
#include <set>

#include "config/nearest_name.h"
#include "encoding/base64.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"
#include "encoding/percent_encoding.h"

namespace auditferry {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// The JSON of a body field, or nothing when the field is left out.
std::optional<std::string> field_json(const TemplateField& field, const TemplateValues& values) {
  if (field.is_literal) return field.literal;
  const Result<Template> parsed = Template::parse(field.text);
  AUDITFERRY_CHECK(parsed.ok());
  if (const std::string name = parsed->lone_placeholder(); !name.empty()) {
    const auto value = values.find(name);
    if (value == values.end() || value->second.text.empty()) return std::nullopt;
    return value->second.json;
  }
  const std::string text = parsed->render(values);
  if (text.empty() && parsed->has_placeholders()) return std::nullopt;
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

TemplateValue text_value(std::string text) {
  TemplateValue value;
  append_json_string(value.json, text);
  value.whole_second = text;
  value.text = std::move(text);
  return value;
}

TemplateValue number_value(std::uint64_t number) {
  const std::string text = std::to_string(number);
  return {text, text, text};
}

class Template::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Template> parse() {
    while (at_ < text_.size()) {
      if (Status step = next(); !step) return std::move(step).error();
    }
    if (group_ != 0) return wrong("the square bracket opened here has no end", group_begin_);
    flush();
    return std::move(result_);
  }

 private:
  Status next() {
    const char c = text_[at_];
    const bool doubled = at_ + 1 < text_.size() && text_[at_ + 1] == c;
    if (c != '{' && c != '}' && c != '[' && c != ']') {
      literal_ += c;
      ++at_;
    } else if (doubled) {
      literal_ += c;
      at_ += 2;
    } else if (c == '{') {
      return placeholder();
    } else if (c == '[') {
      if (group_ != 0) return wrong("square brackets cannot be nested", at_);
      flush();
      group_ = ++groups_;
      group_begin_ = at_++;
    } else if (c == ']' && group_ != 0) {
      flush();
      group_ = 0;
      ++at_;
    } else {
      return wrong(std::string("a lone '") + c + "' (write it twice to mean the character)", at_);
    }
    return {};
  }

  Status placeholder() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return wrong("the placeholder opened here has no end", at_);
    const std::vector<std::string> parts = split(text_.substr(at_ + 1, end - at_ - 1), '|');
    Piece piece;
    piece.names = split(parts[0], ':');
    piece.group = group_;
    for (const std::string& name : piece.names) {
      if (!is_name(name)) return wrong("\"" + name + "\" is not the name of a placeholder", at_);
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::vector<std::string> filters = {"base64", "url", "second"};
      const auto filter = std::find(filters.begin(), filters.end(), parts[i]);
      if (filter == filters.end())
        return wrong("unknown filter \"" + parts[i] + "\"; " + suggestion(parts[i], filters), at_);
      piece.filters.push_back(static_cast<Filter>(filter - filters.begin()));
    }
    flush();
    result_.pieces_.push_back(std::move(piece));
    at_ = end + 1;
    return {};
  }

  void flush() {
    if (literal_.empty()) return;
    Piece piece;
    piece.literal = std::move(literal_);
    piece.group = group_;
    result_.pieces_.push_back(std::move(piece));
    literal_.clear();
  }

  Error wrong(const std::string& what, std::size_t at) const {
    return {ErrorKind::invalid, "in the template \"" + std::string(text_) + "\", character " +
                                    std::to_string(at + 1) + ": " + what};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string literal_;
  int group_ = 0;
  int groups_ = 0;
  std::size_t group_begin_ = 0;
  Template result_;
};

Result<Template> Template::parse(std::string_view text) {
  return Parser(text).parse();
}

std::vector<std::string> Template::names() const {
  std::vector<std::string> names;
  for (const Piece& piece : pieces_) names.insert(names.end(), piece.names.begin(), piece.names.end());
  return names;
}

bool Template::has_placeholders() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return !piece.names.empty(); });
}

std::string Template::lone_placeholder() const {
  if (pieces_.size() != 1) return {};
  const Piece& piece = pieces_[0];
  return piece.names.size() == 1 && piece.filters.empty() && piece.group == 0 ? piece.names[0]
                                                                              : std::string();
}

std::string Template::value_of(const Piece& piece, const TemplateValues& values) {
  const bool second =
      std::find(piece.filters.begin(), piece.filters.end(), Filter::second) != piece.filters.end();
  std::string out;
  bool all_empty = true;
  for (const std::string& name : piece.names) {
    if (&name != &piece.names.front()) out += ':';
    const auto value = values.find(name);
    if (value == values.end() || value->second.text.empty()) continue;
    all_empty = false;
    out += second ? value->second.whole_second : value->second.text;
  }
  if (all_empty) return {};
  for (const Filter filter : piece.filters) {
    if (filter == Filter::base64) out = base64_encode(out);
    if (filter == Filter::url) out = percent_encode(out);
  }
  return out;
}

std::string Template::render(const TemplateValues& values, bool encode_values) const {
  std::set<int> empty_groups;
  std::vector<std::string> rendered;
  for (const Piece& piece : pieces_) {
    std::string text = piece.names.empty() ? piece.literal : value_of(piece, values);
    if (text.empty()) empty_groups.insert(piece.group);
    if (encode_values && !piece.names.empty()) text = percent_encode(text);
    rendered.push_back(std::move(text));
  }
  std::string out;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (pieces_[i].group == 0 || !empty_groups.contains(pieces_[i].group)) out += rendered[i];
  }
  return out;
}

Status check_template(std::string_view text, const std::vector<std::string>& known) {
  Result<Template> parsed = Template::parse(text);
  if (!parsed) return std::move(parsed).error();
  for (const std::string& name : parsed->names()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Error{ErrorKind::invalid, "unknown placeholder {" + name + "}; " + suggestion(name, known)};
  }
  return {};
}

bool uses_placeholder(const RequestTemplate& request, std::string_view name) {
  const auto in_text = [name](std::string_view text) {
    const Result<Template> parsed = Template::parse(text);
    if (!parsed) return false;
    const std::vector<std::string> names = parsed->names();
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto in_field = [&](const TemplateField& field) { return !field.is_literal && in_text(field.text); };
  return in_text(request.path) || std::any_of(request.query.begin(), request.query.end(), in_field) ||
         std::any_of(request.body.begin(), request.body.end(), in_field);
}

std::string render_template(std::string_view text, const TemplateValues& values, bool encode_values) {
  const Result<Template> parsed = Template::parse(text);
  AUDITFERRY_CHECK(parsed.ok());
  return parsed->render(values, encode_values);
}

// Fields of one object follow each other (the loader walks the tables), so each field only closes and
// opens the objects in which it differs from the field before.
std::string build_json_body(const std::vector<TemplateField>& fields, const TemplateValues& values) {
  std::string out = "{";
  std::vector<std::string> open;
  for (const TemplateField& field : fields) {
    const std::optional<std::string> json = field_json(field, values);
    if (!json || field.path.empty()) continue;
    std::size_t shared = 0;
    while (shared < open.size() && shared + 1 < field.path.size() && open[shared] == field.path[shared])
      ++shared;
    for (; open.size() > shared; open.pop_back()) out += '}';
    if (out.back() != '{') out += ',';
    for (; open.size() + 1 < field.path.size(); open.push_back(field.path[open.size()])) {
      append_json_string(out, field.path[open.size()]);
      out += ":{";
    }
    append_json_string(out, field.path.back());
    out += ':';
    out += *json;
  }
  out.append(open.size() + 1, '}');
  return out;
}

std::string build_url_query(const std::vector<TemplateField>& fields, const TemplateValues& values) {
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + "=" + percent_encode(value);
  };
  for (const TemplateField& field : fields) {
    const std::optional<std::string> json = field_json(field, values);
    if (!json || field.path.empty()) continue;
    const JsonView value(*json);
    if (value.is_array()) {
      for (const JsonView element : value.elements()) add(field.path.back(), element.scalar_text());
    } else {
      add(field.path.back(), value.scalar_text());
    }
  }
  return out;
}

}  // namespace auditferry
