#include "core/profile.h"

namespace auditferry {

const char* to_string(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::seconds: return "seconds";
    case TimeUnit::milliseconds: return "milliseconds";
    case TimeUnit::microseconds: return "microseconds";
    case TimeUnit::rfc3339: return "rfc3339";
  }
  return "unknown";
}

Duration unit_step(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::seconds: return std::chrono::seconds(1);
    case TimeUnit::milliseconds: return std::chrono::milliseconds(1);
    case TimeUnit::microseconds: return std::chrono::microseconds(1);
    case TimeUnit::rfc3339: return std::chrono::milliseconds(1);
  }
  return std::chrono::seconds(1);
}

}  // namespace auditferry
