#pragma once
// When the made-up records of these tests begin.

#include "core/time.h"

namespace auditferry {

inline const WallTime start = from_micros(1'763'890'000'000'000);  // 2025-11-23T09:26:40Z

}  // namespace auditferry
