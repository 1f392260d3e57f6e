#pragma once

#include <string>
#include <string_view>

namespace auditferry {

// True for a character that would forge a line, move a terminal's cursor or turn the direction of the text
// beside it: U+0000 to U+001F, U+007F to U+009F, the line and paragraph separators, and the marks, embeddings
// and isolates of Unicode's bidirectional algorithm (UAX 9). `character` is one, in valid UTF-8.
bool is_harmful(std::string_view character);

// Words from outside made fit for messages: harmful characters are blanks, invalid UTF-8 is U+FFFD, and
// what is longer than `max_bytes` is cut, with "..." behind it.
std::string harmless_text(std::string_view text, std::size_t max_bytes);

// The same value with JSON's escapes for the harmful characters in its strings: JSON itself lets those from U+007F
// on stand. `json` is one valid value without white space, in valid UTF-8.
std::string harmless_json(std::string_view json);

}  // namespace auditferry
