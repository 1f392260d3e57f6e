#pragma once
// What an HTTP answer says about waiting. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http_client.h"
#include "core/time.h"

namespace auditferry {

// Retry-After (RFC 9110 section 10.2.3): seconds, or a date measured against the answer's own Date.
// Nothing when it is missing, negative or unreadable.
std::optional<Duration> retry_after(const HttpResponse& response, WallTime now);

// The answer's Date, else `now`.
WallTime answer_time(const HttpResponse& response, WallTime now);
// The value of a header that is a whole number; blanks around it are allowed.
std::optional<std::uint64_t> header_number(std::string_view text);
// Numbers beyond ten years mean "very long" and become that.
Duration header_seconds(std::uint64_t seconds);

}  // namespace auditferry
