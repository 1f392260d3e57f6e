#pragma once
// Jobs: what a command asks of the daemon (storage/jobs.h), carried out beside live work. A kind of job is a function in job_kinds() and a command that adds the row.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/log.h"
#include "core/random.h"
#include "daemon/record_shape.h"
#include "daemon/storage_queue.h"
#include "daemon/write_turns.h"
#include "storage/jobs.h"

namespace auditferry {

// An exporter of its own for one job: the live one is in use. Members are destroyed from the last.
struct JobExporter {
  std::shared_ptr<const void> kept = {};  // what the rest refers to, where a reload may change it meanwhile
  const ExporterSettings* settings = nullptr;
  std::unique_ptr<BlockingExecutor> thread;
  std::unique_ptr<RecordShape> shape;
  std::unique_ptr<Exporter> exporter;
  std::unique_ptr<WriteTurns> turns = {};  // of a job that has several writes under way; else null
};

// Jobs of one lane are carried out one after the other.
enum class JobLane { exporters, portals, waits };

struct JobOutcome {
  JobState state = JobState::done;  // done, needs_a_person or failed
  std::string words;                // what came of it, for the command to show
};

class Jobs;
class Poller;
using JobKind = Task<JobOutcome> (*)(Jobs& jobs, JobRow job);

// All of it outlives the jobs.
struct JobWorld {
  Clock& clock;
  Log& log;
  StorageQueue& storage;
  Random& random;
  const Settings& settings;
  std::function<JobExporter(const ExporterSettings& settings)> make_exporter;
  // The poller of a stream, at work; null: there is none. Nothing: this process has no pollers.
  std::function<Poller*(const std::string& source, const std::string& stream)> poller = {};
  // Holds back whoever asks with these credentials. Nothing: this process asks nobody.
  std::function<void(const std::vector<Penalty>& penalties)> obey = {};
};

// Loop thread only.
class Jobs {
 public:
  explicit Jobs(JobWorld world) : world_(std::move(world)) {}
  // Looks for queued jobs about every second, for ever. What asks portals may take days: the other jobs do
  // not wait for it.
  Task<void> run();
  // One job to its end, for commands that hold the journal themselves.
  Task<JobOutcome> carry_out(JobRow job);
  // Says how far a job is.
  Task<void> tell(std::int64_t job_id, std::string progress);

  JobWorld& world() { return world_; }
  // Null: no such exporter is configured.
  const ExporterSettings* exporter(const std::string& name) const;

 private:
  Task<void> work(JobLane lane);
  Task<void> set(std::int64_t job_id, JobState state, std::string words);
  JobWorld world_;
};

// Opens the exporter (with no state of its own), or says why not after a few tries.
Task<Status> open_for_job(Jobs& jobs, JobExporter& exporter);
// What a job waits at most for a far end that asks it to, since other jobs wait behind it.
inline constexpr Duration longest_job_wait = std::chrono::minutes(5);

// How long to wait before the next try; nothing: the far end asks for longer than a job may wait.
std::optional<Duration> wait_of_job(std::optional<Duration> retry_after, Duration backoff);
// What a job that gives up says of a far end that takes nothing for `reason`.
std::string takes_nothing(const std::string& reason, std::optional<Duration> retry_after);

// Writes until the far end has said what it thinks of the records: waits out a few retries, and gives up
// with the last outcome then, or at once when it would have to wait for longer than longest_job_wait.
Task<WriteOutcome> write_for_job(Jobs& jobs, JobExporter& exporter,
                                 const std::vector<OutgoingRecord>& records);

}  // namespace auditferry
