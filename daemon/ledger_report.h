#pragma once
// `auditferry ledger`: which page showed what and when, what is covered and what is not, and whether the
// hash chains (storage/ledger.h) are unbroken.

#include <optional>
#include <string>

#include "core/result.h"
#include "daemon/text_report.h"
#include "storage/snapshot.h"

namespace auditferry {

struct LedgerQuery {
  std::string source;  // "": all, and the daemon's own chain
  std::string stream;  // "": all
  std::optional<WallTime> from;
  std::optional<WallTime> to;
};

struct LedgerOutcome {
  bool unbroken = true;  // every chain that was asked for
  bool open_gaps = false;
};

// Rows in the order of their time, then coverage and open gaps, then the verdict on each chain. Chains are
// verified as a whole, whatever `from` and `to` say. As JSON: one object a line, its "type" being row,
// coverage, gap or chain (docs/commands.md). An error when a source or stream is not known.
Result<LedgerOutcome> render_ledger(JournalReader& reader, const LedgerQuery& query, bool json,
                                    const ReportSink& sink);

}  // namespace auditferry
