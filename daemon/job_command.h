#pragma once

#include <string>

#include "config/settings.h"
#include "daemon/daemon.h"
#include "daemon/text_report.h"

namespace auditferry {

// Has a job done and shows its progress: by the daemon where one runs, else by this process, which then
// holds the state directory meanwhile. `settings` has its secrets if no daemon runs.
ExitStatus do_job(const Settings& settings, const std::string& kind, const std::string& argument, const ReportSink& sink);

}  // namespace auditferry
