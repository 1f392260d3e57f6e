#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "core/time.h"

namespace auditferry {

// The newest of the last few times that were noted, in constant time for each on average. A value.
class RecentMaximum {
 public:
  // `window`: how many of the last times count, this one included; at least 1.
  void note(WallTime time, std::size_t window) {
    // What is older and not newer can never be the maximum again.
    while (!falling_.empty() && falling_.back().second <= time) falling_.pop_back();
    falling_.emplace_back(noted_++, time);
    while (falling_.front().first + window < noted_) falling_.pop_front();
  }
  std::uint64_t noted() const { return noted_; }  // since the last clear()
  std::optional<WallTime> maximum() const {
    return falling_.empty() ? std::nullopt : std::optional(falling_.front().second);
  }
  void clear() {
    falling_.clear();
    noted_ = 0;
  }

 private:
  std::deque<std::pair<std::uint64_t, WallTime>> falling_;  // (number, time), newest first
  std::uint64_t noted_ = 0;
};

}  // namespace auditferry
