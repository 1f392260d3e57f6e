#include "daemon/commands.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <deque>
#include <random>

#include "core/task_group.h"
#include "daemon/check_report.h"
#include "daemon/journal_report.h"
#include "daemon/ledger_report.h"
#include "daemon/load_settings.h"
#include "daemon/logger.h"
#include "daemon/status_report.h"
#include "encoding/time_format.h"
#include "exporters/catalog.h"
#include "net/datagram_maker.h"
#include "net/file_system.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/stream_connector.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "net/tls_context.h"
#include "storage/snapshot.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

ExitStatus complain(const std::string& message, ExitStatus status) {
  std::fprintf(stderr, "auditferry: %s\n", message.c_str());
  return status;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string journal_path(const Settings& settings) { return settings.daemon.state_dir + "/journal.db"; }

Result<std::unique_ptr<JournalReader>> open_reader(const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(journal_path(settings));
  if (!reader && reader.error().kind == ErrorKind::not_found) {
    return Error{ErrorKind::not_found, "there is no journal at " + journal_path(settings) +
                                           " that can be read: has the daemon run with this daemon.state_dir, and is this user its owner?"};
  }
  return reader;
}

ExitStatus run(const CommandLine& line, const Settings& settings) {
  RunOptions options;
  options.once = line.once;
  options.config_sha256 = file_sha256(line.config);
  if (!line.timeout.empty()) {
    const std::optional<Duration> timeout = parse_duration(line.timeout);
    if (!timeout) return complain("--timeout " + line.timeout + " is no duration: write for example 10m", ExitStatus::usage);
    options.once_timeout = *timeout;
  }
  StderrLog log(settings.daemon.log_level, settings.daemon.log_json);
  Daemon daemon(settings, log, options);
  const Status started = daemon.start();
  if (!started) {
    log.error(started.error().message);
    return ExitStatus::failed;
  }
  return daemon.run();
}

// "fetched 1204 delivered 1180 waiting 24 lag 2s": the books of all streams and exporters together.
std::string one_line(const JournalSnapshot& snapshot, WallTime now) {
  std::uint64_t fetched = 0;
  std::uint64_t delivered = 0;
  std::uint64_t waiting = 0;
  std::optional<Duration> lag;
  for (const StreamSnapshot& stream : snapshot.streams) {
    fetched += stream.books.staged + stream.books.journaled;
    for (const CollectionSnapshot& collection : stream.collections) {
      if (collection.watermark) lag = std::max(lag.value_or(Duration::zero()), Duration(now - *collection.watermark));
    }
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (!row.attached) continue;
    delivered += row.books.delivered;
    waiting += row.books.waiting(snapshot.last_seq);
  }
  const std::string lag_text = lag ? format_duration(std::chrono::duration_cast<std::chrono::seconds>(*lag)) : std::string("unknown");
  return "fetched " + std::to_string(fetched) + " delivered " + std::to_string(delivered) + " waiting " + std::to_string(waiting) + " lag " +
         lag_text + "\n";
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
  print(line.brief ? one_line(*snapshot, context.now) : render_status(*snapshot, context, line.json));
  return needs_a_person(*snapshot).empty() ? ExitStatus::done : ExitStatus::needs_a_person;
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

// Everything that check --online needs, taken down in order.
struct OnlineCheck {
  explicit OnlineCheck(const Settings& settings_in)
      : settings(settings_in), log(settings.daemon.log_level, settings.daemon.log_json), random(std::random_device{}()),
        resolver(loop.get_executor(), clock) {}

  const Settings& settings;
  boost::asio::io_context loop{1};
  SystemClock clock;
  StderrLog log;
  Random random;
  PosixFileSystem files;
  SystemResolver resolver;
  TlsContexts contexts;
  StreamConnector connector{loop.get_executor(), clock, resolver, contexts};
  NetDatagramMaker datagrams{loop.get_executor(), resolver};
  TaskGroup connection_tasks{loop.get_executor()};  // of exporters
  ThreadExecutor thread{1};
  std::deque<BeastHttpClient> clients;
  std::vector<std::unique_ptr<Exporter>> exporters;

  ExporterWorld exporter_world() {
    ExporterWorld all{loop.get_executor(), clock, log, files, thread, [](std::string, std::string) {}};
    all.make_http_client = [this](const PeerSettings& peer) {
      return std::make_unique<BeastHttpClient>(loop.get_executor(), clock, resolver, contexts, proxy_environment(), peer, log);
    };
    all.connector = &connector;
    all.datagrams = &datagrams;
    all.random = &random;
    all.tasks = &connection_tasks;
    return all;
  }

  Task<void> run(const std::vector<Penalty>& penalties, bool& good) {
    std::vector<CheckedSource> sources;
    for (const SourceSettings& source : settings.sources) {
      clients.emplace_back(loop.get_executor(), clock, resolver, contexts, proxy_environment(), source.peer, log);
      sources.push_back({&source, &clients.back()});
    }
    std::vector<CheckedExporter> checked;
    for (const ExporterSettings& exporter : settings.exporters) {
      if (!exporter.enabled) continue;
      exporters.push_back(make_exporter(exporter, exporter_world()));
      checked.push_back({exporter.name, exporters.back().get()});
    }
    const ReportSink sink = print;
    good = co_await check_online(CheckWorld{clock, log, random, penalties, sink}, sources, checked);
    connection_tasks.cancel();
    co_await connection_tasks.join();
  }
};

ExitStatus check(const CommandLine& line, const Settings& settings) {
  const Status usable = StateDir::inspect(settings.daemon.state_dir);
  if (!usable) return complain(usable.error().message, ExitStatus::usage);
  if (!line.online) {
    std::printf("%s is valid: %zu sources, %zu exporters\n", line.config.c_str(), settings.sources.size(), settings.exporters.size());
    return ExitStatus::done;
  }
  const Result<std::vector<Penalty>> penalties = stored_penalties(journal_path(settings));
  if (!penalties) return complain(penalties.error().message, ExitStatus::failed);
  OnlineCheck online(settings);
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

}  // namespace

ExitStatus run_command(const CommandLine& line) {
  const bool needs_secrets = line.command == "run" || line.command == "check";
  const Result<Settings> settings = load_settings(line.config, needs_secrets);
  if (!settings) return complain(settings.error().message, ExitStatus::usage);
  if (line.command == "run") return run(line, *settings);
  if (line.command == "check") return check(line, *settings);
  if (line.command == "status") return status(line, *settings);
  if (line.command == "ledger") return ledger(line, *settings);
  if (line.command == "journal check") return journal_check(*settings);
  return complain("the command " + line.command + " is not known", ExitStatus::usage);
}

}  // namespace auditferry
