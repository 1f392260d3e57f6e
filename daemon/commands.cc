#include "daemon/commands.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <random>

#include "core/run_blocking.h"
#include "daemon/care_commands.h"
#include "daemon/check_report.h"
#include "daemon/command_output.h"
#include "daemon/journal_commands.h"
#include "daemon/health_command.h"
#include "daemon/init_service.h"
#include "daemon/insecure_peers.h"
#include "daemon/journal_report.h"
#include "daemon/keep_wait.h"
#include "daemon/ledger_report.h"
#include "daemon/load_settings.h"
#include "daemon/network.h"
#include "daemon/logger.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"
#include "encoding/time_format.h"
#include "exporters/catalog.h"
#include "net/file_system.h"
#include "net/datagram_maker.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "storage/snapshot.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

ExitStatus run(const CommandLine& line) {
  const Result<LoadedSettings> loaded = load_for_running(line.config);
  if (!loaded) return complain(loaded.error().message, ExitStatus::usage);
  const Settings& settings = loaded->settings;
  RunOptions options;
  options.once = line.once;
  options.config_sha256 = loaded->text_sha256;
  options.config = loaded->file;
  if (!line.timeout.empty()) {
    if (!line.once) return complain("--timeout belongs to --once: a daemon runs until it is stopped", ExitStatus::usage);
    const std::optional<Duration> timeout = parse_duration(line.timeout);
    if (!timeout) return complain("--timeout " + line.timeout + " is no duration: write for example 10m", ExitStatus::usage);
    options.once_timeout = *timeout;
  }
  StderrLog log(settings.daemon.log_level, settings.daemon.log_json);
  Daemon daemon(*loaded, log, options);
  const Status started = daemon.start();
  if (!started) {
    log.error(started.error().message);
    return ExitStatus::failed;
  }
  return daemon.run();
}

ExitStatus status(const CommandLine& line, const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  if (!snapshot) return complain(snapshot.error().message, ExitStatus::failed);
  SystemClock clock;
  StatusContext context;
  context.now = clock.now();
  context.daemon_pid = StateDir::owner(settings.daemon.state_dir);
  context.daemon_running = context.daemon_pid.has_value();
  context.settings = &settings;
  const Result<std::uint64_t> free = PosixFileSystem().free_bytes(settings.daemon.state_dir);
  if (free) context.free_bytes = *free;
  print(line.brief ? render_status_line(*snapshot, context) : render_status(*snapshot, context, line.json));
  return needs_a_person(*snapshot, context).empty() ? ExitStatus::done : ExitStatus::needs_a_person;
}

ExitStatus health_of(const CommandLine& line) {
  const HealthVerdict verdict = health(line.config);
  if (!verdict.healthy) return complain(verdict.words, ExitStatus::failed);
  print(verdict.words + "\n");
  return ExitStatus::done;
}

ExitStatus ledger(const CommandLine& line, const Settings& settings) {
  LedgerQuery query{line.source, line.stream, std::nullopt, std::nullopt};
  for (const auto& [name, text, time] : {std::tuple{"--from", &line.from, &query.from}, std::tuple{"--to", &line.to, &query.to}}) {
    if (text->empty()) continue;
    *time = parse_rfc3339(*text);
    if (!*time) return complain(std::string(name) + " " + *text + " is no time: write for example 2025-11-23T10:00:00Z", ExitStatus::usage);
  }
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  const Result<LedgerOutcome> outcome = render_ledger(**reader, query, line.json, print);
  if (!outcome) return complain(outcome.error().message, ExitStatus::failed);
  return outcome->unbroken && !outcome->open_gaps ? ExitStatus::done : ExitStatus::needs_a_person;
}

ExitStatus journal_check(const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  const Result<bool> sound = render_journal_check(**reader, print);
  if (!sound) return complain(sound.error().message, ExitStatus::failed);
  return *sound ? ExitStatus::done : ExitStatus::needs_a_person;
}

// Whether this process is to talk to far ends itself.
bool needs_secrets(const CommandLine& line) {
  if (line.command == "check") return true;
  if (line.command != "dead-letters retry" && line.command != "replay" && line.command != "backfill") return false;
  const Result<Settings> settings = load_settings(line.config, false);
  return settings.ok() && !StateDir::owner(settings->daemon.state_dir);
}

// Everything that check --online needs, taken down in order.
struct OnlineProgram {
  explicit OnlineProgram(const Settings& settings_in)
      : settings(settings_in), log(settings.daemon.log_level, settings.daemon.log_json), random(std::random_device{}()),
        profiles(profile_book(settings)) {}

  const Settings& settings;
  boost::asio::io_context loop{1};
  SystemClock clock;
  StderrLog log;
  Random random;
  ProfileBook profiles;
  Network network{loop.get_executor(), clock, log, random, profiles};
  ThreadExecutor thread{1};
  std::vector<std::unique_ptr<BeastHttpClient>> clients;
  std::vector<std::unique_ptr<Exporter>> exporters;

  Task<Status> keep(const Penalty& penalty) {
    auto job = [this, &penalty] { return keep_wait(settings.daemon.state_dir, penalty, clock.now()); };
    co_return co_await run_blocking(thread, job);
  }
  Task<void> run(const std::vector<Penalty>& penalties, bool& good) {
    std::vector<CheckedSource> sources;
    for (const SourceSettings& source : settings.sources) {
      clients.push_back(network.http(source.peer));
      sources.push_back({&source, clients.back().get()});
    }
    std::vector<CheckedExporter> checked;
    for (const ExporterSettings& exporter : settings.exporters) {
      if (!exporter.enabled) continue;
      exporters.push_back(make_exporter(exporter, network.exporter_world(thread, [](std::string, std::string) {})));
      checked.push_back({exporter.name, exporters.back().get()});
    }
    const ReportSink sink = print;
    CheckWorld world{clock, log, random, penalties, [this](const Penalty& penalty) { return keep(penalty); }, sink};
    good = co_await check_online(std::move(world), sources, checked);
    co_await network.end();
  }
};

ExitStatus check(const CommandLine& line, const Settings& settings) {
  const Status usable = StateDir::inspect(settings.daemon.state_dir);
  if (!usable) return complain(usable.error().message, ExitStatus::usage);
  for (const InsecurePeer& peer : insecure_peers(settings)) print("WARN " + plain(peer.what) + ": " + peer.todo + "\n");
  if (!line.online) {
    std::printf("%s is valid: %zu sources, %zu exporters\n", line.config.c_str(), settings.sources.size(), settings.exporters.size());
    return ExitStatus::done;
  }
  const Result<std::vector<Penalty>> penalties = stored_penalties(journal_path(settings));
  if (!penalties) return complain(penalties.error().message, ExitStatus::failed);
  OnlineProgram online(settings);
  bool good = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(online.loop, online.run(*penalties, good), [&](std::exception_ptr exception) {
    failure = exception;
    online.loop.stop();
  });
  online.loop.run();
  if (failure) std::rethrow_exception(failure);
  return good ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus make_configuration(const CommandLine& line) {
  Questions questions(0, 1);
  PosixFileSystem files;
  InitOptions options = line.init;
  options.service_group = service_group();
  const Result<std::string> made = init(options, questions, files, print);
  if (!made) return complain(made.error().message, made.error().kind == ErrorKind::invalid ? ExitStatus::usage : ExitStatus::failed);
  const std::string check = "auditferry check --online --config " + *made;
  // The package's unit reads this one.
  const bool of_unit = for_the_service(options, *made) && *made == "/etc/auditferry/auditferry.toml";
  const std::string next = of_unit ? "systemctl enable --now auditferry" : "auditferry run --config " + *made;
  if (line.init.offline) {
    print("not asked, as told: '" + check + "' does\nthen: " + next + "\n");
    return ExitStatus::done;
  }
  CommandLine online;
  online.command = "check";
  online.config = *made;
  online.online = true;
  std::fflush(stdout);
  const ExitStatus status = run_command(online);
  if (status != ExitStatus::done) return complain("what was written stays: correct it there, then run '" + check + "'", status);
  print("next: " + next + "\n");
  return ExitStatus::done;
}

}  // namespace

ExitStatus run_command(const CommandLine& line) {
  if (line.command == "init") return make_configuration(line);
  if (line.command == "run") return run(line);
  if (line.command == "health") return health_of(line);
  const Result<Settings> settings = load_settings(line.config, needs_secrets(line));
  if (!settings) return complain(settings.error().message, ExitStatus::usage);
  if (line.command == "check") return check(line, *settings);
  if (line.command == "status") return status(line, *settings);
  if (line.command == "ledger") return ledger(line, *settings);
  if (line.command == "journal check") return journal_check(*settings);
  if (line.command == "journal backup") return journal_backup(*settings, line.to, print);
  if (line.command == "journal salvage") return journal_salvage(*settings, line.to, print);
  if (line.command == "replay") return replay_records(line, *settings);
  if (line.command == "backfill") return backfill_window(line, *settings);
  if (line.command.starts_with("dead-letters ")) return dead_letters(line, *settings);
  if (line.command.starts_with("gaps ")) return gaps(line, *settings);
  if (line.command.starts_with("exporter ")) return exporters(line, *settings);
  return complain("the command " + line.command + " is not known", ExitStatus::usage);
}

}  // namespace auditferry
