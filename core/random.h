#pragma once
// Randomness comes from a seed that main (or a test) passed in, so that a run can be repeated.

#include <cstdint>
#include <random>

#include "core/time.h"

namespace auditferry {

// Not thread-safe; every owner has its own.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t next() { return engine_(); }
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine_); }
  // Uniform in [0, 1).
  double unit() { return std::uniform_real_distribution<double>(0.0, 1.0)(engine_); }
  // Uniform in [0, limit]: "full jitter".
  Duration jitter(Duration limit) {
    if (limit.count() <= 0) return Duration::zero();
    return Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(limit.count()) + 1)));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace auditferry
