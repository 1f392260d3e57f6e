#pragma once

#include <string>
#include <string_view>

namespace auditferry {

// Any bytes made fit to stand in HTML, as text and in a quoted attribute: markup is escaped; control
// characters but for '\n', invalid UTF-8, and characters that are invisible or turn the direction of the text
// around (so that words would read otherwise than they are) become U+FFFD.
std::string escape_html(std::string_view text);

// The same, in an element that keeps the direction of foreign words to itself.
std::string foreign_html(std::string_view text);

}  // namespace auditferry
