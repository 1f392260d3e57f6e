#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auditferry {

// The candidate that a person most likely meant: the fewest insertions, deletions, replacements and swaps
// of neighbours away, when that is few enough for the length. Of equals the first.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// The end of a message about an unknown name: did you mean "x"?, or the list of what there is.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace auditferry
