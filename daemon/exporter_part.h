#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/settings.h"
#include "core/bell.h"
#include "core/task_group.h"
#include "daemon/deliverer.h"
#include "daemon/record_shape.h"
#include "daemon/storage_queue.h"
#include "daemon/surroundings.h"

namespace auditferry {

// What an exporter writes to the ledger (chain 0): kind and a JSON object.
using LedgerNote = std::function<void(std::string kind, std::string detail)>;

// What one exporter may use of the surroundings. `thread` is its own; `tasks` is ended by its owner after
// the exporter's end.
ExporterWorld exporter_world(const Surroundings& surroundings, const ProfileBook& profiles, BlockingExecutor& thread, TaskGroup& tasks,
                             LedgerNote note);

// One exporter with everything that is its own: settings, thread, sink, deliverer, and their tasks. Made,
// started and ended by itself, also while the rest of the program runs. Loop thread only; what it is given
// outlives it.
class ExporterPart {
 public:
  // `row` is what Journal::attach_exporter gave for settings.name.
  ExporterPart(const Surroundings& surroundings, StorageQueue& storage, Bell& published, const ProfileBook& profiles,
               ExporterSettings settings, ExporterRow row, LedgerNote note);
  ExporterPart(const ExporterPart&) = delete;
  ExporterPart& operator=(const ExporterPart&) = delete;

  // Delivers until drain() or cancel().
  void start() { delivering_.spawn("exporter " + settings_.name, deliverer_->run()); }
  // From now on: delivers what is in the journal, closes the sink, ends. delivered() returns then. `with_care`: see
  // Deliverer.
  void drain(bool with_care) { deliverer_->drain(with_care); }
  // The last moments: nothing new is written, what is under way is brought to its end.
  void wind_up() { deliverer_->wind_up(); }
  Task<void> delivered() { co_await delivering_.join(); }
  // Asks its tasks to end at their next co_await; join() waits for them, with what the sink has going on
  // between its calls. Once it has returned the part may be destroyed.
  void cancel();
  Task<void> join();
  // SIGHUP: files and connections are opened anew.
  void reopen() { deliverer_->reopen(); }

  const ExporterSettings& settings() const { return settings_; }
  const Deliverer& deliverer() const { return *deliverer_; }

 private:
  const ExporterSettings settings_;
  std::unique_ptr<BlockingExecutor> thread_;
  TaskGroup sink_tasks_;
  std::unique_ptr<Exporter> exporter_;
  RecordShape shape_;
  std::unique_ptr<Deliverer> deliverer_;
  TaskGroup delivering_;
};

}  // namespace auditferry
