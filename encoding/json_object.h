#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "encoding/json_text.h"

namespace auditferry {

// Builds the small JSON objects of the ledger and of gap entries, keys in the order of the calls.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
    return *this;
  }
  // Left out when empty.
  JsonObject& text_if(std::string_view key, std::string_view value) { return value.empty() ? *this : text(key, value); }
  JsonObject& number(std::string_view key, std::uint64_t value) {
    name(key);
    out_ += std::to_string(value);
    return *this;
  }
  JsonObject& boolean(std::string_view key, bool value) {
    name(key);
    out_ += value ? "true" : "false";
    return *this;
  }
  // `json` is a complete JSON value.
  JsonObject& value(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
    return *this;
  }
  std::string finish() { return std::move(out_ += '}'); }

 private:
  void name(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    append_json_string(out_, key);
    out_ += ':';
  }
  std::string out_ = "{";
};

}  // namespace auditferry
