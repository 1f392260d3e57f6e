#pragma once
// Times in the forms that portals write.

#include <string>

#include "core/time.h"

namespace auditferry {

// "Sun, 23 Nov 2025 10:25:12 GMT" (RFC 9110, section 5.6.7).
std::string http_date(WallTime time);
// "2025-11-23T10:25:12.123Z" (RFC 3339), always with milliseconds.
std::string rfc3339_milliseconds(WallTime time);

}  // namespace auditferry
