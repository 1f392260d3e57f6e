#pragma once
// How a walk's row keeps what the walk has shown: "from:to,from:to", in microseconds.

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace auditferry {

std::string encode_ranges(const std::vector<TimeRange>& ranges);
// ErrorKind::corrupt for what encode_ranges() does not write.
Result<std::vector<TimeRange>> decode_ranges(std::string_view text);

}  // namespace auditferry
