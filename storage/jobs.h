#pragma once
// Jobs: what a command asks a running daemon to do. A row goes from queued to running to done or failed;
// `progress` says in words how far it is, in the end what came of it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "storage/journal_types.h"

namespace auditferry {

class Database;
class Journal;

enum class JobState { queued, running, done, needs_a_person, failed };

struct JobRow {
  std::int64_t job_id = 0;
  std::string kind;      // for example "dead_letters"
  std::string argument;  // a JSON object, the kind's own
  JobState state = JobState::queued;
  std::string progress;
};

// The journal as a command beside the daemon uses it: may add a job and look at it, keep a wait, and nothing else.
class JobClient {
 public:
  static Result<std::unique_ptr<JobClient>> open(const std::string& journal_path);
  ~JobClient();
  Result<std::int64_t> add(const std::string& kind, const std::string& argument, WallTime now);
  Result<JobRow> look(std::int64_t job_id);
  // A wait that a portal has asked this process for; durable when it returns. Needs no daemon.
  Status keep_penalty(const Penalty& penalty);

 private:
  explicit JobClient(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

// The daemon's side, on the storage thread.
Result<std::int64_t> add_job(Journal& journal, const std::string& kind, const std::string& argument,
                             WallTime now);
// Those that wait, the oldest first; at most a hundred.
Result<std::vector<JobRow>> queued_jobs(Journal& journal);
Status set_job(Journal& journal, std::int64_t job_id, JobState state, const std::string& progress);
// Jobs that a process left running when it ended are failed, and ended ones from before `before` go.
Status tidy_jobs(Journal& journal, WallTime before);

}  // namespace auditferry
