#include "daemon/network.h"

#include "daemon/exporter_part.h"
#include "net/proxy.h"
#include "net/thread_executor.h"

namespace auditferry {

Network::Network(Executor loop, Clock& clock, Log& log, Random& random, const ProfileBook& profiles)
    : loop_(loop),
      clock_(clock),
      log_(log),
      random_(random),
      profiles_(profiles),
      resolver_(loop, clock),
      connector_(loop, clock, resolver_, certificates_),
      datagrams_(loop, resolver_),
      tasks_(loop) {}

std::unique_ptr<BeastHttpClient> Network::http(const PeerSettings& peer) {
  return std::make_unique<BeastHttpClient>(loop_, clock_, resolver_, certificates_, proxy_environment(), peer, log_);
}

Surroundings Network::surroundings(BlockingExecutor& storage_thread) {
  return Surroundings{loop_,       clock_,         log_, random_, files_, connector_, datagrams_, storage_thread,
                      [] { return std::make_unique<ThreadExecutor>(1); },
                      [this](const PeerSettings& peer) { return http(peer); }};
}

ExporterWorld Network::exporter_world(BlockingExecutor& thread, std::function<void(std::string, std::string)> note) {
  // Exporters do not touch the storage thread: any will do for it.
  return auditferry::exporter_world(surroundings(thread), profiles_, thread, tasks_, std::move(note));
}

Task<void> Network::end() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace auditferry
