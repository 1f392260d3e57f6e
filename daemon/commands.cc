#include "daemon/commands.h"

#include <cstdio>

#include "daemon/load_settings.h"
#include "daemon/logger.h"
#include "encoding/time_format.h"
#include "storage/snapshot.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

ExitStatus complain(const std::string& message, ExitStatus status) {
  std::fprintf(stderr, "auditferry: %s\n", message.c_str());
  return status;
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

}  // namespace

ExitStatus run_command(const CommandLine& line) {
  const bool needs_secrets = line.command == "run" || line.command == "check";
  const Result<Settings> settings = load_settings(line.config, needs_secrets);
  if (!settings) return complain(settings.error().message, ExitStatus::usage);
  if (line.command == "run") return run(line, *settings);
  return complain("the command " + line.command + " is not known", ExitStatus::usage);
}

}  // namespace auditferry
