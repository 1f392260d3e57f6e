#pragma once
// `auditferry dead-letters list` and `show`.

#include <string>

#include "daemon/text_report.h"
#include "storage/snapshot.h"

namespace auditferry {

// How many there were.
Result<std::size_t> render_letter_list(JournalReader& reader, const DeadLetterFilter& filter, const ReportSink& sink);
// Whole, with control characters made harmless.
Result<std::size_t> render_letters(JournalReader& reader, const DeadLetterFilter& filter, const ReportSink& sink);

}  // namespace auditferry
