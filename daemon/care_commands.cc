#include "daemon/care_commands.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "config/nearest_name.h"
#include "daemon/backfill_job.h"
#include "daemon/care_jobs.h"
#include "daemon/care_report.h"
#include "daemon/command_output.h"
#include "daemon/job_command.h"
#include "daemon/letter_jobs.h"
#include "daemon/letter_report.h"
#include "daemon/replay_job.h"
#include "encoding/time_format.h"
#include "net/system_clock.h"

namespace auditferry {
namespace {

// --from and --to; an empty range is none.
Result<TimeRange> range_of(const CommandLine& line) {
  const std::optional<WallTime> from = parse_rfc3339(line.from);
  const std::optional<WallTime> to = parse_rfc3339(line.to);
  if (from && to && *from <= *to) return TimeRange{*from, *to};
  return Error{ErrorKind::invalid, "--from " + line.from + " --to " + line.to + " is no time range: write for example 2025-11-23T10:00:00Z"};
}

ExitStatus show_letters(const CommandLine& line, const Settings& settings, const DeadLetterFilter& filter) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  if (line.command == "dead-letters list") {
    const Result<std::size_t> listed = render_letter_list(**reader, filter, print);
    if (!listed) return complain(listed.error().message, ExitStatus::failed);
    return *listed == 0 ? ExitStatus::done : ExitStatus::needs_a_person;
  }
  const Result<std::size_t> shown = render_letters(**reader, filter, print);
  if (!shown) return complain(shown.error().message, ExitStatus::failed);
  if (*shown > 0) return ExitStatus::done;
  return complain("there is no such dead letter; see 'auditferry dead-letters list'", ExitStatus::failed);
}

// Who asks, for the ledger: the name that was logged in with, else that of the user.
std::string user_name() {
  char login[256];
  if (getlogin_r(login, sizeof login) == 0 && login[0] != 0) return login;
  const struct passwd* user = getpwuid(getuid());
  return user != nullptr ? user->pw_name : "user " + std::to_string(getuid());
}

ExitStatus list_gaps(const CommandLine& line, const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  if (!snapshot) return complain(snapshot.error().message, ExitStatus::failed);
  const Result<std::vector<GapRow>> rows = (*reader)->gaps();
  if (!rows) return complain(rows.error().message, ExitStatus::failed);
  const std::size_t open = render_gap_list(*snapshot, *rows, {line.source, line.stream, line.state}, line.json, print);
  return open == 0 ? ExitStatus::done : ExitStatus::needs_a_person;
}

ExitStatus list_exporters(const CommandLine& line, const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) return complain(reader.error().message, ExitStatus::failed);
  const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  if (!snapshot) return complain(snapshot.error().message, ExitStatus::failed);
  render_exporter_list(*snapshot, settings, SystemClock().now(), line.json, print);
  return ExitStatus::done;
}

const ExporterSettings* enabled_exporter(const Settings& settings, const std::string& name) {
  for (const ExporterSettings& exporter : settings.exporters) {
    if (exporter.name == name && exporter.enabled) return &exporter;
  }
  return nullptr;
}

// The journal's row, or nothing after a complaint that names what may have been meant.
std::optional<ExporterRow> known_exporter(const Settings& settings, const std::string& name, std::uint64_t& last_seq) {
  Result<std::unique_ptr<JournalReader>> reader = open_reader(settings);
  if (!reader) {
    complain(reader.error().message, ExitStatus::failed);
    return std::nullopt;
  }
  const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  if (!snapshot) {
    complain(snapshot.error().message, ExitStatus::failed);
    return std::nullopt;
  }
  last_seq = snapshot->last_seq;
  std::vector<std::string> names;
  for (const ExporterRow& row : snapshot->exporters) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  complain("the journal knows no exporter \"" + name + "\"; " + suggestion(name, names), ExitStatus::failed);
  return std::nullopt;
}

ExitStatus rename(const CommandLine& line, const Settings& settings) {
  if (line.new_name.empty() || line.new_name == line.exporter) return complain("name the exporter as it is, and another name for it", ExitStatus::usage);
  if (enabled_exporter(settings, line.exporter) != nullptr && enabled_exporter(settings, line.new_name) != nullptr) {
    return complain("the configuration names both " + line.exporter + " and " + line.new_name + ": they are two exporters, with a position each", ExitStatus::usage);
  }
  std::uint64_t last_seq = 0;
  if (!known_exporter(settings, line.exporter, last_seq)) return ExitStatus::failed;
  const ExitStatus done = do_job(settings, "exporter_rename", exporter_rename_argument(line.exporter, line.new_name, user_name()), print);
  if (done == ExitStatus::done && enabled_exporter(settings, line.new_name) == nullptr) {
    print("the configuration does not name " + line.new_name + " yet: change it there, too, before the daemon starts again\n");
  }
  return done;
}

ExitStatus forget(const CommandLine& line, const Settings& settings) {
  if (enabled_exporter(settings, line.exporter) != nullptr) {
    return complain("exporter " + line.exporter + " is in the configuration: remove it there (or set enabled = false) and restart the daemon first",
                    ExitStatus::usage);
  }
  std::uint64_t last_seq = 0;
  const std::optional<ExporterRow> row = known_exporter(settings, line.exporter, last_seq);
  if (!row) return ExitStatus::failed;
  if (!line.yes) {
    return complain("exporter " + line.exporter + " has not got " + std::to_string(row->books.waiting(last_seq)) + " records yet, and " +
                        std::to_string(row->books.dead) + " dead letters of it are kept: they would be given up for it. Say --yes to do that",
                    ExitStatus::usage);
  }
  return do_job(settings, "exporter_forget", exporter_forget_argument(line.exporter, user_name()), print);
}

}  // namespace

ExitStatus gaps(const CommandLine& line, const Settings& settings) {
  if (line.command == "gaps list") return list_gaps(line, settings);
  GapSelection selection{line.ids, line.source, line.stream, line.exporter, std::nullopt};
  if (line.from.empty() != line.to.empty()) return complain("--from and --to belong together", ExitStatus::usage);
  if (!line.from.empty()) {
    const Result<TimeRange> range = range_of(line);
    if (!range) return complain(range.error().message, ExitStatus::usage);
    selection.range = *range;
  }
  const int ways = (line.ids.empty() ? 0 : 1) + (line.all ? 1 : 0) + (selection.range ? 1 : 0);
  if (ways != 1) return complain("name the gaps by their ids, or by --from and --to, or say --all", ExitStatus::usage);
  if (line.reason.empty()) return complain("--reason is empty: say why nothing more has to be done about the gaps", ExitStatus::usage);
  return do_job(settings, "gaps_accept", gaps_accept_argument(selection, user_name(), line.reason), print);
}

ExitStatus exporters(const CommandLine& line, const Settings& settings) {
  if (line.command == "exporter list") return list_exporters(line, settings);
  return line.command == "exporter rename" ? rename(line, settings) : forget(line, settings);
}

ExitStatus backfill_window(const CommandLine& line, const Settings& settings) {
  const Result<TimeRange> range = range_of(line);
  if (!range) return complain(range.error().message, ExitStatus::usage);
  if (range->from == range->to) return complain("--from and --to are the same moment: name a window", ExitStatus::usage);
  const BackfillRequest request{line.source, line.stream, *range};
  const Status possible = check_backfill(settings, request, SystemClock().now());
  if (!possible) return complain(possible.error().message, ExitStatus::usage);
  return do_job(settings, "backfill", backfill_argument(request), print);
}

ExitStatus dead_letters(const CommandLine& line, const Settings& settings) {
  const DeadLetterFilter filter{line.exporter, line.ids};
  const auto configured = [&](const ExporterSettings& exporter) { return exporter.name == line.exporter; };
  if (line.command == "dead-letters retry" && !line.exporter.empty() &&
      std::none_of(settings.exporters.begin(), settings.exporters.end(), configured)) {
    return complain("there is no exporter \"" + line.exporter + "\" in the configuration", ExitStatus::usage);
  }
  if (line.command == "dead-letters list") return show_letters(line, settings, filter);
  if (line.ids.empty() != line.all) return complain("name the dead letters by their ids, or say --all", ExitStatus::usage);
  if (line.command == "dead-letters show") return show_letters(line, settings, filter);
  const std::string kind = line.command == "dead-letters retry" ? "dead_letters_retry" : "dead_letters_discard";
  return do_job(settings, kind, letters_argument(filter), print);
}

ExitStatus replay_records(const CommandLine& line, const Settings& settings) {
  const auto configured = [&](const ExporterSettings& exporter) { return exporter.name == line.exporter; };
  if (std::none_of(settings.exporters.begin(), settings.exporters.end(), configured)) {
    return complain("there is no exporter \"" + line.exporter + "\" in the configuration", ExitStatus::usage);
  }
  const Result<TimeRange> range = range_of(line);
  if (!range) return complain(range.error().message, ExitStatus::usage);
  return do_job(settings, "replay", replay_argument({line.exporter, *range, line.stream}), print);
}

}  // namespace auditferry
