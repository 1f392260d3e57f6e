#include "storage/lateness.h"

#include <cmath>

namespace auditferry {
namespace {

constexpr double growth = 1.1;

}  // namespace

int lateness_step(Duration lateness) {
  const double seconds = std::chrono::duration<double>(lateness).count();
  if (seconds <= 1) return 0;
  // A hair less, so that the longest of a step is not taken for the next one.
  return static_cast<int>(std::ceil(std::log(seconds) / std::log(growth) - 1e-6));
}

Duration longest_of_step(int step) {
  return Duration(static_cast<std::int64_t>(std::pow(growth, step) * 1e6));
}

std::optional<Duration> lateness_quantile(const std::map<int, std::uint64_t>& counts, double share) {
  std::uint64_t all = 0;
  for (const auto& [step, records] : counts) all += records;
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  std::uint64_t passed = 0;
  for (const auto& [step, records] : counts) {
    passed += records;
    if (static_cast<double>(passed) >= wanted) return longest_of_step(step);
  }
  return longest_of_step(counts.rbegin()->first);
}

}  // namespace auditferry
