#pragma once
// A record's time out of the vendor's value, and the recognition of a wrong unit.

#include <optional>
#include <string>
#include <string_view>

#include "core/profile.h"
#include "core/time.h"
#include "encoding/json_view.h"

namespace auditferry {

// The value as a time of that unit: for numeric units a number or a string that is one (any number of
// digits, fractions and exponents, cut to the microsecond before), for rfc3339 a string. Nothing for
// anything else, and outside of the years 0000 to 9999.
std::optional<WallTime> record_time(JsonView value, TimeUnit unit);

// Between 2000 and ten years after `now` (the answer's Date; nothing: the year 2100).
bool is_plausible(WallTime time, std::optional<WallTime> now);

// Another unit in which the value is plausible.
std::optional<TimeUnit> fitting_unit(JsonView value, std::optional<WallTime> now);

}  // namespace auditferry
