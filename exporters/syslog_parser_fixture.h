#pragma once
// A strict reader of syslog for tests, written from the ABNF of RFC 5424 section 6 and of RFC 6587, and
// sharing nothing with the encoder.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/time_format.h"
#include "encoding/utf8.h"

namespace auditferry {

struct ParsedSyslog {
  int priority = -1;
  std::string timestamp, hostname, app_name, procid, msgid;
  std::map<std::string, std::map<std::string, std::string>> elements;  // SD-ID to PARAM-NAME to value
  std::string message;
};

class SyslogParser {
 public:
  // Nothing when any byte is out of place.
  static std::optional<ParsedSyslog> parse(std::string_view text) {
    SyslogParser parser(text);
    ParsedSyslog parsed;
    if (!parser.header(parsed) || !parser.structured_data(parsed)) return std::nullopt;
    if (parser.rest_.empty()) return parsed;
    if (!parser.take(' ')) return std::nullopt;
    parsed.message = parser.rest_;
    return parsed;
  }

  // The messages of a stream that is complete; nothing when the framing is broken.
  static std::optional<std::vector<std::string>> unframe(std::string_view bytes, bool counted) {
    std::vector<std::string> messages;
    while (!bytes.empty()) {
      if (!counted) {
        const std::size_t end = bytes.find('\n');
        if (end == bytes.npos) return std::nullopt;
        messages.emplace_back(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        continue;
      }
      const std::size_t space = bytes.find(' ');
      if (space == 0 || space > 9 || bytes[0] < '1' || bytes[0] > '9') return std::nullopt;
      std::size_t length = 0;
      for (const char digit : bytes.substr(0, space)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        length = length * 10 + static_cast<std::size_t>(digit - '0');
      }
      if (space + 1 + length > bytes.size()) return std::nullopt;
      messages.emplace_back(bytes.substr(space + 1, length));
      bytes.remove_prefix(space + 1 + length);
    }
    return messages;
  }

  static bool utf8(std::string_view text) {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
      const Utf8Step step = utf8_step(p, end);
      if (!step.valid) return false;
      p += step.length;
    }
    return true;
  }

 private:
  explicit SyslogParser(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // 1*limit PRINTUSASCII.
  bool word(std::string& into, std::size_t limit) {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] > 32 && rest_[length] < 127) ++length;
    if (length == 0 || length > limit) return false;
    into = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }
  bool header(ParsedSyslog& parsed) {
    if (!take('<')) return false;
    std::string digits;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9' && digits.size() < 3) {
      digits += rest_[0];
      rest_.remove_prefix(1);
    }
    if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return false;
    parsed.priority = std::stoi(digits);
    if (parsed.priority > 191 || !take('>') || !take('1') || !take(' ')) return false;
    if (!word(parsed.timestamp, 32) || !timestamp(parsed.timestamp) || !take(' ')) return false;
    if (!word(parsed.hostname, 255) || !take(' ')) return false;
    if (!word(parsed.app_name, 48) || !take(' ')) return false;
    if (!word(parsed.procid, 128) || !take(' ')) return false;
    return word(parsed.msgid, 32) && take(' ');
  }
  static bool timestamp(const std::string& text) {
    if (text == "-") return true;
    const std::size_t dot = text.find('.');
    const bool short_enough = dot == text.npos || text.size() - dot - 2 <= 6;
    return text.size() >= 20 && text[10] == 'T' && text.back() == 'Z' && short_enough && parse_rfc3339(text);
  }
  bool sd_name(std::string& into) {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] > 32 && rest_[length] < 127 &&
           std::string_view("= ]\"").find(rest_[length]) == std::string_view::npos)
      ++length;
    if (length == 0 || length > 32) return false;
    into = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }
  bool value(std::string& into) {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == ']') return false;
      if (rest_[0] == '\\' && rest_.size() > 1 &&
          std::string_view("\"\\]").find(rest_[1]) != std::string_view::npos)
        rest_.remove_prefix(1);
      into += rest_[0];
      rest_.remove_prefix(1);
    }
    return take('"') && utf8(into);
  }
  bool structured_data(ParsedSyslog& parsed) {
    if (take('-')) return true;
    if (rest_.empty() || rest_[0] != '[') return false;
    while (take('[')) {
      std::string id;
      if (!sd_name(id) || parsed.elements.count(id)) return false;
      auto& element = parsed.elements[id];
      while (take(' ')) {
        std::string name, text;
        if (!sd_name(name) || !take('=') || !value(text)) return false;
        element[name] = text;
      }
      if (!take(']')) return false;
    }
    return true;
  }
  std::string_view rest_;
};

}  // namespace auditferry
