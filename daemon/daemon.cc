#include "daemon/daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "core/task_group.h"
#include "daemon/admin_pages.h"
#include "daemon/admin_server.h"
#include "daemon/deliverer.h"
#include "daemon/housekeeper.h"
#include "daemon/jobs.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/poller.h"
#include "daemon/service_manager.h"
#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "net/datagram_maker.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "storage/snapshot.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

// Members are destroyed from the last to the first: what others refer to stands first.
struct Daemon::World {
  World(const Settings& settings_in, Log& log_in, RunOptions options_in)
      : settings(settings_in), log(log_in), options(std::move(options_in)), random(random_seed()), published(loop.get_executor()),
        ended(loop.get_executor()) {}

  // An exporter with everything that is its own.
  struct Delivery {
    const ExporterSettings* settings = nullptr;
    std::unique_ptr<ThreadExecutor> thread;
    std::unique_ptr<Exporter> exporter;
    std::unique_ptr<RecordShape> shape;
    std::unique_ptr<Deliverer> deliverer;
  };

  const Settings& settings;
  Log& log;
  RunOptions options;
  Random random;
  boost::asio::io_context loop{1};
  SystemClock clock;
  std::optional<StateDir> state_dir;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<ThreadExecutor> storage_thread;
  std::unique_ptr<StorageQueue> storage;
  Bell published;
  Bell ended;  // rung when a signal has come, and when a part has ended by itself
  ProfileBook profiles;
  Network network{loop.get_executor(), clock, log, random, profiles};
  std::map<std::string, std::unique_ptr<RequestBudget>> budgets;  // per host and credential
  std::vector<std::unique_ptr<BeastHttpClient>> clients;
  std::vector<std::unique_ptr<Poller>> pollers;
  std::vector<Delivery> deliveries;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<Housekeeper> housekeeper;
  std::unique_ptr<DaemonPages> admin_pages;  // nothing: admin.listen is ""
  std::unique_ptr<AdminServer> admin_server;
  std::unique_ptr<TaskGroup> polling;
  std::unique_ptr<TaskGroup> delivering;
  std::unique_ptr<TaskGroup> helping;
  std::vector<Status> once_outcomes;
  bool stopping = false;
  ExitStatus exit_status = ExitStatus::done;

  Status open_journal();
  ExporterWorld exporter_world(BlockingExecutor& thread);
  JobExporter exporter_for_job(const ExporterSettings& exporter);
  Status attach_exporters();
  void build_pollers();
  Status open_admin();
  void start_admin();
  void stop_admin();
  Result<std::vector<Penalty>> stored_penalties() { return journal->penalties(clock.now()); }
  void note(std::string kind, std::string detail);

  Task<void> main();
  Task<void> watch_signals();
  Task<void> keep_watchdog();
  Task<void> poll_once(Poller& poller);
  Task<void> wait_for_pollers();
  Task<void> wait_until_stopping();
  Task<void> wait_for_end(Duration limit);
  Task<void> shut_down();
  Task<void> judge();
};

Daemon::Daemon(const Settings& settings, Log& log, RunOptions options) : world_(std::make_unique<World>(settings, log, std::move(options))) {}
Daemon::~Daemon() = default;

Status Daemon::start() {
  World& world = *world_;
  Status opened = world.open_journal();
  if (!opened) return opened;
  Status attached = world.attach_exporters();
  if (!attached) return attached;
  world.build_pollers();
  return world.open_admin();
}

Status Daemon::World::open_journal() {
  Result<StateDir> acquired = StateDir::acquire(settings.daemon.state_dir);
  if (!acquired) return std::move(acquired).error();
  state_dir = std::move(acquired).value();
  Result<std::unique_ptr<Journal>> opened = Journal::open(state_dir->journal_path());
  if (!opened) return std::move(opened).error();
  journal = std::move(opened).value();
  storage_thread = std::make_unique<ThreadExecutor>(1);
  storage = std::make_unique<StorageQueue>(*journal, *storage_thread, clock, loop.get_executor());
  JsonObject detail;
  detail.text("version", AUDITFERRY_VERSION).text("config_sha256", options.config_sha256);
  return journal->note("start", detail.finish(), clock.now());
}

// Chain 0 of the ledger, from an exporter: not worth holding anything up for.
void Daemon::World::note(std::string kind, std::string detail) {
  storage_thread->post([this, kind = std::move(kind), detail = std::move(detail)] {
    const Status noted = journal->note(kind, detail, clock.now());
    if (!noted) log.error("the ledger could not be written: " + noted.error().message);
  });
}

ExporterWorld Daemon::World::exporter_world(BlockingExecutor& thread) {
  return network.exporter_world(thread, [this](std::string kind, std::string detail) { note(std::move(kind), std::move(detail)); });
}

JobExporter Daemon::World::exporter_for_job(const ExporterSettings& exporter) {
  JobExporter made;
  made.settings = &exporter;
  made.thread = std::make_unique<ThreadExecutor>(1);
  made.shape = std::make_unique<RecordShape>(exporter, profiles, log);
  made.exporter = make_exporter(exporter, exporter_world(*made.thread));
  return made;
}

Status Daemon::World::attach_exporters() {
  profiles = profile_book(settings);
  jobs = std::make_unique<Jobs>(
      JobWorld{clock, log, *storage, random, settings, [this](const ExporterSettings& exporter) { return exporter_for_job(exporter); }});
  std::vector<std::string> names;
  for (const ExporterSettings& exporter : settings.exporters) {
    if (!exporter.enabled) continue;
    names.push_back(exporter.name);
    Result<ExporterRow> row = journal->attach_exporter(exporter.name, exporter.type, exporter.when_full == WhenFull::hold ? "hold" : "release",
                                                       exporter.start_now);
    if (!row) return std::move(row).error();
    Delivery delivery;
    delivery.settings = &exporter;
    delivery.thread = std::make_unique<ThreadExecutor>(1);
    delivery.shape = std::make_unique<RecordShape>(exporter, profiles, log);
    delivery.exporter = make_exporter(exporter, exporter_world(*delivery.thread));
    delivery.deliverer = std::make_unique<Deliverer>(DelivererWorld{clock, log, *storage, random, published}, exporter, *delivery.exporter,
                                                     *delivery.shape, std::move(row).value());
    deliveries.push_back(std::move(delivery));
  }
  return journal->detach_exporters_except(names);
}

void Daemon::World::build_pollers() {
  const Result<std::vector<Penalty>> penalties = stored_penalties();
  for (const SourceSettings& source : settings.sources) {
    const std::string key = credential_key(source);
    std::unique_ptr<RequestBudget>& budget = budgets[key];
    if (!budget) {
      budget = std::make_unique<RequestBudget>(clock, source.requests_per_minute);
      if (penalties.ok()) {
        for (const Penalty& penalty : *penalties) {
          if (penalty.credential != key) continue;
          // A wall clock that was set back must not make a penalty longer than any that is obeyed.
          const Duration left = std::min(Duration(penalty.until - clock.now()), source.max_retry_after);
          budget->penalize(left);
          log.info("the portal's wait from before goes on for " + format_duration(std::chrono::duration_cast<std::chrono::seconds>(left)),
                   {{"source", source.name}});
        }
      }
    }
    clients.push_back(network.http(source.peer));
    for (const StreamSettings& stream : source.streams) {
      pollers.push_back(std::make_unique<Poller>(PollerWorld{clock, log, *storage, *clients.back(), *budget, random, published, key}, source, stream));
    }
  }
  std::vector<Poller*> all;
  for (const auto& poller : pollers) all.push_back(poller.get());
  housekeeper = std::make_unique<Housekeeper>(clock, log, *storage, network.files(), *storage_thread, settings.journal, settings.daemon.state_dir, all);
}

Status Daemon::World::open_admin() {
  if (!settings.admin.enabled) return {};
  AdminWorld shown{clock, *storage, settings, *housekeeper, {}, {}, {}};
  for (const auto& poller : pollers) shown.pollers.push_back(poller.get());
  for (const Delivery& delivery : deliveries) shown.deliverers.push_back(delivery.deliverer.get());
  for (const SourceSettings& source : settings.sources) shown.budgets.emplace_back(source.name, budgets.at(credential_key(source)).get());
  admin_pages = std::make_unique<DaemonPages>(std::move(shown));
  admin_server = std::make_unique<AdminServer>(loop.get_executor(), clock, log, settings.admin, *admin_pages);
  return admin_server->open();
}

void Daemon::World::start_admin() {
  if (!admin_server) return;
  helping->spawn("admin watch", admin_pages->watch());
  admin_server->start(*helping);
  admin_pages->set_ready(true);
}

void Daemon::World::stop_admin() {
  if (admin_server) admin_server->stop();
}

ExitStatus Daemon::run() {
  World& world = *world_;
  std::exception_ptr failure;
  boost::asio::co_spawn(world.loop, world.main(), [&](std::exception_ptr exception) {
    failure = exception;
    world.loop.stop();
  });
  world.loop.run();
  if (failure) std::rethrow_exception(failure);
  const Status closed = world.journal->close();
  if (!closed) world.log.warn("the journal was not closed in order: " + closed.error().message);
  return world.exit_status;
}

Task<void> Daemon::World::main() {
  polling = std::make_unique<TaskGroup>(loop.get_executor());
  delivering = std::make_unique<TaskGroup>(loop.get_executor());
  helping = std::make_unique<TaskGroup>(loop.get_executor());
  helping->spawn("signals", watch_signals());
  helping->spawn("housekeeping", housekeeper->run());
  helping->spawn("jobs", jobs->run());
  if (service_manager::watchdog_interval()) helping->spawn("watchdog", keep_watchdog());
  for (const Delivery& delivery : deliveries) delivering->spawn("exporter " + delivery.settings->name, delivery.deliverer->run());
  for (const auto& poller : pollers) {
    polling->spawn("poller", options.once ? poll_once(*poller) : poller->run());
  }
  start_admin();
  service_manager::ready();
  log.info("auditferry " AUDITFERRY_VERSION " runs: " + std::to_string(pollers.size()) + " streams, " + std::to_string(deliveries.size()) + " exporters");
  if (options.once) {
    co_await wait_for_end(options.once_timeout);
  } else {
    co_await wait_until_stopping();
  }
  co_await shut_down();
  co_await judge();
  stop_admin();
  helping->cancel();
  co_await helping->join();
  co_await network.end();
}

Task<void> Daemon::World::poll_once(Poller& poller) {
  Status outcome = co_await poller.run_once();
  once_outcomes.push_back(std::move(outcome));
  ended.ring();
}

Task<void> Daemon::World::wait_for_pollers() {
  while (!stopping && once_outcomes.size() < pollers.size()) co_await ended.wait();
}

Task<void> Daemon::World::wait_until_stopping() {
  while (!stopping) co_await ended.wait();
}

Task<void> Daemon::World::wait_for_end(Duration limit) {
  Task<void> all = wait_for_pollers();
  Task<void> deadline = clock.sleep(limit);
  const bool in_time = co_await first_to_end(std::move(all), std::move(deadline));
  if (!in_time) {
    log.error("--once: not every stream was polled up to now within " + format_duration(limit) + "; what came is kept, run it again to go on");
    exit_status = ExitStatus::failed;
  }
  for (const Status& outcome : once_outcomes) {
    if (outcome.ok()) continue;
    log.error(outcome.error().message);
    exit_status = ExitStatus::failed;
  }
}

Task<void> Daemon::World::shut_down() {
  service_manager::stopping();
  if (admin_pages) admin_pages->set_ready(false);
  polling->cancel();
  co_await polling->join();
  for (const Delivery& delivery : deliveries) delivery.deliverer->drain();
  Task<void> drained = delivering->join();
  Task<void> deadline = clock.sleep(options.once && !stopping ? options.once_timeout : settings.daemon.shutdown_timeout);
  const bool in_time = co_await first_to_end(std::move(drained), std::move(deadline));
  if (!in_time) {
    log.warn("not everything was delivered within shutdown_timeout; it waits in the journal for the next start");
    if (options.once) exit_status = ExitStatus::failed;
    delivering->cancel();
    co_await delivering->join();
  }
}

// --once says by its exit status whether a person is needed.
Task<void> Daemon::World::judge() {
  if (!options.once || exit_status != ExitStatus::done) co_return;
  auto look = [](Journal& opened) { return take_snapshot(opened); };
  const Result<JournalSnapshot> snapshot = co_await storage->run(look);
  if (!snapshot) co_return;
  bool dead = false;
  for (const ExporterRow& row : snapshot->exporters) dead = dead || row.books.dead > 0;
  if (!snapshot->gaps.empty() || dead) {
    log.warn("done, but " + std::to_string(snapshot->gaps.size()) + " gaps are open" + (dead ? " and there are dead letters" : "") +
             ": see 'auditferry status'");
    exit_status = ExitStatus::needs_a_person;
  }
}

Task<void> Daemon::World::watch_signals() {
  boost::asio::signal_set signals(loop.get_executor(), SIGTERM, SIGINT, SIGHUP);
  for (;;) {
    boost::system::error_code error;
    const int signal = co_await signals.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) continue;  // cancelled: the next co_await unwinds
    if (signal == SIGHUP) {
      log.info("SIGHUP: reopening files and connections");
      network.forget_certificates();  // certificates may have been renewed
      for (const Delivery& delivery : deliveries) delivery.deliverer->reopen();
      continue;
    }
    if (stopping) {
      // Everything that counts is in the journal already; positions and cursors move only with it.
      log.warn("second signal: ending at once; nothing is lost");
      std::_Exit(static_cast<int>(ExitStatus::done));
    }
    log.info("ending: delivering what is in the journal, at most " + format_duration(settings.daemon.shutdown_timeout));
    stopping = true;
    ended.ring();
  }
}

Task<void> Daemon::World::keep_watchdog() {
  const Duration every = *service_manager::watchdog_interval();
  for (;;) {
    // Alive means: the loop turns and the storage thread answers.
    auto nothing = [](Journal&) { return 0; };
    co_await storage->run(nothing);
    service_manager::alive();
    co_await clock.sleep(every);
  }
}

}  // namespace auditferry
