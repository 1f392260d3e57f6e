#include "daemon/source_part.h"

#include <algorithm>

#include "daemon/portal_session.h"
#include "encoding/time_format.h"

namespace auditferry {

std::unique_ptr<RequestBudget> make_budget(Clock& clock, Log& log, const SourceSettings& source, const std::vector<Penalty>& penalties) {
  auto budget = std::make_unique<RequestBudget>(clock, source.requests_per_minute);
  obey_penalties(*budget, clock, log, source, penalties);
  return budget;
}

void obey_penalties(RequestBudget& budget, Clock& clock, Log& log, const SourceSettings& source, const std::vector<Penalty>& penalties) {
  for (const Penalty& penalty : penalties) {
    if (penalty.credential != credential_key(source)) continue;
    // A wall clock that was set back must not make a penalty longer than any that is obeyed.
    const Duration left = std::min(Duration(penalty.until - clock.now()), source.max_retry_after);
    if (left <= budget.penalty_left()) continue;
    budget.penalize(left);
    log.info("the portal's wait from before goes on for " + format_duration(std::chrono::duration_cast<std::chrono::seconds>(left)),
             {{"source", source.name}});
  }
}

SourcePart::SourcePart(const Surroundings& surroundings, StorageQueue& storage, Bell& published, RequestBudget& budget, SourceSettings settings)
    : settings_(std::move(settings)), budget_(budget), client_(surroundings.make_http_client(settings_.peer)), tasks_(surroundings.loop) {
  for (const StreamSettings& stream : settings_.streams) {
    const PollerWorld world{surroundings.clock, surroundings.log, storage, *client_, budget_, surroundings.random, published,
                            credential_key(settings_)};
    pollers_.push_back(std::make_unique<Poller>(world, settings_, stream));
  }
}

void SourcePart::start() {
  for (const auto& poller : pollers_) tasks_.spawn("poller", poller->run());
}

void SourcePart::start_backfills() {
  for (const auto& poller : pollers_) tasks_.spawn("backfills", poller->run_backfills());
}

Poller* SourcePart::poller(const std::string& stream) const {
  for (const auto& poller : pollers_) {
    if (poller->status().stream == stream) return poller.get();
  }
  return nullptr;
}

void SourcePart::start_once(std::function<void(const PollerStatus&, Status)> done) {
  for (const auto& poller : pollers_) tasks_.spawn("poller", poll_once(*poller, done));
}

Task<void> SourcePart::poll_once(Poller& poller, std::function<void(const PollerStatus&, Status)> done) {
  Status outcome = co_await poller.run_once();
  done(poller.status(), std::move(outcome));
}

}  // namespace auditferry
