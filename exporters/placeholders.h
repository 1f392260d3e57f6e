#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace auditferry {

// A stretch of plain text, or a placeholder.
struct PlaceholderPart {
  std::size_t name = 0;  // index into the names; 0: `text` stands for itself
  std::string text;
};

// Takes "a{stream}b" apart. names[0] is not used, so that a part's number can be an enum whose first value is
// plain text. ErrorKind::invalid with the words for the configuration's author.
Result<std::vector<PlaceholderPart>> parse_placeholders(std::string_view text, std::span<const char* const> names);

// Whether the text holds a byte below 0x20, or 0x7F.
bool holds_control_character(std::string_view text);

}  // namespace auditferry
