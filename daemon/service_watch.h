#pragma once
// What the service manager is told while the daemon runs (sd_notify(3)).

#include <functional>
#include <optional>
#include <string>

#include "config/settings.h"
#include "core/clock.h"
#include "daemon/life_signs.h"
#include "daemon/status_report.h"
#include "daemon/storage_queue.h"
#include "storage/snapshot.h"

namespace auditferry {

// "2 streams, lag 4s, 12 records waiting": of what is configured; and what needs a person. Pure.
std::string service_status_line(const JournalSnapshot& snapshot, const StatusContext& context);

// Loop thread only; what it is given outlives it.
class ServiceWatch {
 public:
  using Tell = std::function<void(const std::string&)>;
  struct World {
    Clock& clock;
    StorageQueue& storage;
    const LifeSigns& life;
    const Settings& settings;
  };

  ServiceWatch(World world, Tell tell_status, std::function<void()> tell_alive)
      : world_(world), tell_status_(std::move(tell_status)), tell_alive_(std::move(tell_alive)) {}

  // A sign for the watchdog each `every`, but only while the storage thread answers: what hangs for good is
  // to be ended and started anew. Runs until cancelled.
  Task<void> keep_alive(Duration every);
  // The status line, renewed now and then. Runs until cancelled.
  Task<void> keep_status();

  static constexpr Duration status_every = std::chrono::seconds(15);

 private:
  World world_;
  Tell tell_status_;
  std::function<void()> tell_alive_;
};

}  // namespace auditferry
