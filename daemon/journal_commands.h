#pragma once

#include <string>

#include "config/settings.h"
#include "daemon/daemon.h"
#include "daemon/text_report.h"

namespace auditferry {

// `auditferry journal backup`: copies the journal of a running (or stopped) daemon into a new file.
ExitStatus journal_backup(const Settings& settings, const std::string& to, const ReportSink& sink);

// `auditferry journal salvage`: rescues what can be read into a new journal. With `to` empty that takes the place of
// the damaged one, which stays beside it as journal.db.damaged-N. Only without a daemon.
ExitStatus journal_salvage(const Settings& settings, const std::string& to, const ReportSink& sink);

}  // namespace auditferry
