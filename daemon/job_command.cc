#include "daemon/job_command.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <random>

#include "core/task_group.h"
#include "daemon/command_output.h"
#include "daemon/housekeeper.h"
#include "daemon/jobs.h"
#include "daemon/journal_report.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/logger.h"
#include "daemon/source_part.h"
#include "exporters/catalog.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "storage/journal_copy.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

constexpr Duration ask_every = std::chrono::milliseconds(300);

ExitStatus tell_end(JobState state, const std::string& words, const ReportSink& sink) {
  if (state == JobState::failed) return complain(plain(words));
  sink(plain(words) + "\n");
  return state == JobState::done ? ExitStatus::done : ExitStatus::needs_a_person;
}

template <class Start>
void run_loop(boost::asio::io_context& loop, Start start) {
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, start(), [&](std::exception_ptr exception) {
    failure = exception;
    loop.stop();
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
}

Task<void> follow(JobClient& client, Clock& clock, const Settings& settings, std::int64_t job_id,
                  const ReportSink& sink, ExitStatus& status) {
  std::string shown;
  for (;;) {
    const Result<JobRow> job = client.look(job_id);
    if (!job) {
      status = complain(job.error().message);
      co_return;
    }
    if (job->state != JobState::queued && job->state != JobState::running) {
      status = tell_end(job->state, job->progress, sink);
      co_return;
    }
    if (job->progress != shown) sink(plain(job->progress) + "\n");
    shown = job->progress;
    if (!StateDir::owner(settings.daemon.state_dir)) {
      status = complain("the daemon has ended before job " + std::to_string(job_id) +
                        " was done; it takes it up at its next start if it had not begun");
      co_return;
    }
    co_await clock.sleep(ask_every);
  }
}

ExitStatus ask_daemon(const Settings& settings, const std::string& kind, const std::string& argument,
                      const ReportSink& sink) {
  boost::asio::io_context loop{1};
  SystemClock clock;
  Result<std::unique_ptr<JobClient>> client = JobClient::open(settings.daemon.state_dir + "/journal.db");
  if (!client) return complain(client.error().message);
  const Result<std::int64_t> job_id = (*client)->add(kind, argument, clock.now());
  if (!job_id) return complain(job_id.error().message);
  ExitStatus status = ExitStatus::failed;
  run_loop(loop, [&] { return follow(**client, clock, settings, *job_id, sink, status); });
  return status;
}

// Everything that a job needs without a daemon, taken down in order.
struct Offline {
  Offline(const Settings& settings_in, Journal& journal, std::vector<Penalty> penalties_in)
      : settings(settings_in),
        log(settings.daemon.log_level, settings.daemon.log_json),
        random(std::random_device{}()),
        storage(journal, storage_thread, clock, loop.get_executor()),
        profiles(profile_book(settings)),
        jobs({clock, log, storage, random, settings,
              [this](const ExporterSettings& exporter) { return make(exporter); },
              [this](const std::string& source, const std::string& stream) { return poller(source, stream); }}),
        penalties(std::move(penalties_in)) {}

  JobExporter make(const ExporterSettings& exporter) {
    JobExporter made;
    made.settings = &exporter;
    made.thread = std::make_unique<ThreadExecutor>(1);
    made.shape = std::make_unique<RecordShape>(exporter, profiles, log);
    made.exporter = make_exporter(exporter, network.exporter_world(*made.thread, [](std::string, std::string) {}));
    return made;
  }
  // The source is made when it is asked for first; with it the journal is kept within its bounds.
  Poller* poller(const std::string& source, const std::string& stream) {
    if (part && part->settings().name == source) return part->poller(stream);
    for (const SourceSettings& one : settings.sources) {
      if (part || one.name != source) continue;
      budget = make_budget(clock, log, one, penalties);
      part = std::make_unique<SourcePart>(surroundings, storage, published, *budget, one);
      std::vector<Poller*> pollers;
      for (const auto& made : part->pollers()) pollers.push_back(made.get());
      housekeeper = std::make_unique<Housekeeper>(clock, log, storage, network.files(), storage_thread, settings.journal,
                                                  settings.daemon.state_dir, std::move(pollers));
      tasks.spawn("housekeeping", housekeeper->run());
      part->start_backfills();
    }
    return part ? part->poller(stream) : nullptr;
  }
  Task<void> carry_out(JobRow job, JobOutcome& outcome) {
    outcome = co_await jobs.carry_out(std::move(job));
    tasks.cancel();
    if (part) part->cancel();
    co_await tasks.join();
    if (part) co_await part->join();
    co_await network.end();
  }

  const Settings& settings;
  boost::asio::io_context loop{1};
  SystemClock clock;
  StderrLog log;
  Random random;
  ThreadExecutor storage_thread{1};
  StorageQueue storage;
  ProfileBook profiles;
  Network network{loop.get_executor(), clock, log, random, profiles};
  Bell published{loop.get_executor()};
  Surroundings surroundings = network.surroundings(storage_thread);
  std::unique_ptr<RequestBudget> budget;
  std::unique_ptr<SourcePart> part;  // of the one source that a job asks; nothing: no portal is asked
  std::unique_ptr<Housekeeper> housekeeper;
  TaskGroup tasks{loop.get_executor()};
  Jobs jobs;
  const std::vector<Penalty> penalties;  // the waits that no request may break
};

ExitStatus do_it_here(const Settings& settings, StateDir state_dir, const std::string& kind,
                      const std::string& argument, const ReportSink& sink) {
  Result<std::unique_ptr<Journal>> journal = Journal::open(state_dir.journal_path());
  if (!journal) return complain(journal.error().message);
  const Result<std::optional<RecognisedCopy>> copy = recognise_copy(**journal, SystemClock().now());
  if (!copy) return complain(copy.error().message);
  const Result<bool> was_empty = (*journal)->note_empty_file(SystemClock().now());
  if (!was_empty) return complain(was_empty.error().message);
  if (*was_empty) std::fprintf(stderr, "auditferry: %s\n", words_for_empty_file(state_dir.journal_path()).c_str());
  Result<std::vector<Penalty>> penalties = (*journal)->penalties(SystemClock().now());
  // The other kinds ask no portal.
  if (!penalties && kind == "backfill")
    return complain("the waits that portals have asked for cannot be read, and asking might break one: " + penalties.error().message);
  JobOutcome outcome;
  {
    Offline offline(settings, **journal, penalties ? std::move(penalties).value() : std::vector<Penalty>());
    const Result<std::int64_t> job_id = add_job(**journal, kind, argument, offline.clock.now());
    if (!job_id) return complain(job_id.error().message);
    JobRow job{*job_id, kind, argument, JobState::queued, ""};
    run_loop(offline.loop, [&] { return offline.carry_out(std::move(job), outcome); });
  }
  const Status closed = (*journal)->close();
  if (!closed)
    std::fprintf(stderr, "auditferry: the journal was not closed in order: %s\n",
                 closed.error().message.c_str());
  return tell_end(outcome.state, outcome.words, sink);
}

}  // namespace

ExitStatus do_job(const Settings& settings, const std::string& kind, const std::string& argument,
                  const ReportSink& sink) {
  if (StateDir::owner(settings.daemon.state_dir)) return ask_daemon(settings, kind, argument, sink);
  // A backfill may be the first that is ever done. A new journal has nothing that the others are about: the state_dir is
  // mistyped, or another user's.
  if (kind != "backfill") {
    const Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
    if (!reader && reader.error().kind == ErrorKind::not_found) return complain(reader.error().message);
  }
  Result<StateDir> state_dir = StateDir::acquire(settings.daemon.state_dir);
  if (!state_dir) return complain(state_dir.error().message);
  return do_it_here(settings, std::move(state_dir).value(), kind, argument, sink);
}

}  // namespace auditferry
