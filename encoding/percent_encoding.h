#pragma once

#include <string>
#include <string_view>

namespace auditferry {

// RFC 3986 section 2.1: everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace auditferry
