#pragma once
// The job of `auditferry replay`: journal records of a time, delivered again to one exporter through an
// exporter of its own. Live positions are not touched; a file exporter gets PATH.replay-N, N the job's id.

#include <string>

#include "daemon/jobs.h"

namespace auditferry {

struct ReplayRequest {
  std::string exporter;
  TimeRange range{};
  std::string stream;  // by name; empty: all
};

// A job's argument, as a JSON object.
std::string replay_argument(const ReplayRequest& request);

Task<JobOutcome> replay(Jobs& jobs, JobRow job);

}  // namespace auditferry
