#include "daemon/jobs.h"

#include "core/task_group.h"
#include "daemon/backfill_job.h"
#include "daemon/backoff.h"
#include "daemon/care_jobs.h"
#include "daemon/letter_jobs.h"
#include "daemon/replay_job.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr Duration look_every = std::chrono::seconds(1);
constexpr Duration jobs_keep = std::chrono::hours(24 * 30);
constexpr int tries = 6;

struct Kind {
  const char* name;
  JobKind carry_out;
  JobLane lane = JobLane::exporters;
};

// A command was told to wait and has stored it (daemon/keep_wait.h): this process obeys it as well.
Task<JobOutcome> obey_waits(Jobs& jobs, JobRow) {
  const WallTime now = jobs.world().clock.now();
  auto look = [now](Journal& journal) { return journal.penalties(now); };
  const Result<std::vector<Penalty>> penalties = co_await jobs.world().storage.run(look);
  if (!penalties) co_return JobOutcome{JobState::failed, penalties.error().message};
  if (jobs.world().obey) jobs.world().obey(*penalties);
  co_return JobOutcome{JobState::done, "the waits that portals have asked for are obeyed"};
}

constexpr Kind kinds[] = {
    {"dead_letters_retry", retry_letters},
    {"dead_letters_discard", discard_letters},
    {"replay", replay},
    {"gaps_accept", accept_gaps},
    {"exporter_rename", rename_exporter_job},
    {"exporter_forget", forget_exporter_job},
    {"backfill", backfill, JobLane::portals},
    {"obey_waits", obey_waits, JobLane::waits},
};

// A kind that is not known fails in the first lane.
JobLane lane_of(const std::string& name) {
  for (const Kind& kind : kinds) {
    if (name == kind.name) return kind.lane;
  }
  return JobLane::exporters;
}

std::optional<JobRow> first_of(JobLane lane, const std::vector<JobRow>& queued) {
  for (const JobRow& job : queued) {
    if (lane_of(job.kind) == lane) return job;
  }
  return std::nullopt;
}

std::string name_of(const JobRow& job) { return "job " + std::to_string(job.job_id) + " (" + job.kind + ")"; }

// Which job, and whose records it is about where that is one exporter's or source's.
std::vector<LogField> fields_of(const JobRow& job) {
  std::vector<LogField> fields{{"job", std::to_string(job.job_id)}};
  const JsonView argument(job.argument);
  for (const char* key : {"exporter", "source", "stream"}) {
    const auto value = argument.find(key);
    std::string text = value ? value->as_string().value_or("") : std::string();
    if (!text.empty()) fields.push_back({key, std::move(text)});
  }
  return fields;
}

}  // namespace

const ExporterSettings* Jobs::exporter(const std::string& name) const {
  for (const ExporterSettings& settings : world_.settings.exporters) {
    if (settings.name == name) return &settings;
  }
  return nullptr;
}

Task<void> Jobs::run() {
  const WallTime before = world_.clock.now() - jobs_keep;
  auto tidy = [before](Journal& journal) { return tidy_jobs(journal, before); };
  const Status tidied = co_await world_.storage.run(tidy);
  if (!tidied) world_.log.warn("old jobs could not be removed: " + tidied.error().message);
  Task<void> of_exporters = work(JobLane::exporters);
  Task<void> of_portals = work(JobLane::portals);
  Task<void> others = both(std::move(of_exporters), std::move(of_portals));
  Task<void> of_waits = work(JobLane::waits);
  co_await both(std::move(others), std::move(of_waits));
}

Task<void> Jobs::work(JobLane lane) {
  for (;;) {
    auto look = [](Journal& journal) { return queued_jobs(journal); };
    const Result<std::vector<JobRow>> queued = co_await world_.storage.run(look);
    if (!queued) world_.log.warn("the journal's jobs cannot be read: " + queued.error().message);
    const std::optional<JobRow> next = queued ? first_of(lane, *queued) : std::nullopt;
    if (!next) {
      co_await world_.clock.sleep(look_every);
      continue;
    }
    JobRow job = *next;
    const std::string name = name_of(job);
    const std::vector<LogField> fields = fields_of(job);
    world_.log.info(name + " begins", fields);
    const JobOutcome outcome = co_await carry_out(std::move(job));
    world_.log.info(name + " has ended: " + outcome.words, fields);
  }
}

Task<JobOutcome> Jobs::carry_out(JobRow job) {
  const std::int64_t job_id = job.job_id;
  JobOutcome outcome{JobState::failed, "this auditferry does not know jobs of the kind " + job.kind};
  for (const Kind& kind : kinds) {
    if (job.kind != kind.name) continue;
    co_await set(job_id, JobState::running, "");
    outcome = co_await kind.carry_out(*this, std::move(job));
    break;
  }
  co_await set(job_id, outcome.state, outcome.words);
  co_return outcome;
}

Task<void> Jobs::tell(std::int64_t job_id, std::string progress) {
  co_await set(job_id, JobState::running, std::move(progress));
}

Task<void> Jobs::set(std::int64_t job_id, JobState state, std::string words) {
  auto job = [&](Journal& journal) { return set_job(journal, job_id, state, words); };
  const Status stored = co_await world_.storage.run(job);
  if (!stored) {
    world_.log.warn("how far job " + std::to_string(job_id) + " is could not be noted down: " + stored.error().message,
                    {{"job", std::to_string(job_id)}});
  }
}

Task<Status> open_for_job(Jobs& jobs, JobExporter& exporter) {
  Backoff backoff(jobs.world().random, std::chrono::seconds(1), exporter.settings->max_backoff);
  const ExporterState none;
  for (int i = 1;; ++i) {
    Status opened = co_await exporter.exporter->open(none);
    if (opened.ok() || i == tries) co_return opened;
    co_await jobs.world().clock.sleep(backoff.next());
  }
}

std::optional<Duration> wait_of_job(std::optional<Duration> retry_after, Duration backoff) {
  if (retry_after && *retry_after > longest_job_wait) return std::nullopt;
  return std::min(retry_after.value_or(backoff), longest_job_wait);
}

std::string takes_nothing(const std::string& reason, std::optional<Duration> retry_after) {
  std::string words = "the far end takes nothing now: " + reason;
  if (!retry_after || *retry_after <= longest_job_wait) return words + "; the rest is kept: give the command again later";
  return words + "; it asks to wait " + format_duration(std::chrono::ceil<std::chrono::seconds>(*retry_after)) +
         ", longer than a job holds up others (" + format_duration(longest_job_wait) +
         "): the rest is kept, give the command again after that";
}

Task<WriteOutcome> write_for_job(Jobs& jobs, JobExporter& exporter,
                                 const std::vector<OutgoingRecord>& records) {
  Backoff backoff(jobs.world().random, std::chrono::seconds(1), exporter.settings->max_backoff);
  for (int i = 1;; ++i) {
    WriteOutcome outcome;
    {
      WriteTurns::Turn turn(exporter.turns.get());
      co_await turn.begin();
      outcome = co_await exporter.exporter->write(records, turn);
    }
    if (outcome.verdict != Verdict::retry || i == tries) co_return outcome;
    const std::optional<Duration> wait = wait_of_job(outcome.retry_after, backoff.next());
    if (!wait) co_return outcome;
    co_await jobs.world().clock.sleep(*wait);
  }
}

}  // namespace auditferry
