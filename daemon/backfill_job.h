#pragma once
// The job of `auditferry backfill`.

#include <string>

#include "config/settings.h"
#include "daemon/jobs.h"

namespace auditferry {

struct BackfillRequest {
  std::string source;
  std::string stream;  // empty: every stream of the source
  TimeRange window{};
};

// Why it cannot be done, and what to do instead; nothing when it can. Names the source or stream that was
// probably meant.
Status check_backfill(const Settings& settings, const BackfillRequest& request, WallTime now);

// A job's argument, as a JSON object.
std::string backfill_argument(const BackfillRequest& request);

// One stream after the other, each by its poller. Needs a person where gaps are open in the window.
Task<JobOutcome> backfill(Jobs& jobs, JobRow job);

}  // namespace auditferry
