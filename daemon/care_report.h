#pragma once
// `auditferry gaps list` and `auditferry exporter list`. JSON: one object a line, with the names of
// `status --json` (docs/commands.md).

#include <cstddef>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/text_report.h"
#include "storage/snapshot.h"

namespace auditferry {

// Which gaps are listed; empty: all.
struct GapListQuery {
  std::string source = {};
  std::string stream = {};
  std::string state = {};
};

// How many of the listed ones are open.
std::size_t render_gap_list(const JournalSnapshot& snapshot, const std::vector<GapRow>& gaps, const GapListQuery& query, bool json,
                            const ReportSink& sink);

// What the journal knows, then what is configured and was never started.
void render_exporter_list(const JournalSnapshot& snapshot, const Settings& settings, WallTime now, bool json, const ReportSink& sink);

}  // namespace auditferry
