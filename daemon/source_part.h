#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/bell.h"
#include "core/task_group.h"
#include "daemon/poller.h"
#include "daemon/request_budget.h"
#include "daemon/storage_queue.h"
#include "daemon/surroundings.h"

namespace auditferry {

// A budget for the source's credential and host. What the portal has asked to wait earlier goes on.
std::unique_ptr<RequestBudget> make_budget(Clock& clock, Log& log, const SourceSettings& source, const std::vector<Penalty>& penalties);

// Waits that portals have asked for, as the journal has them, for a budget of this source.
void obey_penalties(RequestBudget& budget, Clock& clock, Log& log, const SourceSettings& source, const std::vector<Penalty>& penalties);

// One source with everything that is its own: settings, connections, a poller per stream, and their tasks.
// Made, started and ended by itself, also while the rest of the program runs. Loop thread only; what it is
// given outlives it.
class SourcePart {
 public:
  SourcePart(const Surroundings& surroundings, StorageQueue& storage, Bell& published, RequestBudget& budget, SourceSettings settings);
  SourcePart(const SourcePart&) = delete;
  SourcePart& operator=(const SourcePart&) = delete;

  // Polls until end().
  void start();
  // Polls every stream up to now; `done` is called once for each, unless it was cancelled.
  void start_once(std::function<void(const PollerStatus& poller, Status outcome)> done);
  // Nothing but backfills that are asked for (Poller::begin_backfill).
  void start_backfills();
  // Asks its tasks to end at their next co_await; join() waits for them. Once it has returned the part may be
  // destroyed. What was fetched is in the journal; an answer that is under way is asked for again later.
  void cancel() { tasks_.cancel(); }
  Task<void> join() { co_await tasks_.join(); }

  const SourceSettings& settings() const { return settings_; }
  const std::vector<std::unique_ptr<Poller>>& pollers() const { return pollers_; }
  // Null: the source has no such stream.
  Poller* poller(const std::string& stream) const;
  RequestBudget& budget() const { return budget_; }

 private:
  static Task<void> poll_once(Poller& poller, std::function<void(const PollerStatus&, Status)> done);

  const SourceSettings settings_;
  RequestBudget& budget_;
  std::unique_ptr<HttpClient> client_;
  std::vector<std::unique_ptr<Poller>> pollers_;
  TaskGroup tasks_;
};

}  // namespace auditferry
