#pragma once

#include <string>
#include <string_view>

namespace auditferry {

// Words from outside made fit for messages: control characters are blanks, invalid UTF-8 is U+FFFD, and
// what is longer than `max_bytes` is cut, with "..." behind it.
std::string harmless_text(std::string_view text, std::size_t max_bytes);

}  // namespace auditferry
