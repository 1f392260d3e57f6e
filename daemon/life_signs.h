#pragma once

#include <optional>
#include <string>

#include "core/clock.h"
#include "core/time.h"
#include "daemon/storage_queue.h"

namespace auditferry {

// Whether the program is alive: the loop turns, and the storage thread has done a job within the last
// minute. This is what /healthz, systemd's watchdog and `auditferry health` go by. It says nothing of portals
// and far ends: starting anew would not mend them, and they must not get the process killed.
// Loop thread only; clock and storage outlive it.
class LifeSigns {
 public:
  // Each sign is also written to `file`, for `auditferry health`; "": nowhere.
  LifeSigns(Clock& clock, StorageQueue& storage, std::string file);

  // Asks the storage thread for a sign again and again. Runs until cancelled.
  Task<void> watch();
  // Does not wait for anything.
  bool storage_answers() const;

  static constexpr Duration watch_every = std::chrono::seconds(10);
  static constexpr Duration longest_silence = std::chrono::seconds(60);

 private:
  Clock& clock_;
  StorageQueue& storage_;
  std::string file_;
  SteadyTime answered_;
};

// The last sign of a process, as its state directory holds it.
struct LifeSign {
  int process = 0;
  // On the steady clock, which all processes share until the machine starts anew.
  SteadyTime at{};
};

// state_dir/alive
std::string life_sign_path(const std::string& state_dir);
// Overwrites in place with the same number of bytes, so that a full disk does not stop it. A failure is not
// told: it would look as the absence of life does.
void write_life_sign(const std::string& path, const LifeSign& sign);
// Nothing: there is none, or it cannot be read.
std::optional<LifeSign> read_life_sign(const std::string& path);

}  // namespace auditferry
