#include "daemon/source_part.h"

#include "daemon/portal_session.h"

namespace auditferry {

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

void SourcePart::start_once(std::function<void(Status)> done) {
  for (const auto& poller : pollers_) tasks_.spawn("poller", poll_once(*poller, done));
}

Task<void> SourcePart::poll_once(Poller& poller, std::function<void(Status)> done) {
  Status outcome = co_await poller.run_once();
  done(std::move(outcome));
}

}  // namespace auditferry
