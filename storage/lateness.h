#pragma once
// How late records come that are found where a walk had already been: counted in steps of a tenth, so that
// quantiles over years need a few hundred numbers. Pure.

#include <cstdint>
#include <map>
#include <optional>

#include "core/time.h"

namespace auditferry {

// From the record's own time to its arrival. Step n holds what is longer than 1.1^(n-1) s and at most
// 1.1^n s; step 0 all up to a second, also what comes before its time.
int lateness_step(Duration lateness);
// The longest of a step.
Duration longest_of_step(int step);

// Late records by step. `share` of them (0.99) came at most this late, to a tenth; nothing: none were late.
std::optional<Duration> lateness_quantile(const std::map<int, std::uint64_t>& counts, double share);

}  // namespace auditferry
