#include "daemon/care_commands.h"

#include <algorithm>

#include "daemon/command_output.h"
#include "daemon/job_command.h"
#include "daemon/letter_jobs.h"
#include "daemon/letter_report.h"
#include "daemon/replay_job.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

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

}  // namespace

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
  const std::optional<WallTime> from = parse_rfc3339(line.from);
  const std::optional<WallTime> to = parse_rfc3339(line.to);
  if (!from || !to || *to < *from) {
    return complain("--from " + line.from + " --to " + line.to + " is no time range: write for example 2025-11-23T10:00:00Z", ExitStatus::usage);
  }
  return do_job(settings, "replay", replay_argument({line.exporter, {*from, *to}, line.stream}), print);
}

}  // namespace auditferry
