#pragma once
// How a job has records delivered: halved where they are refused as a whole, sent again where the far end asks for it.

#include <string>
#include <vector>

#include "core/exporter.h"
#include "daemon/jobs.h"

namespace auditferry {

// What became of one record.
struct JobFate {
  enum class Kind { open, delivered, refused };
  Kind kind = Kind::open;
  std::string reason;  // of a refusal: the far end's words
};

struct JobDeliveryRules {
  // Where some of a write are rejected and nobody says which: each is sent once more by itself, or all count as refused.
  bool groups_alone = false;
  // Writes in a row of which nothing is taken, each with its own tries (write_for_job()), after which it ends.
  int writes_without_progress = 1;
};

// Ends when each record is delivered or refused, or with an error that says why the far end takes nothing now; the
// fates of the rest are open then. `records` and what they point at outlive it; `fates` becomes as long as they are.
Task<Status> deliver_for_job(Jobs& jobs, JobExporter& exporter, const std::vector<OutgoingRecord>& records, JobDeliveryRules rules,
                             std::vector<JobFate>& fates);

}  // namespace auditferry
