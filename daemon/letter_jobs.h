#pragma once
// The jobs of `auditferry dead-letters`.

#include <string>
#include <vector>

#include "daemon/jobs.h"
#include "storage/dead_letters.h"

namespace auditferry {

// A job's argument, as a JSON object.
std::string letters_argument(const DeadLetterFilter& filter);

// Letters are delivered again in batches of the exporter's size, those of a group one by one: success removes a letter
// and moves the books from dead to delivered, a refusal keeps it with the new reason. Stops where the far end answers
// nobody.
Task<JobOutcome> retry_letters(Jobs& jobs, JobRow job);
// Removes the letters, with a row in the ledger each; the books move from dead to discarded.
Task<JobOutcome> discard_letters(Jobs& jobs, JobRow job);

}  // namespace auditferry
