#pragma once
// A strict reader of syslog for tests, written from the ABNF of RFC 5424 section 6 and of RFC 6587, and
// sharing nothing with the encoder.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/utf8_fixture.h"

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

  static bool utf8(std::string_view text) { return is_valid_utf8(text); }

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
  // FULL-DATE "T" FULL-TIME in UTC, which is all we send; no leap second (section 6.2.3.1).
  static bool timestamp(std::string_view text) {
    if (text == "-") return true;
    if (text.size() < 20 || text.size() > 27 || text.back() != 'Z') return false;
    static constexpr std::string_view shape = "9999-99-99T99:99:99";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == '9' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
    }
    const std::string_view fraction = text.substr(19, text.size() - 20);
    if (!fraction.empty() && (fraction[0] != '.' || fraction.size() < 2)) return false;
    for (const char c : fraction.substr(fraction.empty() ? 0 : 1)) {
      if (!is_digit(c)) return false;
    }
    const auto pair = [text](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const int year = pair(0) * 100 + pair(2);
    const int month = pair(5);
    if (month < 1 || month > 12) return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int days = month == 2 ? (leap ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    return pair(8) >= 1 && pair(8) <= days && pair(11) <= 23 && pair(14) <= 59 && pair(17) <= 59;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
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
