#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "core/task.h"

namespace auditferry {

// How often one credential may ask one host: shared by every stream that uses it. Loop thread only.
// During a penalty no request at all goes out. The owner stores penalties (Journal::set_penalty) and
// brings them back after a restart.
class RequestBudget {
 public:
  RequestBudget(Clock& clock, std::uint32_t requests_per_minute);

  // From now on.
  void set_rate(std::uint32_t requests_per_minute);
  // Waits until `cost` requests' worth of budget is there and no penalty runs. Cancellable.
  Task<void> acquire(double cost);
  // Whether acquire(cost) would return at once.
  bool ready(double cost);
  // The portal said wait. A shorter penalty does not end a longer one.
  void penalize(Duration wait);
  bool penalized() const { return penalty_until_ > clock_.steady_now(); }
  Duration penalty_left() const;
  // The portal's own count (X-RateLimit-*): when it runs short, requests are spread over the time left.
  void note_remaining(std::uint64_t remaining, Duration until_reset);
  // Time that was spent waiting for penalties and for a spread-out budget.
  Duration throttled() const { return throttled_; }

 private:
  void refill();
  Clock& clock_;
  double per_second_ = 1;
  double capacity_ = 1;
  double tokens_ = 0;
  SteadyTime filled_at_;
  SteadyTime penalty_until_{};
  SteadyTime spread_until_{};
  Duration spread_step_{};
  SteadyTime last_request_{};
  Duration throttled_{};
};

}  // namespace auditferry
