#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/bell.h"
#include "core/task_group.h"
#include "daemon/config_change.h"
#include "daemon/exporter_part.h"
#include "daemon/housekeeper.h"
#include "daemon/insecure_peers.h"
#include "daemon/jobs.h"
#include "daemon/request_budget.h"
#include "daemon/run_options.h"
#include "daemon/source_part.h"
#include "daemon/storage_queue.h"
#include "daemon/surroundings.h"

namespace auditferry {

// The whole program but for the operating system (threads, signals, systemd, the admin listener: those are
// daemon/daemon.cc): journal, pollers, deliverers, jobs and housekeeping on one loop. Everything from outside
// comes in through the surroundings, so the simulation runs it under virtual time.
//
// open(), start(), wait(), drain(), end(), close(), in this order. Loop thread only.
class Program {
 public:
  // `surroundings` are copied; what they refer to outlives it.
  Program(Surroundings surroundings, Settings settings, RunOptions options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Opens the journal, attaches exporters, makes the parts. Blocks. The caller holds the state directory. After
  // an error only the destructor may follow.
  // `progress`: see Journal::open().
  Status open(const std::string& journal_path, std::atomic<std::uint64_t>* progress = nullptr);
  void start();
  // Until stop(), or with `once` until everything is polled or the time is over.
  Task<void> wait();
  // No more polling; delivers what is in the journal, at most for shutdown_timeout.
  Task<void> drain();
  // Whatever still runs is cancelled and awaited. Without drain() before it, this is the quickest end that there
  // is; nothing is lost by it.
  Task<void> end();
  Status close() { return journal_->close(); }

  // wait() returns. Called again, or while draining: nothing more.
  void stop();
  bool stopping() const { return stopping_; }
  // A configuration that was read anew: stops what it does not hold any more or holds otherwise, and starts what it
  // holds newly or otherwise; the rest is not touched. Positions, cursors and walks are the journal's and go on.
  // Says in words what has changed, nothing if nothing has. Problems: what needs a restart (then nothing was done), or
  // parts that could not be started (the rest was done; they are tried again by the next call).
  // Precondition: not `once`. One call at a time; may not be cancelled, drain() waits for its end.
  Task<TakenOver> take_over(Settings after, std::string config_sha256);
  // SIGHUP: exporters open their files and connections anew.
  void reopen();

  ExitStatus exit_status() const { return exit_status_; }
  StorageQueue& storage() { return *storage_; }
  const Settings& settings() const { return settings_; }
  const Housekeeper& housekeeper() const { return *housekeeper_; }
  const std::vector<std::unique_ptr<SourcePart>>& sources() const { return sources_; }
  const std::vector<std::unique_ptr<ExporterPart>>& exporters() const { return exporters_; }

 private:
  Status attach_exporters();
  // program_reload.cc
  Task<void> stop_parts(const ConfigChange& change);
  static Task<void> wait_for(const std::vector<ExporterPart*>& exporters);
  Task<std::vector<TakeOverProblem>> start_exporters(const ConfigChange& change);
  Task<Status> start_exporter(const ExporterSettings& exporter);
  Task<std::vector<TakeOverProblem>> start_sources(const ConfigChange& change);
  Task<void> note_configuration(const std::string& words);
  Status make_sources();
  void warn_of(const InsecurePeer& peer);
  RequestBudget& budget_for(const SourceSettings& source, const std::vector<Penalty>& penalties);
  JobExporter exporter_for_job(const ExporterSettings& exporter);
  LedgerNote ledger_note();
  std::vector<Poller*> pollers() const;
  Poller* poller(const std::string& source, const std::string& stream) const;
  Task<void> wait_for_pollers();
  Task<void> wait_for_deliveries();
  Task<void> wait_once();
  Task<void> judge();

  // Members are destroyed from the last to the first: what others refer to stands first.
  const Surroundings surroundings_;
  Clock& clock_;
  Log& log_;
  Settings settings_;
  RunOptions options_;
  std::shared_ptr<const ProfileBook> profiles_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  Bell published_;
  Bell ended_;  // rung when stop() was called, and when a part has ended by itself
  std::map<std::string, std::unique_ptr<RequestBudget>> budgets_;  // per host and credential
  std::vector<std::unique_ptr<SourcePart>> sources_;
  std::vector<std::unique_ptr<ExporterPart>> exporters_;
  TaskGroup job_sinks_;  // what exporters of jobs have going on between their calls
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<Housekeeper> housekeeper_;
  TaskGroup helping_;
  struct OnceOutcome {
    std::vector<LogField> whose;
    Status status;
  };
  std::vector<OnceOutcome> once_outcomes_;
  bool stopping_ = false;
  bool changing_ = false;  // take_over() is under way
  ExitStatus exit_status_ = ExitStatus::done;
};

}  // namespace auditferry
