#pragma once

#include <algorithm>

#include "core/random.h"
#include "core/time.h"

namespace auditferry {

// Waits between tries: exponential with full jitter, capped. Never shorter than a tenth of a second.
class Backoff {
 public:
  Backoff(Random& random, Duration first, Duration cap) : random_(random), first_(first), cap_(cap) {}
  Duration next() {
    const Duration limit = std::min(cap_, first_ * (std::int64_t{1} << std::min(tries_, 20)));
    ++tries_;
    return std::max(Duration(std::chrono::milliseconds(100)), random_.jitter(limit));
  }
  void reset() { tries_ = 0; }
  int tries() const { return tries_; }

 private:
  Random& random_;
  Duration first_;
  Duration cap_;
  int tries_ = 0;
};

}  // namespace auditferry
