#include "daemon/delivery_health.h"

#include "daemon/message_kind.h"

namespace auditferry {

DeliveryHealth::DeliveryHealth(Clock& clock, Log& log, Random& random, const ExporterSettings& settings)
    : clock_(clock),
      log_(log),
      settings_(settings),
      backoff_(random, std::chrono::seconds(1), settings.max_backoff) {
  status_.exporter = settings.name;
}

void DeliveryHealth::trouble(Verdict verdict, const std::string& reason, std::optional<Duration> retry_after,
                             std::uint64_t round, bool progressed) {
  const SteadyTime now = clock_.steady_now();
  if (progressed) backoff_.reset();
  if (round == round_) {
    ++round_;
    // Whether an operator has acted shows a slow, steady probe.
    const Duration wait = retry_after                 ? *retry_after
                          : verdict == Verdict::pause ? slow_probe()
                                                      : backoff_.next();
    not_before_ = now + wait;
  } else if (retry_after) {
    not_before_ = std::max(not_before_, SteadyTime(now + *retry_after));
  }
  trouble_ = true;
  show(verdict == Verdict::pause, reason);
}

void DeliveryHealth::show(bool paused, const std::string& reason) {
  // The far end's own words may hold another number each time.
  if (status_.problem.empty() || status_.paused != paused || message_kind(status_.problem) != message_kind(reason)) {
    if (paused) {
      log_.error(reason + " (delivery goes on by itself once this is solved; nothing is lost)", fields());
    } else {
      log_.warn(reason + "; trying again, nothing is lost", fields());
    }
  }
  status_.up = false;
  status_.paused = paused;
  status_.problem = reason;
}

void DeliveryHealth::good() {
  if (!status_.problem.empty()) log_.info("delivery works again", fields());
  status_.up = true;
  status_.paused = false;
  status_.problem.clear();
  trouble_ = false;
  backoff_.reset();
}

}  // namespace auditferry
