#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/log.h"
#include "core/result.h"

namespace auditferry {

struct RunOptions {
  bool once = false;                               // poll up to now, deliver everything, end
  Duration once_timeout = std::chrono::minutes(10);
  std::string config_sha256;                       // for the ledger
};

enum class ExitStatus { done = 0, failed = 1, usage = 2, needs_a_person = 3 };

// The whole program at work: builds every part, runs the loop in the calling thread until a signal (or
// until everything is done, with `once`), and takes it down in order.
class Daemon {
 public:
  Daemon(const Settings& settings, Log& log, RunOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Takes the state directory, opens the journal, attaches exporters. An error ends the start.
  Status start();
  // Precondition: start() succeeded. SIGTERM and SIGINT end it after what is in the journal has been
  // delivered, within shutdown_timeout; a second one ends the process at once. SIGHUP reopens files.
  ExitStatus run();

 private:
  struct World;
  std::unique_ptr<World> world_;
};

}  // namespace auditferry
