#include "daemon/exporter_part.h"

namespace auditferry {

ExporterWorld exporter_world(const Surroundings& surroundings, const ProfileBook& profiles, BlockingExecutor& thread, TaskGroup& tasks,
                             LedgerNote note) {
  ExporterWorld world{surroundings.loop, surroundings.clock, surroundings.log, surroundings.files, thread, std::move(note)};
  world.make_http_client = surroundings.make_http_client;
  world.connector = &surroundings.connector;
  world.datagrams = &surroundings.datagrams;
  world.random = &surroundings.random;
  world.profiles = &profiles;
  world.tasks = &tasks;
  return world;
}

ExporterPart::ExporterPart(const Surroundings& surroundings, StorageQueue& storage, Bell& published, const ProfileBook& profiles,
                           ExporterSettings settings, ExporterRow row, LedgerNote note)
    : settings_(std::move(settings)),
      thread_(surroundings.make_thread()),
      sink_tasks_(surroundings.loop),
      exporter_(surroundings.make_exporter(settings_, exporter_world(surroundings, profiles, *thread_, sink_tasks_, std::move(note)))),
      shape_(settings_, profiles, surroundings.log),
      deliverer_(std::make_unique<Deliverer>(DelivererWorld{surroundings.clock, surroundings.log, storage, surroundings.random, published},
                                             settings_, *exporter_, shape_, std::move(row))),
      delivering_(surroundings.loop) {}

void ExporterPart::cancel() {
  delivering_.cancel();
}

Task<void> ExporterPart::join() {
  co_await delivering_.join();
  sink_tasks_.cancel();
  co_await sink_tasks_.join();
}

}  // namespace auditferry
