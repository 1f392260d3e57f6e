#pragma once
// Readers of CEF and LEEF for the tests, written from the formats' descriptions alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/utf8_fixture.h"

namespace auditferry::fixture {

struct ParsedEvent {
  std::vector<std::string> header;
  std::map<std::string, std::string> fields;
  std::map<std::string, std::size_t> written_bytes;  // of the values as they stand in the line
  std::vector<std::string> keys;                     // in their order, repeated ones twice
};

using auditferry::is_valid_utf8;

// One line for every reader, also for those that take U+2028 for a line end.
inline bool is_one_line(std::string_view text) {
  if (!is_valid_utf8(text)) return false;
  for (const char* end : {"\n", "\r", "\v", "\f", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.find(end) != std::string_view::npos) return false;
  }
  return text.find('\0') == std::string_view::npos;
}

// `text` up to the next '|' that no backslash stands before; takes both off.
inline std::optional<std::string> take_cef_header(std::string_view& text) {
  std::string field;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '|') {
      text.remove_prefix(i + 1);
      return field;
    }
    if (text[i] == '\\') {
      if (++i == text.size() || (text[i] != '|' && text[i] != '\\')) return std::nullopt;
    }
    field += text[i];
  }
  return std::nullopt;
}

inline std::optional<std::string> cef_value(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    switch (text[i]) {
      case '\\':
      case '=':
        value += text[i];
        break;
      case 'n':
        value += '\n';
        break;
      case 'r':
        value += '\r';
        break;
      default:
        return std::nullopt;
    }
  }
  return value;
}

inline std::optional<ParsedEvent> parse_cef(std::string_view line) {
  ParsedEvent event;
  for (int i = 0; i < 7; ++i) {
    const auto field = take_cef_header(line);
    if (!field) return std::nullopt;
    event.header.push_back(*field);
  }
  // Every '=' without a backslash ends a key, which begins behind the blank before it.
  std::vector<std::size_t> equals;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=') {
      equals.push_back(i);
    }
  }
  for (std::size_t n = 0; n < equals.size(); ++n) {
    const auto key_begin = [&](std::size_t equal) { return line.rfind(' ', equal) + 1; };
    const std::size_t begin = key_begin(equals[n]);
    const std::size_t end = n + 1 < equals.size() ? key_begin(equals[n + 1]) - 1 : line.size();
    const std::string key(line.substr(begin, equals[n] - begin));
    if (key.empty() || end <= equals[n]) return std::nullopt;
    const auto value = cef_value(line.substr(equals[n] + 1, end - equals[n] - 1));
    if (!value) return std::nullopt;
    event.keys.push_back(key);
    event.fields[key] = *value;
    event.written_bytes[key] = end - equals[n] - 1;
  }
  return event;
}

inline std::optional<ParsedEvent> parse_leef(std::string_view line) {
  ParsedEvent event;
  for (int i = 0; i < 6; ++i) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return std::nullopt;
    event.header.emplace_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  if (event.header[5] != "x09") return std::nullopt;
  while (!line.empty()) {
    const std::string_view attribute = line.substr(0, line.find('\t'));
    line.remove_prefix(std::min(line.size(), attribute.size() + 1));
    const std::size_t equal = attribute.find('=');
    if (equal == 0 || equal == std::string_view::npos) return std::nullopt;
    const std::string key(attribute.substr(0, equal));
    event.keys.push_back(key);
    event.fields[key] = attribute.substr(equal + 1);
    event.written_bytes[key] = attribute.size() - equal - 1;
  }
  return event;
}

inline void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

inline bool has_repeated_keys(const ParsedEvent& event) {
  return event.fields.size() != event.keys.size();
}

}  // namespace auditferry::fixture
