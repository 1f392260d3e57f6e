#pragma once
// What the commands have in common: how they complain, where they print, and the journal that they look into.

#include <memory>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/daemon.h"
#include "storage/snapshot.h"

namespace auditferry {

// "auditferry: message" on standard error; gives `status` back.
ExitStatus complain(const std::string& message, ExitStatus status = ExitStatus::failed);
// On standard output. A ReportSink.
void print(std::string_view text);

std::string journal_path(const Settings& settings);
// For looking, also beside a running daemon. The error says what to do when there is no journal.
Result<std::unique_ptr<JournalReader>> open_reader(const Settings& settings);

}  // namespace auditferry
