#pragma once
// What the formats share to stay on one line of valid UTF-8, whatever bytes they are given.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/record.h"

namespace auditferry {

// One character of a text, made harmless: invalid UTF-8 is U+FFFD.
struct TextUnit {
  enum class Kind {
    plain,
    line_end,         // \n
    carriage_return,  // \r
    line_separator,   // U+0085, U+2028, U+2029: line ends to some readers
    control,          // every other byte below 0x20, and 0x7F
  };
  Kind kind = Kind::plain;
  std::string_view bytes;  // of the character; U+FFFD's own when the input was invalid
};

// Takes the first character off `rest`, which is not empty.
TextUnit next_unit(std::string_view& rest);

// The JSON that begins at `begin`, with U+007F, U+0085, U+2028 and U+2029 written as escapes. In valid JSON
// they stand inside strings only, so nothing changes but the spelling.
void escape_line_separators(std::string& json, std::size_t begin);

// `text` as one line of valid UTF-8 of at most `max_bytes`, cut between two characters: every control
// character, line end and separator, and every byte of `also`, is a blank.
std::string one_line_text(std::string_view text, std::size_t max_bytes, std::string_view also = {});

// The record's id in all the world, as format "json" has it: vendor/tenant/stream/ID, "@2" behind it for a
// second revision; a gap that belongs to no stream has its ID alone.
std::string world_id(const Record& record);

// Whole milliseconds since 1970, rounded down.
std::int64_t epoch_milliseconds(WallTime time);

}  // namespace auditferry
