#pragma once
// `auditferry check --online`: asks every portal a few questions and greets every exporter, and says in
// words what does not fit. Needs no daemon and changes nothing, neither here nor there, but for a wait that a portal
// asks for: it is kept.

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/http_client.h"
#include "core/log.h"
#include "core/random.h"
#include "core/task.h"
#include "daemon/portal_session.h"
#include "daemon/text_report.h"
#include "storage/journal_types.h"

namespace auditferry {

struct CheckedSource {
  const SourceSettings* settings = nullptr;
  HttpClient* http = nullptr;
};
struct CheckedExporter {
  std::string name;
  Exporter* exporter = nullptr;
};

// All of it outlives the check.
struct CheckWorld {
  Clock& clock;
  Log& log;
  Random& random;
  const std::vector<Penalty>& penalties;  // see stored_penalties()
  KeepPenalty keep_penalty;               // see keep_wait()
  const ReportSink& sink;
};

// The waits that portals have asked for, out of a journal that may belong to a running daemon; none when
// there is no journal yet. Blocks.
Result<std::vector<Penalty>> stored_penalties(const std::string& journal_path);

// One line per item, "ok   …" or "FAIL …". A portal that has asked us to wait is not asked: that is a FAIL
// that says until when. True: everything is ok (exit status 0), else exit status 1.
Task<bool> check_online(CheckWorld world, const std::vector<CheckedSource>& sources,
                        const std::vector<CheckedExporter>& exporters);

}  // namespace auditferry
