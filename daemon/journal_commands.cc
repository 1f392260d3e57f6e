#include "daemon/journal_commands.h"

#include <cstdio>
#include <filesystem>

#include "daemon/command_output.h"
#include "encoding/time_format.h"
#include "net/system_clock.h"
#include "storage/journal_copy.h"
#include "storage/salvage_in_place.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

std::string no_journal(const std::string& path) {
  return "there is no journal at " + path + ": check daemon.state_dir and that this user is its owner";
}

void show(const SalvageReport& report, const ReportSink& sink) {
  sink("rescued " + counted(report.records, "record", "records") + ", up to sequence number " +
       std::to_string(report.last_seq) + "\n");
  if (report.renumbered > 0) {
    sink(report_count(report.renumbered) + " of them had no readable number and have new ones at the end: exporters get them once more\n");
  }
  if (report.by_pages) {
    sink("the file's table of contents is damaged: positions, coverage and the ledger are gone; every exporter begins anew with what was rescued\n");
  }
  for (const LostNumbers& range : report.lost) {
    sink("lost: sequence numbers " + std::to_string(range.first) + " to " + std::to_string(range.last) + " (" +
         report_count(range.last - range.first + 1) + ")\n");
  }
  if (!report.numbers_known) sink("which sequence numbers had been given could not be read in full: others may be lost, too\n");
  if (report.lost_staged > 0) sink(report_count(report.lost_staged) + " records that had no number yet are gone: they are fetched again\n");
  for (const RescuedTable& table : report.tables) {
    if (!table.complete) sink("table " + table.name + ": " + report_count(table.rows) + " rows rescued, others could not be read\n");
  }
}

bool anything_lost(const SalvageReport& report) {
  if (report.by_pages || !report.numbers_known || !report.lost.empty() || report.lost_staged > 0) return true;
  for (const RescuedTable& table : report.tables) {
    if (!table.complete) return true;
  }
  return false;
}

}  // namespace

ExitStatus journal_backup(const Settings& settings, const std::string& to, const ReportSink& sink) {
  SystemClock clock;
  const std::string journal = journal_path(settings);
  const Result<CopyReport> copied = copy_journal(journal, to, clock.now());
  if (!copied && copied.error().kind == ErrorKind::not_found) return complain(no_journal(journal));
  if (!copied) return complain(copied.error().message);
  sink("copied the journal of this moment to " + to + ": " + format_size(copied->bytes) + ", up to sequence number " +
       std::to_string(copied->last_seq) + ", epoch " + copied->epoch + "\n");
  return ExitStatus::done;
}

ExitStatus journal_salvage(const Settings& settings, const std::string& to, const ReportSink& sink) {
  const std::string journal = journal_path(settings);
  std::error_code ignored;
  if (!std::filesystem::exists(journal, ignored)) return complain(no_journal(journal));
  const Result<StateDir> held = StateDir::acquire(settings.daemon.state_dir);
  if (!held) return complain(held.error().message);
  SystemClock clock;
  if (to.empty()) {
    const Result<SalvagedInPlace> salvaged = salvage_in_place(journal, clock.now());
    if (!salvaged) return complain(salvaged.error().message);
    if (salvaged->report) show(*salvaged->report, sink);
    sink(std::string(salvaged->report ? "" : "an earlier salvage had been interrupted; the ledger says what it has rescued: ") +
         "the rescued journal is in place; the damaged one is kept as " + salvaged->damaged + "\n");
    if (salvaged->report && !anything_lost(*salvaged->report)) return ExitStatus::done;
  } else {
    if (const Status whole = refuse_unfinished_salvage(journal); !whole) return complain(whole.error().message);
    const Result<SalvageReport> salvaged = salvage_journal(journal, to, clock.now());
    if (!salvaged) return complain(salvaged.error().message);
    show(*salvaged, sink);
    sink("the rescued journal is " + to + "; the damaged one is left in its place\n");
    if (!anything_lost(*salvaged)) return ExitStatus::done;
  }
  sink("what to do: start the daemon: exporters that miss lost numbers get a gap each; fetch their time again while the portal has it\n");
  return ExitStatus::needs_a_person;
}

}  // namespace auditferry
