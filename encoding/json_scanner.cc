#include "encoding/json_scanner.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "encoding/byte_scan.h"
#include "encoding/utf8.h"

namespace auditferry {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string describe_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7F) return std::string("'") + c + "'";
  constexpr char digits[] = "0123456789abcdef";
  return std::string("byte 0x") + digits[byte >> 4] + digits[byte & 15];
}

// Walks the document once without recursion. The output is collected in runs: what lies between two
// places where input and output differ is copied in one piece.
class Scanner {
 public:
  Scanner(std::string_view body, std::size_t max_depth)
      : begin_(body.data()), p_(body.data()), end_(body.data() + body.size()), max_depth_(max_depth) {
    result_.text.reserve(body.size());
    if (body.substr(0, 3) == "\xEF\xBB\xBF") p_ += 3;
    run_ = p_;
  }

  Result<ScannedJson> scan() {
    if (!walk()) return std::move(*error_);
    flush();
    return std::move(result_);
  }

 private:
  bool walk() {
    while (true) {
      if (!open_value()) return false;
      // A container was opened and is not empty: its first value (or key and value) comes next.
      if (opened_) continue;
      bool another = false;
      while (!open_.empty() && !another) {
        if (!after_value(another)) return false;
      }
      if (another) continue;
      skip_space();
      if (p_ != end_) return malformed("after the end of the document");
      return true;
    }
  }

  // One value up to its end, or up to the first value inside it; `opened_` says which.
  bool open_value() {
    opened_ = false;
    skip_space();
    if (p_ == end_) return ends_early("where a value should be");
    switch (*p_) {
      case '{':
      case '[': return open_container();
      case '"': return string();
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: break;
    }
    if (*p_ == '-' || is_digit(*p_)) return number();
    return malformed("where a value should be");
  }

  bool open_container() {
    const char kind = *p_;
    const char closing = kind == '{' ? '}' : ']';
    if (open_.size() >= max_depth_) {
      error_ =
          Error{ErrorKind::too_large, "the JSON text is nested deeper than " + std::to_string(max_depth_) +
                                          " levels at byte " + std::to_string(p_ - begin_)};
      return false;
    }
    ++p_;
    skip_space();
    if (p_ == end_) return ends_early(kind == '{' ? "inside an object" : "inside an array");
    if (*p_ == closing) {
      ++p_;
      return true;
    }
    open_.push_back(kind);
    opened_ = true;
    return kind == '[' || key();
  }

  // Behind a value inside a container: a comma (then `another`) or the container's end.
  bool after_value(bool& another) {
    skip_space();
    const bool object = open_.back() == '{';
    if (p_ == end_) return ends_early(object ? "inside an object" : "inside an array");
    if (*p_ == ',') {
      ++p_;
      another = true;
      return !object || key();
    }
    if (*p_ != (object ? '}' : ']'))
      return malformed(object ? "where ',' or '}' should be" : "where ',' or ']' should be");
    ++p_;
    open_.pop_back();
    return true;
  }

  bool key() {
    skip_space();
    if (p_ == end_) return ends_early("where a key should be");
    if (*p_ != '"') return malformed("where a key should be");
    if (!string()) return false;
    skip_space();
    if (p_ == end_) return ends_early("where ':' should be");
    if (*p_ != ':') return malformed("where ':' should be");
    ++p_;
    return true;
  }

  bool string() {
    ++p_;
    while (true) {
      p_ = byte_scan::string_special(p_, end_);
      if (p_ == end_) return ends_early("inside a string");
      const auto byte = static_cast<unsigned char>(*p_);
      if (byte == '"') {
        ++p_;
        return true;
      }
      if (byte == '\\') {
        if (!escape()) return false;
      } else if (byte < 0x20) {
        constexpr char digits[] = "0123456789abcdef";
        const char text[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        repair({text, sizeof text}, 1);
      } else {
        const Utf8Step step = utf8_step(p_, end_);
        if (step.valid) {
          p_ += step.length;
        } else {
          repair(replacement_character, step.length);
        }
      }
    }
  }

  bool escape() {
    ++p_;
    if (p_ == end_) return ends_early("inside a string");
    switch (*p_) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': ++p_; return true;
      case 'u': ++p_; break;
      default: return malformed("after a backslash");
    }
    for (int i = 0; i < 4; ++i, ++p_) {
      if (p_ == end_) return ends_early("inside a string");
      if (!is_hex_digit(*p_)) return malformed("where a hex digit should be");
    }
    return true;
  }

  bool literal(std::string_view word) {
    for (const char c : word) {
      if (p_ == end_) return ends_early("inside a word");
      if (*p_ != c) return malformed("inside the word " + std::string(word));
      ++p_;
    }
    return true;
  }

  bool digits() {
    if (p_ == end_) return ends_early("inside a number");
    if (!is_digit(*p_)) return malformed("where a digit should be");
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return true;
  }

  bool number() {
    if (*p_ == '-') ++p_;
    if (p_ != end_ && *p_ == '0') {
      ++p_;
      if (p_ != end_ && is_digit(*p_)) return malformed("after a leading zero");
    } else if (!digits()) {
      return false;
    }
    if (p_ != end_ && *p_ == '.') {
      ++p_;
      if (!digits()) return false;
    }
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!digits()) return false;
    }
    return true;
  }

  void skip_space() {
    if (p_ == end_ || !is_space(*p_)) return;
    flush();
    while (p_ != end_ && is_space(*p_)) ++p_;
    run_ = p_;
  }

  void flush() {
    result_.text.append(run_, p_);
    run_ = p_;
  }

  void repair(std::string_view replacement, std::size_t bytes) {
    flush();
    result_.repairs.push_back(result_.text.size());
    result_.text += replacement;
    p_ += bytes;
    run_ = p_;
  }

  bool ends_early(std::string_view where) {
    error_ = Error{ErrorKind::protocol, "the JSON text ends early, at byte " + std::to_string(end_ - begin_) +
                                            ", " + std::string(where)};
    return false;
  }

  bool malformed(std::string_view where) {
    error_ = Error{ErrorKind::protocol, "malformed JSON: " + describe_byte(*p_) + " at byte " +
                                            std::to_string(p_ - begin_) + ", " + std::string(where)};
    return false;
  }

  const char* begin_;
  const char* p_;
  const char* run_;  // start of what is not yet in result_.text
  const char* end_;
  std::size_t max_depth_;
  std::string open_;  // '{' and '[' of the containers around p_
  bool opened_ = false;
  ScannedJson result_;
  std::optional<Error> error_;
};

}  // namespace

Result<ScannedJson> scan_json(std::string_view body, std::size_t max_depth) {
  return Scanner(body, max_depth).scan();
}

}  // namespace auditferry
