#include "core/profile.h"

namespace auditferry {

void ProfileBook::add(const Profile& profile) { profiles_.emplace(profile.vendor, profile); }

const Profile* ProfileBook::vendor(std::string_view name) const {
  const auto found = profiles_.find(name);
  return found == profiles_.end() ? nullptr : &found->second;
}

const StreamProfile* ProfileBook::stream(std::string_view vendor_name, std::string_view stream) const {
  const Profile* profile = vendor(vendor_name);
  if (!profile) return nullptr;
  const auto found = profile->streams.find(std::string(stream));
  return found == profile->streams.end() ? nullptr : &found->second;
}

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
