#pragma once
// Times, durations and sizes as text, and back. No locale, no streams; format_rfc3339* are on the hot path.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace auditferry {

// RFC 3339 in UTC with 'Z': no fraction for whole seconds, three digits for whole milliseconds, else six.
// Years outside 0000 to 9999, which the RFC cannot write, give the nearest time that it can.
std::string format_rfc3339(WallTime time);
// Always six digits of fraction.
std::string format_rfc3339_micros(WallTime time);

// Any offset, a fraction of any length (cut to microseconds), lower-case t and z, a space for the T. A
// leap second :60 is the second after. Nothing for anything else, also for days that do not exist.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// The three forms of RFC 9110 section 5.6.7. A two-digit year below 70 is in this century.
std::optional<WallTime> parse_http_date(std::string_view text);

// A whole number and one unit: us ms s m h d y (365 d), for example "250ms". Nothing on overflow.
std::optional<Duration> parse_duration(std::string_view text);
// The largest unit up to days that is exact; parse_duration reads it back when not negative.
std::string format_duration(Duration duration);

// A whole number and one unit: B KiB MiB GiB TiB, or KB MB GB TB in powers of 1000. Nothing on overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);
// For people: "64KiB" when exact, else one decimal, cut ("1.4GiB").
std::string format_size(std::uint64_t bytes);

// UTC.
struct DateParts {
  int year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  friend bool operator==(const DateParts&, const DateParts&) = default;
};
DateParts date_parts(WallTime time);

}  // namespace auditferry
