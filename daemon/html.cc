#include "daemon/html.h"

#include "encoding/utf8.h"

namespace auditferry {
namespace {

char32_t decode(std::string_view piece) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(piece[i]); };
  if (piece.size() == 1) return byte(0);
  char32_t code = byte(0) & (0xFF >> (piece.size() + 1));
  for (std::size_t i = 1; i < piece.size(); ++i) code = (code << 6) | (byte(i) & 0x3F);
  return code;
}

bool within(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

bool misleads(char32_t code) {
  if (code == '\n') return false;
  return code < 0x20 || within(code, 0x7F, 0x9F) || code == 0xAD || code == 0x61C ||
         code == 0x180E ||             // a separator without width
         within(code, 0x200B, 0x200F) ||  // without width, and marks of direction
         within(code, 0x2028, 0x202E) ||  // line ends, and embeddings
         within(code, 0x2060, 0x206F) ||  // without width, and isolates
         code == 0xFEFF || within(code, 0xFFF9, 0xFFFB) || within(code, 0xE0000, 0xE007F);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const Utf8Step step = utf8_step(p, end);
    const std::string_view piece(p, step.length);
    p += step.length;
    if (!step.valid || misleads(decode(piece))) {
      out += replacement_character;
    } else if (piece == "<") {
      out += "&lt;";
    } else if (piece == ">") {
      out += "&gt;";
    } else if (piece == "&") {
      out += "&amp;";
    } else if (piece == "\"") {
      out += "&quot;";
    } else if (piece == "'") {
      out += "&#39;";
    } else {
      out += piece;
    }
  }
  return out;
}

std::string foreign_html(std::string_view text) { return "<bdi>" + escape_html(text) + "</bdi>"; }

}  // namespace auditferry
