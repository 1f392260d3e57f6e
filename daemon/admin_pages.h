#pragma once

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
#include "daemon/poller.h"
#include "daemon/request_budget.h"
#include "daemon/storage_queue.h"
#include "storage/snapshot.h"

namespace auditferry {

// What the pages show; all of it outlives them.
struct AdminWorld {
  Clock& clock;
  StorageQueue& storage;
  const Settings& settings;
  const Housekeeper& housekeeper;
  const LifeSigns& life;
  std::vector<const Poller*> pollers;
  std::vector<const Deliverer*> deliverers;
  std::vector<std::pair<std::string, const RequestBudget*>> budgets;  // per source; each pair once
};

// The pages of the running daemon: /metrics, /healthz, /readyz, /status and one for people at /. Loop thread
// only.
class DaemonPages final : public AdminPages {
 public:
  explicit DaemonPages(AdminWorld world);

  Task<AdminAnswer> get(std::string path) override;
  // /readyz: true once the pollers run, false while the daemon ends.
  void set_ready(bool ready) { ready_ = ready; }

 private:
  AdminAnswer health() const;
  AdminAnswer readiness() const;
  AdminAnswer metrics(const JournalSnapshot& snapshot) const;
  AdminAnswer page(const JournalSnapshot& snapshot) const;

  AdminWorld world_;
  bool ready_ = false;
};

// For the page: markup and control characters (line ends but for '\n' are some) made harmless.
std::string escape_html(std::string_view text);

// A whole page. `needs` empty: all is in order. Pure.
std::string render_admin_page(const std::vector<std::string>& needs, std::string_view status);

}  // namespace auditferry
