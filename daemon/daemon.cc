#include "daemon/daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>

#include "core/task_group.h"
#include "daemon/admin_pages.h"
#include "daemon/admin_server.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/program.h"
#include "daemon/service_manager.h"
#include "encoding/time_format.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

constexpr int all_signals[] = {SIGTERM, SIGINT, SIGHUP};

void block_signals() {
  sigset_t all;
  sigemptyset(&all);
  for (const int signal : all_signals) sigaddset(&all, signal);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

// Members are destroyed from the last to the first: what others refer to stands first.
struct Daemon::World {
  World(const Settings& settings_in, Log& log_in, RunOptions options)
      : settings(settings_in), log(log_in), random(random_seed()), profiles(profile_book(settings)),
        program(network.surroundings(storage_thread), settings, std::move(options)) {}

  const Settings& settings;
  Log& log;
  Random random;
  boost::asio::io_context loop{1};
  // Taken until no thread is left: a signal that comes in the last moment of an orderly end is no end of its own.
  boost::asio::signal_set signals{loop.get_executor()};
  SystemClock clock;
  std::optional<StateDir> state_dir;
  const ProfileBook profiles;
  Network network{loop.get_executor(), clock, log, random, profiles};
  ThreadExecutor storage_thread{1};
  Program program;
  std::unique_ptr<DaemonPages> admin_pages;  // nothing: admin.listen is ""
  std::unique_ptr<AdminServer> admin_server;
  TaskGroup helping{loop.get_executor()};

  Status open();
  Status open_admin();
  void start_admin();

  Task<void> main();
  Task<void> watch_signals();
  Task<void> keep_watchdog();
};

Daemon::Daemon(const Settings& settings, Log& log, RunOptions options) : world_(std::make_unique<World>(settings, log, std::move(options))) {}
Daemon::~Daemon() {
  // The program has done its work. What it was asked to end with must not become its exit status any more.
  block_signals();
  world_.reset();
}

Status Daemon::start() { return world_->open(); }

Status Daemon::World::open() {
  Result<StateDir> acquired = StateDir::acquire(settings.daemon.state_dir);
  if (!acquired) return std::move(acquired).error();
  state_dir = std::move(acquired).value();
  Status opened = program.open(state_dir->journal_path());
  if (!opened) return opened;
  return open_admin();
}

Status Daemon::World::open_admin() {
  if (!settings.admin.enabled) return {};
  AdminWorld shown{clock, program.storage(), settings, program.housekeeper(), {}, {}, {}};
  for (const auto& source : program.sources()) {
    for (const auto& poller : source->pollers()) shown.pollers.push_back(poller.get());
    shown.budgets.emplace_back(source->settings().name, &source->budget());
  }
  for (const auto& exporter : program.exporters()) shown.deliverers.push_back(&exporter->deliverer());
  admin_pages = std::make_unique<DaemonPages>(std::move(shown));
  admin_server = std::make_unique<AdminServer>(loop.get_executor(), clock, log, settings.admin, *admin_pages);
  return admin_server->open();
}

void Daemon::World::start_admin() {
  if (!admin_server) return;
  helping.spawn("admin watch", admin_pages->watch());
  admin_server->start(helping);
  admin_pages->set_ready(true);
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
  const Status closed = world.program.close();
  if (!closed) world.log.warn("the journal was not closed in order: " + closed.error().message);
  return world.program.exit_status();
}

Task<void> Daemon::World::main() {
  for (const int signal : all_signals) signals.add(signal);
  helping.spawn("signals", watch_signals());
  if (service_manager::watchdog_interval()) helping.spawn("watchdog", keep_watchdog());
  program.start();
  start_admin();
  service_manager::ready();
  co_await program.wait();
  service_manager::stopping();
  if (admin_pages) admin_pages->set_ready(false);
  co_await program.drain();
  if (admin_server) admin_server->stop();
  helping.cancel();
  co_await helping.join();
  co_await program.end();
  co_await network.end();
}

Task<void> Daemon::World::watch_signals() {
  for (;;) {
    boost::system::error_code error;
    const int signal = co_await signals.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) continue;  // cancelled: the next co_await unwinds
    if (signal == SIGHUP) {
      log.info("SIGHUP: reopening files and connections");
      network.forget_certificates();  // certificates may have been renewed
      program.reopen();
      continue;
    }
    if (program.stopping()) {
      // Everything that counts is in the journal already; positions and cursors move only with it.
      log.warn("second signal: ending at once; nothing is lost");
      std::_Exit(static_cast<int>(ExitStatus::done));
    }
    log.info("ending: delivering what is in the journal, at most " + format_duration(settings.daemon.shutdown_timeout));
    program.stop();
  }
}

Task<void> Daemon::World::keep_watchdog() {
  const Duration every = *service_manager::watchdog_interval();
  for (;;) {
    // Alive means: the loop turns and the storage thread answers.
    auto nothing = [](Journal&) { return 0; };
    co_await program.storage().run(nothing);
    service_manager::alive();
    co_await clock.sleep(every);
  }
}

}  // namespace auditferry
