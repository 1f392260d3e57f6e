#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "daemon/admin_server.h"
#include "daemon/deliverer.h"
#include "daemon/housekeeper.h"
#include "daemon/life_signs.h"
#include "daemon/live_state.h"
#include "daemon/poller.h"
#include "daemon/storage_queue.h"
#include "storage/snapshot.h"

namespace auditferry {

// What the pages show; all of it outlives them. The functions are asked each time, since parts come and go when a
// configuration is taken over.
struct AdminWorld {
  Clock& clock;
  StorageQueue& storage;
  const Settings& settings;
  const Housekeeper& housekeeper;
  const LifeSigns& life;
  std::string config = "auditferry.toml";  // its path, for commands to type
  std::function<std::vector<PollerStatus>()> pollers = {};
  std::function<std::vector<DelivererStatus>()> deliverers = {};
  // Per source, how long portals made it wait.
  std::function<std::vector<std::pair<std::string, Duration>>()> throttled = {};
};

// The pages of the running daemon: /metrics, /healthz, /readyz, /status and one for people at /. Loop thread
// only.
class DaemonPages final : public AdminPages {
 public:
  explicit DaemonPages(AdminWorld world);

  Task<AdminAnswer> get(std::string path) override;
  // Looks again and again how much has come, so that the page can tell the records of each minute. Runs until
  // cancelled.
  Task<void> count_records();
  // /readyz: true once the pollers run, false while the daemon ends.
  void set_ready(bool ready) { ready_ = ready; }

 private:
  AdminAnswer health() const;
  AdminAnswer readiness() const;
  AdminAnswer metrics(const JournalSnapshot& snapshot) const;
  AdminAnswer page(const JournalSnapshot& snapshot) const;
  AdminAnswer status(const JournalSnapshot& snapshot) const;
  LiveState live(const JournalSnapshot& snapshot) const;
  void observe(const JournalSnapshot& snapshot);

  AdminWorld world_;
  RecordRates rates_;
  bool ready_ = false;
};

}  // namespace auditferry
