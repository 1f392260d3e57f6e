#pragma once

#include <memory>

#include "core/log.h"
#include "core/result.h"
#include "daemon/load_settings.h"
#include "daemon/run_options.h"

namespace auditferry {

// The program at work on this machine: what is the operating system's (threads, signals, systemd, the admin
// listener) around a Program (daemon/program.h). Runs the loop in the calling thread until a signal (or until
// everything is done, with `once`), and takes everything down in order.
class Daemon {
 public:
  Daemon(const LoadedSettings& loaded, Log& log, RunOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Takes the state directory, opens the journal, attaches exporters. An error ends the start.
  Status start();
  // Precondition: start() succeeded. SIGTERM and SIGINT end it after what is in the journal has been
  // delivered, within shutdown_timeout; a second one ends the process at once. SIGHUP takes the configuration over
  // again (daemon/reloader.h), unless `once`.
  ExitStatus run();

 private:
  struct World;
  std::unique_ptr<World> world_;
};

}  // namespace auditferry
