#pragma once
// Writing JSON.

#include <string>
#include <string_view>

namespace auditferry {

// Appends `text` as a JSON string with its quotes: quotes, backslashes and control characters escaped,
// invalid UTF-8 replaced by U+FFFD, everything else as it stands.
void append_json_string(std::string& out, std::string_view text);

// The same document with the keys of every object, at every level, in the order of their bytes as
// written; nothing else changed, and equal keys keep their order. `minified` is the output of scan_json.
std::string canonical_json(std::string_view minified);

}  // namespace auditferry
