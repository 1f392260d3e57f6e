#include "daemon/network.h"

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
  ExporterWorld world{loop_, clock_, log_, files_, thread, std::move(note)};
  world.make_http_client = [this](const PeerSettings& peer) { return http(peer); };
  world.connector = &connector_;
  world.datagrams = &datagrams_;
  world.random = &random_;
  world.profiles = &profiles_;
  world.tasks = &tasks_;
  return world;
}

Task<void> Network::end() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace auditferry
