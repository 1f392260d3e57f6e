#include "encoding/harmless_text.h"

#include "encoding/utf8.h"

namespace auditferry {

std::string harmless_text(std::string_view text, std::size_t max_bytes) {
  std::string out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const auto byte = static_cast<unsigned char>(*p);
    const Utf8Step step = utf8_step(p, end);
    // U+0080 to U+009F are control characters too; terminals obey some of them.
    const bool second_controls =
        step.valid && step.length == 2 && byte == 0xC2 && static_cast<unsigned char>(p[1]) < 0xA0;
    std::string_view piece(p, step.length);
    if (byte < 0x20 || byte == 0x7F || second_controls) piece = " ";
    if (!step.valid) piece = replacement_character;
    if (out.size() + piece.size() > max_bytes) return out + "...";
    out += piece;
    p += step.length;
  }
  return out;
}

}  // namespace auditferry
