#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/bell.h"
#include "core/blocking_executor.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/task.h"
#include "daemon/file_watch.h"
#include "daemon/load_settings.h"

namespace auditferry {

// What the reloader works on; all of it outlives it.
struct ReloadWorld {
  Executor loop;
  Clock& clock;
  Log& log;
  BlockingExecutor& thread;  // for reading files; its own, since a disk may hang
  // Reads everything, and the fingerprint of a file (daemon/file_watch.h): both are called on `thread`.
  std::function<Result<LoadedSettings>()> load;
  FingerprintLookup fingerprint;
  std::function<void()> reopen;  // files, connections, certificates
  // Makes the program run by these settings. What it says is for the log; nothing: there is nothing to say.
  std::function<Task<Result<std::string>>(LoadedSettings)> take_over;
  std::function<void(bool begins)> tell_manager;  // a reload begins, or has ended
};

// Takes over a configuration that was changed, on request (SIGHUP), and secrets and certificates that were
// changed, by itself within ten seconds. What is wrong is told and changes nothing. Loop thread only.
class Reloader {
 public:
  // `running`: what the program was started with.
  Reloader(ReloadWorld world, const LoadedSettings& running);

  // SIGHUP. Requests that come while one is carried out are one more.
  void request();
  // Until it is cancelled. It may be cancelled only while nothing is being taken over.
  Task<void> run();

 private:
  Task<void> wait();
  Task<void> reload();
  Task<void> look_at_files();
  Task<Result<LoadedSettings>> read();
  Task<void> take(LoadedSettings settings);
  void refuse(const std::string& first_line, const std::string& errors);

  ReloadWorld world_;
  std::string text_sha256_;         // of the configuration in use
  std::vector<std::string> files_;  // that are watched
  FileWatch watch_;
  Bell requested_bell_;
  bool requested_ = false;
  bool first_ = true;
};

}  // namespace auditferry
