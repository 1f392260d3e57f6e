#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/bell.h"
#include "core/blocking_executor.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/task.h"
#include "daemon/config_change.h"
#include "daemon/file_watch.h"
#include "daemon/load_settings.h"

namespace auditferry {

// What the reloader works on; all of it outlives it.
struct ReloadWorld {
  Executor loop;
  Clock& clock;
  Log& log;
  BlockingExecutor& thread;  // for reading files; its own, since a disk may hang
  // Reads everything; reads the secrets of a configuration again; and the fingerprint of a file
  // (daemon/file_watch.h): all are called on `thread`.
  std::function<Result<LoadedSettings>()> load;
  std::function<Result<LoadedSettings>(const LoadedSettings& running)> load_secrets;
  FingerprintLookup fingerprint;
  std::function<void()> reopen;  // files, connections, certificates
  // Makes the program run by these settings.
  std::function<Task<TakenOver>(LoadedSettings)> take_over;
  std::function<void(bool begins)> tell_manager;  // a reload begins, or has ended
};

// Takes over a configuration that was changed, on request (SIGHUP), and secrets and certificates that were
// changed, by itself within ten seconds. What is wrong is told and changes nothing; a configuration that cannot be
// taken over holds up neither secrets nor certificates of the one in use. Loop thread only.
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
  Task<Result<LoadedSettings>> read_secrets();
  Task<bool> take(LoadedSettings settings, std::string refusal);
  Task<void> take_secrets(std::string told);
  void refuse(const std::string& first_line, const std::vector<TakeOverProblem>& problems);

  ReloadWorld world_;
  LoadedSettings running_;
  FileWatch watch_;
  Bell requested_bell_;
  bool requested_ = false;
  bool first_ = true;
};

}  // namespace auditferry
