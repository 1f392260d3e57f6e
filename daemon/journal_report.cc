#include "daemon/journal_report.h"

namespace auditferry {

std::string_view advice_for(std::string_view finding) {
  const auto says = [finding](std::string_view words) {
    return finding.find(words) != std::string_view::npos;
  };
  if (says("payload ") && says("is damaged")) {
    return "check the disk; exporters that have delivered these records miss nothing, the others get a gap; "
           "fetch the time again "
           "while the portal still has it";
  }
  if (says("ledger's chain")) {
    return "records are not affected; find out who changed the file, and keep a copy of it as it is now";
  }
  if (says("do not balance"))
    return "records are not affected, but this is a fault in auditferry: please report it with this output";
  return "the file is damaged: stop the daemon, copy the state folder, check the disk, then restore a "
         "backup, or begin with a new state folder and keep the old one: what the portal still has is fetched again";
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
    sink(report_count(findings->size()) + (findings->size() == 1 ? " finding\n" : " findings\n"));
  }
  return findings->empty();
}

}  // namespace auditferry
