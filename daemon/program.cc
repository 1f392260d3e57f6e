#include "daemon/program.h"

#include "daemon/load_settings.h"
#include "daemon/journal_report.h"
#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/snapshot.h"

namespace auditferry {
namespace {

// At the end of the program what is under way gets the last ten seconds, and not more than half of the time.
constexpr Duration longest_winding_up = std::chrono::seconds(10);

}  // namespace

Program::Program(Surroundings surroundings, Settings settings, RunOptions options)
    : surroundings_(std::move(surroundings)),
      clock_(surroundings_.clock),
      log_(surroundings_.log),
      settings_(std::move(settings)),
      options_(std::move(options)),
      profiles_(std::make_shared<const ProfileBook>(profile_book(settings_))),
      published_(surroundings_.loop),
      ended_(surroundings_.loop),
      job_sinks_(surroundings_.loop),
      helping_(surroundings_.loop) {}

Program::~Program() = default;

Status Program::open(const std::string& journal_path, std::atomic<std::uint64_t>* progress) {
  Result<std::unique_ptr<Journal>> opened = Journal::open(journal_path, {.progress = progress});
  if (!opened) return std::move(opened).error();
  journal_ = std::move(opened).value();
  const Result<std::optional<RecognisedCopy>> copy = recognise_copy(*journal_, clock_.now());
  if (!copy) return copy.error();
  if (*copy) log_.warn(words_for(**copy));
  const Result<bool> was_empty = journal_->note_empty_file(clock_.now());
  if (!was_empty) return was_empty.error();
  if (*was_empty) log_.warn(words_for_empty_file(journal_path));
  storage_ = std::make_unique<StorageQueue>(*journal_, surroundings_.storage_thread, clock_, surroundings_.loop);
  JsonObject detail;
  detail.text("version", AUDITFERRY_VERSION).text("config_sha256", options_.config_sha256);
  Status noted = journal_->note("start", detail.finish(), clock_.now());
  if (!noted) return noted;
  Status attached = attach_exporters();
  if (!attached) return attached;
  return make_sources();
}

// Chain 0 of the ledger, from an exporter: not worth holding anything up for.
LedgerNote Program::ledger_note() {
  return [this](std::string kind, std::string detail) {
    surroundings_.storage_thread.post([this, kind = std::move(kind), detail = std::move(detail)] {
      const Status noted = journal_->note(kind, detail, clock_.now());
      if (!noted) log_.error("the ledger could not be written: " + noted.error().message);
    });
  };
}

JobExporter Program::exporter_for_job(const ExporterSettings& exporter) {
  struct Kept {
    ExporterSettings settings;
    std::shared_ptr<const ProfileBook> profiles;
  };
  const auto kept = std::make_shared<const Kept>(Kept{exporter, profiles_});
  JobExporter made;
  made.kept = kept;
  made.settings = &kept->settings;
  made.thread = surroundings_.make_thread();
  made.shape = std::make_unique<RecordShape>(kept->settings, *kept->profiles, log_);
  made.exporter = surroundings_.make_exporter(kept->settings,
                                              exporter_world(surroundings_, *kept->profiles, *made.thread, job_sinks_, ledger_note()));
  return made;
}

Status Program::attach_exporters() {
  jobs_ = std::make_unique<Jobs>(JobWorld{clock_, log_, *storage_, surroundings_.random, settings_,
                                          [this](const ExporterSettings& exporter) { return exporter_for_job(exporter); },
                                          [this](const std::string& source, const std::string& stream) { return poller(source, stream); },
                                          [this](const std::vector<Penalty>& penalties) {
                                            for (const auto& one : sources_) obey_penalties(one->budget(), clock_, log_, one->settings(), penalties);
                                          }});
  std::vector<std::string> names;
  for (const ExporterSettings& exporter : settings_.exporters) {
    if (!exporter.enabled) continue;
    names.push_back(exporter.name);
    Result<ExporterRow> row = journal_->attach_exporter(exporter.name, exporter.type, exporter.when_full == WhenFull::hold ? "hold" : "release",
                                                        exporter.start_now);
    if (!row) return std::move(row).error();
    exporters_.push_back(std::make_unique<ExporterPart>(surroundings_, *storage_, published_, *profiles_, exporter, std::move(row).value(),
                                                        ledger_note()));
  }
  return journal_->detach_exporters_except(names);
}

RequestBudget& Program::budget_for(const SourceSettings& source, const std::vector<Penalty>& penalties) {
  const std::string key = credential_key(source);
  std::unique_ptr<RequestBudget>& budget = budgets_[key];
  if (!budget) budget = make_budget(clock_, log_, source, penalties);
  return *budget;
}

Status Program::make_sources() {
  const Result<std::vector<Penalty>> penalties = journal_->penalties(clock_.now());
  if (!penalties) return penalties.error();
  for (const SourceSettings& source : settings_.sources) {
    RequestBudget& budget = budget_for(source, *penalties);
    sources_.push_back(std::make_unique<SourcePart>(surroundings_, *storage_, published_, budget, source));
  }
  housekeeper_ = std::make_unique<Housekeeper>(clock_, log_, *storage_, surroundings_.files, surroundings_.storage_thread, settings_.journal,
                                               settings_.daemon.state_dir, pollers());
  return {};
}

std::vector<Poller*> Program::pollers() const {
  std::vector<Poller*> all;
  for (const auto& source : sources_) {
    for (const auto& poller : source->pollers()) all.push_back(poller.get());
  }
  return all;
}

Poller* Program::poller(const std::string& source, const std::string& stream) const {
  for (const auto& one : sources_) {
    if (one->settings().name == source) return one->poller(stream);
  }
  return nullptr;
}

void Program::warn_of(const InsecurePeer& peer) { log_.warn(peer.what + ": " + peer.todo, {peer.whose}); }

void Program::start() {
  for (const InsecurePeer& peer : insecure_peers(settings_)) warn_of(peer);
  helping_.spawn("housekeeping", housekeeper_->run());
  helping_.spawn("jobs", jobs_->run());
  for (const auto& exporter : exporters_) exporter->start();
  for (const auto& source : sources_) {
    if (options_.once) {
      source->start_once([this](const PollerStatus& poller, Status outcome) {
        once_outcomes_.push_back({{{"source", poller.source}, {"stream", poller.stream}}, std::move(outcome)});
        ended_.ring();
      });
    } else {
      source->start();
    }
  }
  log_.info("auditferry " AUDITFERRY_VERSION " runs: " + std::to_string(pollers().size()) + " streams, " + std::to_string(exporters_.size()) +
            " exporters");
}

void Program::stop() {
  stopping_ = true;
  ended_.ring();
}

void Program::reopen() {
  for (const auto& exporter : exporters_) exporter->reopen();
}

Task<void> Program::wait() {
  if (options_.once) {
    co_await wait_once();
  } else {
    while (!stopping_ || changing_) co_await ended_.wait();
  }
}

Task<void> Program::wait_for_pollers() {
  while (!stopping_ && once_outcomes_.size() < pollers().size()) co_await ended_.wait();
}

Task<void> Program::wait_once() {
  Task<void> all = wait_for_pollers();
  Task<void> deadline = clock_.sleep(options_.once_timeout);
  const bool in_time = co_await first_to_end(std::move(all), std::move(deadline));
  if (!in_time) {
    log_.error("--once: not every stream was polled up to now within " + format_duration(options_.once_timeout) +
               "; what came is kept, run it again to go on");
    exit_status_ = ExitStatus::failed;
  }
  for (const OnceOutcome& outcome : once_outcomes_) {
    if (outcome.status.ok()) continue;
    log_.error("not polled up to now: " + outcome.status.error().message, outcome.whose);
    exit_status_ = ExitStatus::failed;
  }
}

Task<void> Program::wait_for_deliveries() {
  for (const auto& exporter : exporters_) co_await exporter->delivered();
}

Task<void> Program::drain() {
  for (const auto& source : sources_) source->cancel();
  for (const auto& source : sources_) co_await source->join();
  const bool has_time = options_.once && !stopping_;
  // A daemon that starts again goes on with its closed files then; from one --once to the next they would only grow more.
  for (const auto& exporter : exporters_) exporter->drain(has_time);
  const Duration limit = has_time ? options_.once_timeout : settings_.daemon.shutdown_timeout;
  const Duration last = std::min(longest_winding_up, limit / 2);
  Task<void> drained = wait_for_deliveries();
  Task<void> deadline = clock_.sleep(limit - last);
  const bool in_time = co_await first_to_end(std::move(drained), std::move(deadline));
  if (!in_time) {
    for (const auto& exporter : exporters_) exporter->wind_up();
    Task<void> wound_up = wait_for_deliveries();
    Task<void> end = clock_.sleep(last);
    co_await first_to_end(std::move(wound_up), std::move(end));
    log_.warn(std::string("not everything was delivered within ") + (has_time ? "--timeout" : "shutdown_timeout") +
              "; it waits in the journal for the next start");
    if (options_.once) exit_status_ = ExitStatus::failed;
    for (const auto& exporter : exporters_) exporter->cancel();
    co_await wait_for_deliveries();
  }
  co_await judge();
}

// --once says by its exit status whether a person is needed.
Task<void> Program::judge() {
  if (!options_.once || exit_status_ != ExitStatus::done) co_return;
  auto look = [](Journal& opened) { return take_snapshot(opened); };
  const Result<JournalSnapshot> snapshot = co_await storage_->run(look);
  if (!snapshot) {
    log_.error("whether a person is needed cannot be told: " + snapshot.error().message + "; see 'auditferry status'");
    exit_status_ = ExitStatus::failed;
    co_return;
  }
  bool dead = false;
  for (const ExporterRow& row : snapshot->exporters) dead = dead || row.books.dead > 0;
  if (!snapshot->gaps.empty() || dead) {
    log_.warn("done, but " + std::to_string(snapshot->gaps.size()) + " gaps are open" + (dead ? " and there are dead letters" : "") +
              ": see 'auditferry status'");
    exit_status_ = ExitStatus::needs_a_person;
  }
}

Task<void> Program::end() {
  for (const auto& source : sources_) source->cancel();
  for (const auto& exporter : exporters_) exporter->cancel();
  helping_.cancel();
  for (const auto& source : sources_) co_await source->join();
  for (const auto& exporter : exporters_) co_await exporter->join();
  co_await helping_.join();
  job_sinks_.cancel();
  co_await job_sinks_.join();
  if (!storage_) co_return;
  // Notes for the ledger that nobody waited for.
  auto nothing = [](Journal&) { return 0; };
  co_await storage_->run(nothing);
}

}  // namespace auditferry
