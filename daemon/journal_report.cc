#include "daemon/journal_report.h"

#include "encoding/time_format.h"

namespace auditferry {

std::string_view advice_for(std::string_view finding) {
  const auto says = [finding](std::string_view words) {
    return finding.find(words) != std::string_view::npos;
  };
  if (says("payload ") && says("is damaged")) {
    return "check the disk; exporters that have delivered these records miss nothing, the others get a gap; "
           "'auditferry journal salvage' names the numbers that are gone";
  }
  if (says("dead letter ") && says("is damaged")) {
    return "check the disk; 'auditferry dead-letters retry' sends its record from the journal where that still has it, and never the "
           "damaged copy; else fetch its time again while the portal has it, and discard the letter";
  }
  if (says("quarantine item ")) return "check the disk; no record is affected: it is the original of what could not be taken as it came";
  if (says("ledger's chain")) {
    return "records are not affected; find out who changed the file, and keep a copy of it as it is now";
  }
  if (says("do not balance"))
    return "records are not affected, but this is a fault in auditferry: please report it with this output";
  return "the file is damaged: stop the daemon, check the disk, then run 'auditferry journal salvage', which rescues what can "
         "be read into a new journal and keeps the damaged file; or restore a backup";
}

Result<bool> render_journal_check(JournalReader& reader, const ReportSink& sink) {
  const Result<std::vector<std::string>> findings = reader.check();
  if (!findings) return findings.error();
  for (const std::string& finding : *findings) {
    sink(plain(finding) + "\n  what to do: " + std::string(advice_for(finding)) + "\n");
  }
  if (findings->empty()) {
    sink("the journal is in order: the file, every stored record, the books and the ledger's chains\n");
  } else {
    sink(counted(findings->size(), "finding", "findings") + "\n");
  }
  return findings->empty();
}

std::string words_for(const RecognisedCopy& copy) {
  return "this journal is a copy that was made at " + format_rfc3339(copy.copied_at) + " (epoch " + copy.epoch_before + "): its epoch is " +
         copy.epoch + " from now on. Exporters go on from the positions of that time, so far ends see later records again; see docs/journal.md, "
         "'After a restore'";
}

std::string words_for_empty_file(const std::string& path) {
  return "the journal " + path + " was a file without a byte in it, and a new journal was made in its place: after a first start that was "
         "interrupted nothing is missing; if there had been a journal before, stop the daemon and restore a backup (docs/journal.md, 'Backup and "
         "restore'), else every stream and exporter begins anew";
}

}  // namespace auditferry
