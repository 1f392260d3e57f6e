#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "core/time.h"

namespace auditferry {

// How many records may become dead letters within an hour (dead_letters.max_rate).
class DeadLetterRate {
 public:
  // 0: no limit.
  explicit DeadLetterRate(std::uint64_t max_per_hour) : max_(max_per_hour) {}
  // A group that is larger than the limit passes when it is the first of its hour.
  bool allows(std::uint64_t letters, SteadyTime now) {
    forget(now);
    return max_ == 0 || sum_ == 0 || sum_ + letters <= max_;
  }
  void add(std::uint64_t letters, SteadyTime now) {
    if (letters == 0) return;
    letters_.emplace_back(now, letters);
    sum_ += letters;
  }
  // Until the oldest of them no longer counts.
  Duration eases_in(SteadyTime now) const {
    return letters_.empty() ? Duration::zero() : Duration(letters_.front().first + std::chrono::hours(1) - now);
  }

 private:
  void forget(SteadyTime now) {
    while (!letters_.empty() && now - letters_.front().first >= std::chrono::hours(1)) {
      sum_ -= letters_.front().second;
      letters_.pop_front();
    }
  }
  std::uint64_t max_;
  std::uint64_t sum_ = 0;
  std::deque<std::pair<SteadyTime, std::uint64_t>> letters_;
};

}  // namespace auditferry
