#pragma once

#include <functional>
#include <memory>

#include "core/blocking_executor.h"
#include "core/byte_stream.h"
#include "core/clock.h"
#include "core/file_system.h"
#include "core/http_client.h"
#include "core/log.h"
#include "core/random.h"
#include "core/task.h"
#include "exporters/catalog.h"

namespace auditferry {

// Everything that the program touches of the world outside, as ports: the real ones come from Network
// (daemon/network.h), the simulation's from tests/simulation. All of it outlives the program. What is made
// by the functions belongs to the caller. Loop thread only.
struct Surroundings {
  Executor loop;
  Clock& clock;
  Log& log;
  Random& random;
  FileSystem& files;
  Connector& connector;
  DatagramMaker& datagrams;
  BlockingExecutor& storage_thread;  // SQLite's: one thread, jobs in order
  // A thread for one exporter's blocking writes.
  std::function<std::unique_ptr<BlockingExecutor>()> make_thread;
  std::function<std::unique_ptr<HttpClient>(const PeerSettings& peer)> make_http_client;
  // Of the catalog, unless a test has types of its own.
  std::function<std::unique_ptr<Exporter>(const ExporterSettings& settings, ExporterWorld world)> make_exporter = auditferry::make_exporter;
};

}  // namespace auditferry
