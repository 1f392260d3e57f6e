#pragma once
// What the operator has written into the configuration, as far as the simulation changes it between runs.

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/random.h"

namespace auditferry::simulation {

inline constexpr const char* out_folder = "/out";

struct ExporterPlan {
  std::string name;
  bool file = false;  // else a scripted sink
  bool enabled = true;
  std::vector<std::string> streams;  // that it selects; empty: all
  std::uint32_t batch_records = 1000;
  std::uint64_t rotate_size = 0;
};

struct Configuration {
  std::string audit_query;  // of acme's audit log
  CatchUp catch_up = CatchUp::live_first;
  std::optional<Duration> retention;  // as the operator states it; the portal may keep to it or not
  std::uint32_t page_size = 20;
  Duration slice = std::chrono::hours(24);
  bool audit_is_reread = true;  // else it has nothing but overlap to find late records with
  bool query_may_change = true;
  std::vector<ExporterPlan> exporters;
  int names_used = 0;
};

Configuration first_configuration(Random& random);
// One change, in words.
std::string change_configuration(Configuration& configuration, Random& random);
// Two sources: acme (AppTego; audit and device, newest first) and other (Okta; oldest first).
Settings settings_of(const Configuration& configuration, const std::string& state_dir);

// The sandbox's name for a stream of a source.
std::string portal_log(const std::string& vendor, const std::string& stream);

// Shared by settings and the oracle.
inline constexpr Duration overlap = std::chrono::minutes(4);
inline constexpr Duration reread_delay = std::chrono::minutes(12);
inline constexpr Duration start_ago = std::chrono::hours(6);

}  // namespace auditferry::simulation
