#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "core/peer_settings.h"
#include "core/profile.h"
#include "core/random.h"
#include "core/task_group.h"
#include "daemon/surroundings.h"
#include "exporters/catalog.h"
#include "net/datagram_maker.h"
#include "net/file_system.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/stream_connector.h"
#include "net/tls_context.h"

namespace auditferry {

// The ways out of the process, one set for the whole program: name look-ups, certificates, connections,
// files. The daemon, `check --online` and jobs without a daemon are composed of it. Loop thread only; what
// it is given outlives it, and it outlives the clients and exporters that it equips.
class Network {
 public:
  Network(Executor loop, Clock& clock, Log& log, Random& random, const ProfileBook& profiles);

  std::unique_ptr<BeastHttpClient> http(const PeerSettings& peer);
  // What a Program is composed of. `storage_thread` outlives it.
  Surroundings surroundings(BlockingExecutor& storage_thread);
  // Everything that an exporter may use. `thread` is the exporter's own, `note` writes to the ledger.
  ExporterWorld exporter_world(BlockingExecutor& thread, std::function<void(std::string kind, std::string detail)> note);
  PosixFileSystem& files() { return files_; }
  // Certificates are read again for new connections.
  void forget_certificates() { certificates_.forget(); }
  // Ends what exporters have going on between their calls. The last thing before the loop ends.
  Task<void> end();

 private:
  Executor loop_;
  Clock& clock_;
  Log& log_;
  Random& random_;
  const ProfileBook& profiles_;
  PosixFileSystem files_;
  SystemResolver resolver_;
  TlsContexts certificates_;
  StreamConnector connector_;
  NetDatagramMaker datagrams_;
  TaskGroup tasks_;
};

}  // namespace auditferry
