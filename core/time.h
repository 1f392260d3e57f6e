#pragma once
// Time as the program keeps it: microseconds, UTC, and durations in microseconds. Parsing and formatting
// live in encoding/time_format.h.

#include <chrono>
#include <cstdint>

namespace auditferry {

using Duration = std::chrono::microseconds;
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
// Monotonic; only differences mean something.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

inline std::int64_t to_micros(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime from_micros(std::int64_t micros) { return WallTime(Duration(micros)); }

// A closed interval of time: both ends belong to it.
struct TimeRange {
  WallTime from;
  WallTime to;
  bool contains(WallTime time) const { return from <= time && time <= to; }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

}  // namespace auditferry
