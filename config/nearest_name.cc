#include "config/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace auditferry {
namespace {

constexpr std::size_t longest_compared = 64;

// Optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0u);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > longest_compared) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest_compared) continue;
    const std::size_t allowed = std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
    const std::size_t steps = distance(name, candidate);
    if (steps > allowed || (best && steps >= best_distance)) continue;
    best = candidate;
    best_distance = steps;
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  if (const std::optional<std::string> near = nearest_name(name, candidates))
    return "did you mean \"" + *near + "\"?";
  if (candidates.empty()) return "nothing is valid here";
  std::string out = "valid here: ";
  for (const std::string& candidate : candidates) {
    if (&candidate != &candidates.front()) out += ", ";
    out += candidate;
  }
  return out;
}

}  // namespace auditferry
