#pragma once
// Reading VALID, MINIFIED JSON (the output of scan_json) in place. A JsonView is a string_view with
// manners: it owns nothing, allocates nothing, and lives no longer than the text. On other text it gives
// nonsense, but never reads outside of it. Duplicate keys: the first wins.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auditferry {

enum class JsonType { null, boolean, number, string, array, object };

// Undoes the escapes of a string token (without its quotes). Lone surrogates become U+FFFD.
std::string unescape_json(std::string_view escaped);

class JsonView {
 public:
  class Elements;
  class Members;
  struct Member;

  // `text` is exactly one value.
  explicit JsonView(std::string_view text) : text_(text) {}

  JsonType type() const;
  std::string_view raw() const { return text_; }
  bool is_null() const { return type() == JsonType::null; }
  bool is_bool() const { return type() == JsonType::boolean; }
  bool is_number() const { return type() == JsonType::number; }
  bool is_string() const { return type() == JsonType::string; }
  bool is_array() const { return type() == JsonType::array; }
  bool is_object() const { return type() == JsonType::object; }

  // for (JsonView element : view.elements()); nothing when this is not an array.
  Elements elements() const;
  // for (const JsonView::Member& member : view.members()); nothing when this is not an object.
  Members members() const;

  // The value of a member; `key` is plain text, not escaped.
  std::optional<JsonView> find(std::string_view key) const;
  // RFC 6901; "" is this value itself. For '#' see json_lookup.
  std::optional<JsonView> at_pointer(std::string_view pointer) const;

  std::optional<std::string> as_string() const;
  std::optional<bool> as_bool() const;
  // An integer as written, without fraction or exponent, that fits.
  std::optional<std::int64_t> as_int64() const;
  // String: unescaped. Number and boolean: as written. Null: nothing. Array and object: their JSON.
  std::string scalar_text() const;

 private:
  std::string_view text_;
};

struct JsonView::Member {
  std::string_view raw_key;  // between the quotes, escapes as written
  JsonView value{std::string_view()};
  std::string key() const { return unescape_json(raw_key); }
  bool key_is(std::string_view plain) const;
};

// Input ranges for range-for. `rest_` begins with the current item.
class JsonView::Elements {
 public:
  struct End {};
  class Iterator {
   public:
    explicit Iterator(std::string_view rest);
    JsonView operator*() const { return JsonView(rest_.substr(0, length_)); }
    Iterator& operator++();
    bool operator==(End) const { return length_ == 0; }

   private:
    std::string_view rest_;
    std::size_t length_ = 0;
  };
  explicit Elements(std::string_view inside) : inside_(inside) {}
  Iterator begin() const { return Iterator(inside_); }
  End end() const { return {}; }

 private:
  std::string_view inside_;
};

class JsonView::Members {
 public:
  struct End {};
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { read(); }
    const Member& operator*() const { return member_; }
    Iterator& operator++();
    bool operator==(End) const { return length_ == 0; }

   private:
    void read();
    std::string_view rest_;
    std::size_t length_ = 0;
    Member member_;
  };
  explicit Members(std::string_view inside) : inside_(inside) {}
  Iterator begin() const { return Iterator(inside_); }
  End end() const { return {}; }

 private:
  std::string_view inside_;
};

// The JSON of the value at `pointer`, or nothing. A segment that ends in '#' ("/raw_data#/ip") means: the
// value there is a string that holds JSON, step into it. Where the vendor sends the object itself instead
// of a string, '#' steps into that. "~2" is a '#' of the key itself, "~3" a '*'.
std::optional<std::string> json_lookup(std::string_view text, std::string_view pointer);

// A segment of a pointer without its escapes: "~0" is '~', "~1" '/' (RFC 6901), "~2" '#' and "~3" '*'.
std::string decode_pointer_segment(std::string_view segment);
// True when `pointer` is "" or begins with '/' and has no stray '~'.
bool is_json_pointer(std::string_view pointer);

}  // namespace auditferry
