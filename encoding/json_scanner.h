#pragma once
// The strict JSON scanner (RFC 8259): validates a whole document and gives it back without white space.
// Everything else in this program that touches JSON works on its output.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace auditferry {

struct ScannedJson {
  // The document without white space between tokens; numbers keep every digit, keys their order, strings
  // their escapes. Always valid JSON in valid UTF-8.
  std::string text;
  // Offsets in `text` of what had to be replaced inside strings, ascending: U+FFFD for each maximal
  // subpart of invalid UTF-8, \u00XX for each raw control character.
  std::vector<std::size_t> repairs;
};

// Pure; safe on any bytes. A byte order mark at the very start is skipped. Lone surrogate escapes are
// grammar and are kept. Errors name the byte offset and what was met there:
//   protocol, "... ends early ..."  the document is a beginning of a valid one (a cut answer)
//   protocol                        malformed, or something follows the document
//   too_large                       arrays and objects nested deeper than `max_depth`
Result<ScannedJson> scan_json(std::string_view body, std::size_t max_depth = 256);

}  // namespace auditferry
