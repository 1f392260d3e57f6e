#pragma once
// Tests that let each call of a run fail in turn, and how many of the calls they take.

#include <cstdint>
#include <cstdlib>

#include "tests/support/sanitized.h"

namespace auditferry {

// Each `plain`-th call is tried, each `few`-th under a sanitizer; all of them with AUDITFERRY_EVERY_CALL=1 in
// the environment, which takes a minute or two.
inline std::uint64_t stride_of_calls(std::uint64_t plain, std::uint64_t few) {
  if (std::getenv("AUDITFERRY_EVERY_CALL")) return 1;
  return rounds(plain, few);
}

}  // namespace auditferry
