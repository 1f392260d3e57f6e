#pragma once
// The jobs of `auditferry gaps accept` and `auditferry exporter rename` and `forget`.

#include <string>

#include "daemon/jobs.h"
#include "storage/gap_care.h"

namespace auditferry {

// Jobs' arguments, as JSON objects. `by` is the user's name, for the ledger.
std::string gaps_accept_argument(const GapSelection& selection, const std::string& by, const std::string& reason);
std::string exporter_rename_argument(const std::string& name, const std::string& new_name, const std::string& by);
std::string exporter_forget_argument(const std::string& name, const std::string& by);

// Accepts the gaps that are selected and open. Fails, after the others, if one that was named is not open.
Task<JobOutcome> accept_gaps(Jobs& jobs, JobRow job);
Task<JobOutcome> rename_exporter_job(Jobs& jobs, JobRow job);
// Refused while the exporter is configured and enabled.
Task<JobOutcome> forget_exporter_job(Jobs& jobs, JobRow job);

}  // namespace auditferry
