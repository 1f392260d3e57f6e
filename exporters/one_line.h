#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace auditferry {

// Appends JSON so that it stays on one line. The journal's JSON is minified and holds no raw line end; one
// that is there all the same could only be white space between tokens, or the record is no JSON at all,
// and a space harms neither. Nothing at all becomes null.
inline void append_one_line(std::string_view json, std::string& out) {
  const std::size_t begin = out.size();
  if (json.empty()) {
    out += "null";
    return;
  }
  out += json;
  for (const char line_end : {'\n', '\r'}) {
    char* at = out.data() + begin;
    char* const end = out.data() + out.size();
    while (at != end) {
      at = static_cast<char*>(std::memchr(at, line_end, static_cast<std::size_t>(end - at)));
      if (!at) break;
      *at++ = ' ';
    }
  }
}

}  // namespace auditferry
