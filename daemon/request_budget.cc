#include "daemon/request_budget.h"

#include <algorithm>

namespace auditferry {
namespace {

// A burst of ten seconds' worth is allowed after a pause, never less than one request.
constexpr double burst_seconds = 10.0;
// The portal's remaining budget is respected early: below this many requests they are spread out.
constexpr std::uint64_t running_short = 20;

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

RequestBudget::RequestBudget(Clock& clock, std::uint32_t requests_per_minute) : clock_(clock), filled_at_(clock.steady_now()) {
  set_rate(requests_per_minute);
  tokens_ = capacity_;
}

void RequestBudget::set_rate(std::uint32_t requests_per_minute) {
  refill();
  per_second_ = std::max<std::uint32_t>(1, requests_per_minute) / 60.0;
  capacity_ = std::max(1.0, per_second_ * burst_seconds);
  tokens_ = std::min(tokens_, capacity_);
}

void RequestBudget::refill() {
  const SteadyTime now = clock_.steady_now();
  tokens_ = std::min(capacity_, tokens_ + seconds_of(now - filled_at_) * per_second_);
  filled_at_ = now;
}

Duration RequestBudget::penalty_left() const {
  return std::max(Duration::zero(), Duration(penalty_until_ - clock_.steady_now()));
}

Task<void> RequestBudget::acquire(double cost) {
  for (;;) {
    const SteadyTime now = clock_.steady_now();
    Duration wait = penalty_left();
    if (now < spread_until_) wait = std::max(wait, Duration(last_request_ + spread_step_ - now));
    if (wait > Duration::zero()) {
      co_await clock_.sleep(wait);
      throttled_ += wait;
      continue;
    }
    refill();
    // A cost above the capacity is paid by what there is at most; the debt delays the next request.
    if (tokens_ >= std::min(cost, capacity_)) break;
    const double missing = std::min(cost, capacity_) - tokens_;
    // Rounded up, so that the wait is never in vain.
    co_await clock_.sleep(Duration(static_cast<std::int64_t>(missing / per_second_ * 1e6) + 1));
  }
  tokens_ -= cost;
  last_request_ = clock_.steady_now();
}

bool RequestBudget::ready(double cost) {
  refill();
  return !penalized() && clock_.steady_now() >= spread_until_ && tokens_ >= std::min(cost, capacity_);
}

void RequestBudget::penalize(Duration wait) { penalty_until_ = std::max(penalty_until_, clock_.steady_now() + wait); }

void RequestBudget::note_remaining(std::uint64_t remaining, Duration until_reset) {
  if (remaining >= running_short || until_reset <= Duration::zero()) {
    spread_until_ = {};
    return;
  }
  spread_step_ = until_reset / static_cast<std::int64_t>(remaining + 1);
  spread_until_ = clock_.steady_now() + until_reset;
}

}  // namespace auditferry
