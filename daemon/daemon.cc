#include "daemon/daemon.h"

#include <unistd.h>

#include <atomic>
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
#include "daemon/life_signs.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/program.h"
#include "daemon/reloader.h"
#include "daemon/repeated_lines.h"
#include "daemon/service_manager.h"
#include "daemon/service_watch.h"
#include "daemon/mebibytes_read.h"
#include "daemon/start_extension.h"
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

volatile sig_atomic_t status_of_an_early_end = 0;
extern "C" void end_now(int) { ::_exit(status_of_an_early_end); }

// Until the loop takes the signals there is nothing to bring to an end: a journal that is being opened or migrated
// survives it anywhere. As process 1 of a container a signal without a handler would be lost.
void end_at_a_signal(bool once) {
  status_of_an_early_end = static_cast<int>(once ? ExitStatus::failed : ExitStatus::done);
  struct sigaction action {};
  action.sa_handler = end_now;
  for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;  // the configuration has just been read
  ::sigaction(SIGHUP, &action, nullptr);
}

}  // namespace

// Members are destroyed from the last to the first: what others refer to stands first.
struct Daemon::World {
  World(const LoadedSettings& loaded, Log& log_in, RunOptions options_in)
      : log(log_in, clock), options(std::move(options_in)), random(random_seed()), profiles(profile_book(loaded.settings)),
        program(network.surroundings(storage_thread), loaded.settings, options), reloader(reload_world(), loaded) {}

  SystemClock clock;
  RepeatedLines log;
  const RunOptions options;
  Random random;
  boost::asio::io_context loop{1};
  // Taken until no thread is left: a signal that comes in the last moment of an orderly end is no end of its own.
  boost::asio::signal_set signals{loop.get_executor()};
  std::optional<StateDir> state_dir;
  const ProfileBook profiles;
  Network network{loop.get_executor(), clock, log, random, profiles};
  ThreadExecutor storage_thread{1};
  Program program;
  ThreadExecutor reading_thread{1};
  Reloader reloader;
  std::unique_ptr<LifeSigns> life;
  std::unique_ptr<ServiceWatch> service_watch;
  std::unique_ptr<DaemonPages> admin_pages;  // nothing: admin.listen is ""
  std::unique_ptr<AdminServer> admin_server;
  TaskGroup helping{loop.get_executor()};

  ReloadWorld reload_world();
  void reopen();
  Status open();
  AdminWorld shown();
  Status open_admin();
  void start_admin();

  Task<void> main();
  Task<void> watch_signals();
};

Daemon::Daemon(const LoadedSettings& loaded, Log& log, RunOptions options) : world_(std::make_unique<World>(loaded, log, std::move(options))) {}
Daemon::~Daemon() {
  // The program has done its work. What it was asked to end with must not become its exit status any more.
  block_signals();
  world_.reset();
}

Status Daemon::start() {
  end_at_a_signal(world_->options.once);
  return world_->open();
}

Status Daemon::World::open() {
  Result<StateDir> acquired = StateDir::acquire(program.settings().daemon.state_dir);
  if (!acquired) return std::move(acquired).error();
  state_dir = std::move(acquired).value();
  std::atomic<std::uint64_t> progress{0};
  std::optional<StartExtension> extension;
  if (service_manager::listens()) extension.emplace(service_manager::extend_start, [&progress] { return progress.load() + mebibytes_read(); });
  Status opened = program.open(state_dir->journal_path(), &progress);
  extension.reset();
  if (!opened) return opened;
  life = std::make_unique<LifeSigns>(clock, program.storage(), life_sign_path(program.settings().daemon.state_dir));
  service_watch = std::make_unique<ServiceWatch>(ServiceWatch::World{clock, program.storage(), *life, program.settings()}, service_manager::status,
                                                 service_manager::alive);
  return open_admin();
}

ReloadWorld Daemon::World::reload_world() {
  return ReloadWorld{loop.get_executor(),
                     clock,
                     log,
                     reading_thread,
                     [this] { return load_for_running(options.config); },
                     read_secrets_again,
                     file_fingerprint,
                     [this] { reopen(); },
                     [this](LoadedSettings loaded) { return program.take_over(std::move(loaded.settings), std::move(loaded.text_sha256)); },
                     [](bool begins) { begins ? service_manager::reloading() : service_manager::ready(); }};
}

// Files, connections and certificates, whatever the configuration says.
void Daemon::World::reopen() {
  network.forget_certificates();
  program.reopen();
}

AdminWorld Daemon::World::shown() {
  AdminWorld shown{clock, program.storage(), program.settings(), program.housekeeper(), *life};
  shown.config = options.config;
  shown.pollers = [this] {
    std::vector<PollerStatus> pollers;
    for (const auto& source : program.sources()) {
      for (const auto& poller : source->pollers()) pollers.push_back(poller->status());
    }
    return pollers;
  };
  shown.deliverers = [this] {
    std::vector<DelivererStatus> deliverers;
    for (const auto& exporter : program.exporters()) deliverers.push_back(exporter->deliverer().status());
    return deliverers;
  };
  shown.throttled = [this] {
    std::vector<std::pair<std::string, Duration>> throttled;
    for (const auto& source : program.sources()) throttled.emplace_back(source->settings().name, source->budget().throttled());
    return throttled;
  };
  return shown;
}

Status Daemon::World::open_admin() {
  if (!program.settings().admin.enabled) return {};
  admin_pages = std::make_unique<DaemonPages>(shown());
  admin_server = std::make_unique<AdminServer>(loop.get_executor(), clock, log, program.settings().admin, *admin_pages);
  return admin_server->open();
}

void Daemon::World::start_admin() {
  if (!admin_server) return;
  helping.spawn("records per minute", admin_pages->count_records());
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
  helping.spawn("repeated lines", log.watch());
  helping.spawn("life signs", life->watch());
  if (const auto every = service_manager::watchdog_interval()) helping.spawn("watchdog", service_watch->keep_alive(*every));
  if (service_manager::listens()) helping.spawn("service status", service_watch->keep_status());
  program.start();
  if (!options.once) helping.spawn("reload", reloader.run());
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
      if (options.once) {
        log.info("SIGHUP: reopening files and connections");
        reopen();
      } else {
        reloader.request();
      }
      continue;
    }
    if (program.stopping()) {
      // Everything that counts is in the journal already; positions and cursors move only with it.
      log.warn("second signal: ending at once; nothing is lost");
      std::_Exit(static_cast<int>(ExitStatus::done));
    }
    log.info("ending: delivering what is in the journal, at most " + format_duration(program.settings().daemon.shutdown_timeout));
    program.stop();
  }
}

}  // namespace auditferry
