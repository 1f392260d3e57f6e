// The program auditferry: its command line. What the commands do is in daemon.h and the *_report.h files.

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "config/nearest_name.h"
#include "daemon/commands.h"

namespace {

using auditferry::CommandLine;

void add_config(CLI::App& command, CommandLine& line) {
  command.add_option("--config", line.config, "the configuration file (TOML)")->required();
}

void add_dead_letters(CLI::App& app, CommandLine& line) {
  CLI::App* letters = app.add_subcommand("dead-letters", "records that a far end refused for good");
  letters->require_subcommand(1);
  const std::pair<const char*, const char*> commands[] = {{"list", "one line each"},
                                                          {"show", "the whole of them, with the far end's words"},
                                                          {"retry", "deliver them again"},
                                                          {"discard", "give them up; the ledger keeps note of it"}};
  for (const auto& [name, help] : commands) {
    CLI::App* command = letters->add_subcommand(name, help);
    add_config(*command, line);
    command->add_option("--exporter", line.exporter, "only this exporter's");
    if (std::string_view(name) == "list") continue;
    command->add_option("ID", line.ids, "ids as 'list' shows them");
    command->add_flag("--all", line.all, "all of them (of the exporter)");
  }
}

void add_gaps(CLI::App& app, CommandLine& line) {
  CLI::App* gaps = app.add_subcommand("gaps", "where completeness could not be shown");
  gaps->require_subcommand(1);
  CLI::App* list = gaps->add_subcommand("list", "one line each: open, healed and accepted ones");
  list->add_option("--state", line.state, "only those in this state")->check(CLI::IsMember({"open", "healed", "accepted"}));
  list->add_flag("--json", line.json, "one JSON object a line");
  CLI::App* accept = gaps->add_subcommand("accept", "a person takes note of open gaps; the ledger keeps who and why");
  accept->add_option("--id,ID", line.ids, "ids as 'list' shows them");
  accept->add_flag("--all", line.all, "all that are open (of the source, stream or exporter)");
  accept->add_option("--exporter", line.exporter, "only this exporter's");
  accept->add_option("--from", line.from, "only those that lie between this time (RFC 3339)");
  accept->add_option("--to", line.to, "and this one");
  accept->add_option("--reason", line.reason, "why nothing more has to be done about them")->required();
  for (CLI::App* command : {list, accept}) {
    add_config(*command, line);
    command->add_option("--source", line.source, "only of this source");
    command->add_option("--stream", line.stream, "only of this stream");
  }
}

void add_exporters(CLI::App& app, CommandLine& line) {
  CLI::App* exporter = app.add_subcommand("exporter", "positions of exporters that are, or were, configured");
  exporter->require_subcommand(1);
  CLI::App* list = exporter->add_subcommand("list", "attached and detached ones, one line each");
  list->add_flag("--json", line.json, "one JSON object a line");
  CLI::App* rename = exporter->add_subcommand("rename", "another name in the configuration goes on at the same position");
  rename->add_option("OLD", line.exporter, "the name in the journal")->required();
  rename->add_option("NEW", line.new_name, "the name in the configuration from now on")->required();
  CLI::App* forget = exporter->add_subcommand("forget", "gives up what waits for an exporter that is not in use");
  forget->add_option("NAME", line.exporter, "which one")->required();
  forget->add_flag("--yes", line.yes, "do it; without it only what would be given up is told");
  for (CLI::App* command : {list, rename, forget}) add_config(*command, line);
}

void add_init(CLI::App& app, CommandLine& line) {
  CLI::App* init = app.add_subcommand("init", "write a configuration; asks for what is not given");
  auditferry::InitOptions& options = line.init;
  init->add_option("--config", options.config, "the file to write (auditferry.toml)");
  init->add_option("--profile", options.profile, "the portal: apptego, okta or github");
  init->add_option("--base-url", options.base_url, "its address, where it is not the profile's");
  init->add_option("--tenant", options.tenant, "the tenant's id, or the organisation's name");
  init->add_option("--streams", options.streams, "which logs, for example audit,device (all)");
  init->add_option("--source", options.source, "a name for it (the profile's)");
  init->add_option("--start", options.start, "from when on: a time, -24h or oldest (-24h)");
  init->add_option("--state-dir", options.state_dir, "folder of the journal");
  init->add_option("--records", options.records, "folder of the records");
  init->add_option("--listen", options.listen, "address of the status page (127.0.0.1:9640)");
  init->add_option("--credential-file", options.credential_files, "NAME=PATH: this credential is in that file already; others are asked for, or read from standard input, a line each");
  init->add_flag("--offline", options.offline, "do not run 'check --online' afterwards");
}

void add_commands(CLI::App& app, CommandLine& line) {
  add_init(app, line);
  CLI::App* run = app.add_subcommand("run", "poll, journal and deliver until SIGTERM");
  add_config(*run, line);
  run->add_flag("--once", line.once, "poll every stream up to now, deliver everything, end");
  run->add_option("--timeout", line.timeout, "with --once: give up after this long (10m)");

  CLI::App* check = app.add_subcommand("check", "validate the configuration");
  add_config(*check, line);
  check->add_flag("--online", line.online, "also ask every portal and greet every exporter");

  CLI::App* status = app.add_subcommand("status", "coverage, lag, positions, gaps, last errors");
  add_config(*status, line);
  status->add_flag("--json", line.json, "as JSON");
  status->add_flag("--line", line.brief, "one line: fetched, delivered, waiting, lag");

  CLI::App* health = app.add_subcommand("health", "whether the daemon is alive: exit status 0 or 1");
  add_config(*health, line);

  CLI::App* ledger = app.add_subcommand("ledger", "provenance rows, coverage and gaps; verifies the chain");
  add_config(*ledger, line);
  ledger->add_option("--source", line.source, "only this source");
  ledger->add_option("--stream", line.stream, "only this stream");
  ledger->add_option("--from", line.from, "from this time (RFC 3339)");
  ledger->add_option("--to", line.to, "up to this time (RFC 3339)");
  ledger->add_flag("--json", line.json, "one JSON object a line");

  add_dead_letters(app, line);
  add_gaps(app, line);
  add_exporters(app, line);

  CLI::App* replay = app.add_subcommand("replay", "deliver records of the journal again to one exporter");
  add_config(*replay, line);
  replay->add_option("--exporter", line.exporter, "to which exporter")->required();
  replay->add_option("--from", line.from, "records from this time on (RFC 3339)")->required();
  replay->add_option("--to", line.to, "up to this time (RFC 3339)")->required();
  replay->add_option("--stream", line.stream, "only of this stream");

  CLI::App* backfill = app.add_subcommand("backfill", "walk an old window of a source once more, de-duplicated");
  add_config(*backfill, line);
  backfill->add_option("--source", line.source, "of which source")->required();
  backfill->add_option("--from", line.from, "from this time on (RFC 3339)")->required();
  backfill->add_option("--to", line.to, "up to this time (RFC 3339)")->required();
  backfill->add_option("--stream", line.stream, "only this stream");

  CLI::App* journal = app.add_subcommand("journal", "care of the journal");
  journal->require_subcommand(1);
  CLI::App* journal_check = journal->add_subcommand("check", "read the whole journal and say what is damaged");
  add_config(*journal_check, line);
  CLI::App* backup = journal->add_subcommand("backup", "copy the journal, beside a running daemon or without one");
  add_config(*backup, line);
  backup->add_option("--to", line.to, "the new file; an existing one is not overwritten")->required();
  CLI::App* salvage = journal->add_subcommand("salvage", "rescue what can be read of a damaged journal into a new one, which takes its place");
  add_config(*salvage, line);
  salvage->add_option("--to", line.to, "write the new journal to this file, and leave the damaged one in its place");
}

std::string chosen(const CLI::App& app) {
  std::string name;
  for (const CLI::App* command = &app; !command->get_subcommands().empty();) {
    command = command->get_subcommands().front();
    name += (name.empty() ? "" : " ") + command->get_name();
  }
  return name;
}

// A word where a command should stand, told with the command that was probably meant.
std::string unknown_command(const CLI::App& app, int argument_count, char** arguments) {
  if (argument_count < 2 || arguments[1][0] == '-') return "";
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  const std::string given = arguments[1];
  if (std::find(names.begin(), names.end(), given) != names.end()) return "";
  return "there is no command '" + given + "'; " + auditferry::suggestion(given, names);
}

}  // namespace

int main(int argument_count, char** arguments) {
  // Records, positions and secrets are nobody else's business; a core dump would hold all of them.
  umask(0077);
  prctl(PR_SET_DUMPABLE, 0);
  // A closed pipe is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // A few threads take turns at large buffers: in an arena each, what one of them has freed would stay with it.
  mallopt(M_ARENA_MAX, 1);

  CLI::App app("Carries audit and device logs from SaaS portals to files, syslog and SIEMs; loses nothing.", "auditferry");
  app.set_version_flag("--version", "auditferry " AUDITFERRY_VERSION);
  app.require_subcommand(1);
  CommandLine line;
  add_commands(app, line);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::string unknown = unknown_command(app, argument_count, arguments);
    std::fprintf(stderr, "auditferry: %s; see 'auditferry --help'\n", unknown.empty() ? error.what() : unknown.c_str());
    return 2;
  }
  line.command = chosen(app);
  return static_cast<int>(run_command(line));
}
