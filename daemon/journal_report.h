#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "daemon/text_report.h"
#include "storage/journal_copy.h"
#include "storage/snapshot.h"

namespace auditferry {

// `auditferry journal check`: everything that SQLite and the stored hashes can tell, with what to do about
// it. Reads the whole file. True: nothing was found (exit status 0), else exit status 3.
Result<bool> render_journal_check(JournalReader& reader, const ReportSink& sink);

// What the log says when the journal turned out to be a restored copy.
std::string words_for(const RecognisedCopy& copy);

// What is said when the journal's file was empty: Journal::note_empty_file.
std::string words_for_empty_file(const std::string& path);

// What to do about a finding of JournalReader::check().
std::string_view advice_for(std::string_view finding);

}  // namespace auditferry
