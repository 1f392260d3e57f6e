#pragma once
// What the operator has written into the configuration, as far as the simulation changes it between runs.

#include <array>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/random.h"
#include "sandbox/portal_options.h"

namespace auditferry::simulation {

inline constexpr const char* out_folder = "/out";

struct ExporterPlan {
  std::string name;
  std::string type = "scripted";  // or one of the catalog
  bool is_file() const { return type == "file"; }
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
  SandboxPaging paging = SandboxPaging::cursor;  // of acme
  std::uint32_t first_page = 0;
  std::vector<ExporterPlan> exporters;
  std::vector<ExporterPlan> former;  // under names that nobody configures any more
  int names_used = 0;
};

Configuration first_configuration(Random& random);
// One change, in words.
std::string change_configuration(Configuration& configuration, Random& random);
// Three sources: acme (AppTego; audit and device, newest first), other (Okta) and code (GitHub), both oldest first.
Settings settings_of(const Configuration& configuration, const std::string& state_dir);

// The sandbox's names of its logs, and of the one that a stream of a source is.
inline constexpr std::array<const char*, 4> logs = {"audit", "device", "okta", "github"};
std::string portal_log(const std::string& vendor, const std::string& stream);
// Read forward from a cursor, without overlap.
inline bool oldest_first(const std::string& vendor) { return vendor != "apptego"; }

// Shared by settings and the oracle.
inline constexpr Duration overlap = std::chrono::minutes(4);
inline constexpr Duration reread_delay = std::chrono::minutes(12);
inline constexpr Duration start_ago = std::chrono::hours(6);

}  // namespace auditferry::simulation
