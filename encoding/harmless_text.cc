#include "encoding/harmless_text.h"

#include "encoding/utf8.h"

namespace auditferry {

bool is_harmful(std::string_view character) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(character[at]); };
  switch (character.size()) {
    case 1: return byte(0) < 0x20 || byte(0) == 0x7F;
    // U+0080 to U+009F are control characters too; terminals obey some of them. U+061C marks Arabic text.
    case 2: return (byte(0) == 0xC2 && byte(1) < 0xA0) || character == "\xD8\x9C";
    case 3: {
      if (byte(0) != 0xE2 || (byte(1) != 0x80 && byte(1) != 0x81)) return false;
      const unsigned low = byte(2);
      if (byte(1) == 0x81) return low >= 0xA6 && low <= 0xA9;                     // U+2066 to U+2069
      return low == 0x8E || low == 0x8F || (low >= 0xA8 && low <= 0xAE);          // U+200E, U+200F, U+2028 to U+202E
    }
    default: return false;
  }
}

std::string harmless_text(std::string_view text, std::size_t max_bytes) {
  std::string out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const Utf8Step step = utf8_step(p, end);
    std::string_view piece(p, step.length);
    if (!step.valid) {
      piece = replacement_character;
    } else if (is_harmful(piece)) {
      piece = " ";
    }
    if (out.size() + piece.size() > max_bytes) return out + "...";
    out += piece;
    p += step.length;
  }
  return out;
}

std::string harmless_json(std::string_view json) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  const char* const end = json.data() + json.size();
  for (const char* p = json.data(); p != end;) {
    const std::string_view character(p, utf8_step(p, end).length);
    if (is_harmful(character)) {
      const std::uint32_t code = code_point(character);
      out += "\\u";
      for (const int shift : {12, 8, 4, 0}) out += digits[(code >> shift) & 15];
    } else {
      out += character;
    }
    p += character.size();
  }
  return out;
}

}  // namespace auditferry
