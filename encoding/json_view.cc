#include "encoding/json_view.h"

#include <charconv>

#include "encoding/byte_scan.h"
#include "encoding/json_scanner.h"
#include "encoding/utf8.h"

namespace auditferry {
namespace {

const char* skip_container(const char* p, const char* end) {
  std::size_t depth = 0;
  while (p != end) {
    switch (*p++) {
      case '"': p = byte_scan::skip_string(p, end); break;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) return p;
        break;
      default: break;
    }
  }
  return end;
}

const char* skip_value(const char* p, const char* end) {
  if (p == end) return end;
  if (*p == '"') return byte_scan::skip_string(p + 1, end);
  if (*p == '{' || *p == '[') return skip_container(p, end);
  while (p != end && *p != ',' && *p != ']' && *p != '}') ++p;
  return p;
}

std::size_t value_length(std::string_view text) {
  const char* const end = text.data() + text.size();
  return static_cast<std::size_t>(skip_value(text.data(), end) - text.data());
}

std::string_view inside(std::string_view text) {
  return text.size() < 2 ? std::string_view() : text.substr(1, text.size() - 2);
}

// Four hex digits at `at`, or nothing.
std::optional<char32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t code = 0;
  const auto [last, failed] = std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  if (failed != std::errc() || last != text.data() + at + 4) return std::nullopt;
  return code;
}

// `at` is behind "\u"; appends the character and returns the position behind it.
std::size_t unescape_unicode(std::string_view text, std::size_t at, std::string& out) {
  char32_t code = hex4(text, at).value_or(0xFFFD);
  at += 4;
  if (code >= 0xD800 && code < 0xDC00 && text.substr(at, 2) == "\\u") {
    const std::optional<char32_t> low = hex4(text, at + 2);
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
      at += 6;
    }
  }
  append_utf8(out, code);
  return at;
}

std::optional<std::size_t> array_index(std::string_view segment) {
  if (segment.empty() || (segment.size() > 1 && segment[0] == '0')) return std::nullopt;
  std::size_t index = 0;
  const char* const end = segment.data() + segment.size();
  const auto [last, failed] = std::from_chars(segment.data(), end, index);
  if (failed != std::errc() || last != end) return std::nullopt;
  return index;
}

std::optional<JsonView> step(JsonView view, std::string_view segment) {
  if (view.is_object()) {
    if (segment.find('~') == std::string_view::npos) return view.find(segment);
    return view.find(decode_pointer_segment(segment));
  }
  if (view.is_array()) {
    const std::optional<std::size_t> index = array_index(segment);
    if (!index) return std::nullopt;
    std::size_t at = 0;
    for (const JsonView element : view.elements()) {
      if (at++ == *index) return element;
    }
  }
  return std::nullopt;
}

// Takes the first segment off a pointer that begins with '/'.
std::string_view take_segment(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view segment = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::string unescape_json(std::string_view escaped) {
  std::string out;
  out.reserve(escaped.size());
  std::size_t at = 0;
  while (at < escaped.size()) {
    const std::size_t slash = escaped.find('\\', at);
    out += escaped.substr(at, slash == std::string_view::npos ? slash : slash - at);
    if (slash == std::string_view::npos || slash + 1 >= escaped.size()) break;
    at = slash + 2;
    switch (const char c = escaped[slash + 1]) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': at = unescape_unicode(escaped, at, out); break;
      default: out += c;
    }
  }
  return out;
}

std::string decode_pointer_segment(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] == '~' && i + 1 < segment.size() && segment[i + 1] >= '0' && segment[i + 1] <= '3') {
      out += std::string_view("~/#*")[static_cast<std::size_t>(segment[++i] - '0')];
    } else {
      out += segment[i];
    }
  }
  return out;
}

bool is_json_pointer(std::string_view pointer) {
  if (pointer.empty()) return true;
  if (pointer[0] != '/') return false;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] != '~') continue;
    if (i + 1 == pointer.size() || pointer[i + 1] < '0' || pointer[i + 1] > '3') return false;
  }
  return true;
}

JsonType JsonView::type() const {
  if (text_.empty()) return JsonType::null;
  switch (text_[0]) {
    case '{': return JsonType::object;
    case '[': return JsonType::array;
    case '"': return JsonType::string;
    case 't':
    case 'f': return JsonType::boolean;
    case 'n': return JsonType::null;
    default: return JsonType::number;
  }
}

JsonView::Elements JsonView::elements() const {
  return Elements(is_array() ? inside(text_) : std::string_view());
}
JsonView::Members JsonView::members() const {
  return Members(is_object() ? inside(text_) : std::string_view());
}

bool JsonView::Member::key_is(std::string_view plain) const {
  if (raw_key == plain) return plain.find('\\') == std::string_view::npos;
  return raw_key.find('\\') != std::string_view::npos && key() == plain;
}

JsonView::Elements::Iterator::Iterator(std::string_view rest) : rest_(rest), length_(value_length(rest)) {}

JsonView::Elements::Iterator& JsonView::Elements::Iterator::operator++() {
  // Behind the value there is a comma or nothing.
  rest_.remove_prefix(length_ < rest_.size() ? length_ + 1 : length_);
  length_ = value_length(rest_);
  return *this;
}

void JsonView::Members::Iterator::read() {
  length_ = 0;
  if (rest_.empty() || rest_[0] != '"') return;
  const std::size_t key_length = value_length(rest_);  // with the quotes
  if (key_length < 2 || key_length >= rest_.size()) return;
  member_.raw_key = rest_.substr(1, key_length - 2);
  const std::string_view after = rest_.substr(key_length + 1);
  const std::size_t length = value_length(after);
  member_.value = JsonView(after.substr(0, length));
  length_ = key_length + 1 + length;
}

JsonView::Members::Iterator& JsonView::Members::Iterator::operator++() {
  rest_.remove_prefix(length_ < rest_.size() ? length_ + 1 : length_);
  read();
  return *this;
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  for (const Member& member : members()) {
    if (member.key_is(key)) return member.value;
  }
  return std::nullopt;
}

std::optional<JsonView> JsonView::at_pointer(std::string_view pointer) const {
  JsonView view = *this;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    const std::optional<JsonView> next = step(view, take_segment(pointer));
    if (!next) return std::nullopt;
    view = *next;
  }
  return view;
}

std::optional<std::string> JsonView::as_string() const {
  if (!is_string()) return std::nullopt;
  return unescape_json(inside(text_));
}

std::optional<bool> JsonView::as_bool() const {
  if (!is_bool()) return std::nullopt;
  return text_[0] == 't';
}

std::optional<std::int64_t> JsonView::as_int64() const {
  if (!is_number()) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text_.data() + text_.size();
  const auto [last, failed] = std::from_chars(text_.data(), end, value);
  if (failed != std::errc() || last != end) return std::nullopt;
  return value;
}

std::string JsonView::scalar_text() const {
  if (is_null()) return {};
  if (is_string()) return unescape_json(inside(text_));
  return std::string(text_);
}

std::optional<std::string> json_lookup(std::string_view text, std::string_view pointer) {
  std::string owned;  // the embedded document that `view` points into, once there is one
  JsonView view(text);
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    std::string_view segment = take_segment(pointer);
    const bool embedded = segment.ends_with('#');
    if (embedded) segment.remove_suffix(1);
    const std::optional<JsonView> next = step(view, segment);
    if (!next) return std::nullopt;
    view = *next;
    if (embedded && view.is_string()) {
      Result<ScannedJson> scanned = scan_json(*view.as_string());
      if (!scanned) return std::nullopt;
      owned = std::move(scanned->text);
      view = JsonView(owned);
    }
  }
  return std::string(view.raw());
}

}  // namespace auditferry
