#include "encoding/json_text.h"

#include "encoding/byte_scan.h"
#include "encoding/json_canonical.h"
#include "encoding/utf8.h"

namespace auditferry {
namespace {

void append_control(std::string& out, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  switch (byte) {
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  out += "\\u00";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  out += '"';
  while (p != end) {
    const char* const special = byte_scan::string_special(p, end);
    out.append(p, special);
    p = special;
    if (p == end) break;
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x20) {
      append_control(out, byte);
      ++p;
    } else if (byte < 0x80) {
      out += '\\';
      out += *p++;
    } else {
      const Utf8Step step = utf8_step(p, end);
      out += step.valid ? std::string_view(p, step.length) : replacement_character;
      p += step.length;
    }
  }
  out += '"';
}

std::string canonical_json(std::string_view minified) {
  JsonCanonicalizer canonicalizer;
  return std::string(canonicalizer.canonical(minified));
}

}  // namespace auditferry
