#include "storage/jobs.h"

#include <array>

#include "core/kill_point.h"
#include "storage/journal.h"
#include "storage/penalty_table.h"
#include "storage/schema.h"
#include "storage/sqlite.h"

namespace auditferry {
namespace {

constexpr std::array<const char*, 5> state_names{"queued", "running", "done", "needs_a_person", "failed"};

const char* name_of(JobState state) {
  return state_names[static_cast<std::size_t>(state)];
}

JobState state_of(std::string_view name) {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (name == state_names[i]) return static_cast<JobState>(i);
  }
  return JobState::failed;
}

JobRow job_row(const Statement& statement) {
  return {statement.integer(0), std::string(statement.text(1)), std::string(statement.text(2)),
          state_of(statement.text(3)), std::string(statement.text(4))};
}

// Statements outside of a transaction are one of their own, with its kill points.
std::int64_t insert(Database& database, const std::string& kind, const std::string& argument, WallTime now) {
  Statement statement(database, "INSERT INTO job(kind, argument, state, at) VALUES (?, ?, 'queued', ?)");
  kill_point("commit.before", "add_job");
  statement.run(kind, argument, to_micros(now));
  kill_point("commit.after", "add_job");
  return database.last_insert_id();
}

}  // namespace

Result<std::unique_ptr<JobClient>> JobClient::open(const std::string& journal_path) {
  return guarded([&]() -> Result<std::unique_ptr<JobClient>> {
    auto database = std::make_unique<Database>(journal_path, Database::Mode::create);
    check_schema(*database);
    database->execute("PRAGMA synchronous = FULL");
    return std::unique_ptr<JobClient>(new JobClient(std::move(database)));
  });
}

JobClient::JobClient(std::unique_ptr<Database> database) : database_(std::move(database)) {}
JobClient::~JobClient() = default;

Result<std::int64_t> JobClient::add(const std::string& kind, const std::string& argument, WallTime now) {
  return guarded([&]() -> Result<std::int64_t> { return insert(*database_, kind, argument, now); });
}

Result<JobRow> JobClient::look(std::int64_t job_id) {
  return guarded([&]() -> Result<JobRow> {
    Statement statement(*database_,
                        "SELECT job_id, kind, argument, state, progress FROM job WHERE job_id = ?");
    if (statement.query(job_id).step()) return job_row(statement);
    return Error{ErrorKind::not_found,
                 "job " + std::to_string(job_id) + " is gone from the journal; see 'auditferry status'"};
  });
}

Status JobClient::keep_penalty(const Penalty& penalty) {
  return guarded([&]() -> Status {
    put_penalty(*database_, penalty);
    return {};
  });
}

Result<std::int64_t> add_job(Journal& journal, const std::string& kind, const std::string& argument,
                             WallTime now) {
  return guarded([&]() -> Result<std::int64_t> { return insert(journal.database(), kind, argument, now); });
}

Result<std::vector<JobRow>> queued_jobs(Journal& journal) {
  return guarded([&]() -> Result<std::vector<JobRow>> {
    Statement statement(journal.database(),
                        "SELECT job_id, kind, argument, state, progress FROM job WHERE state = 'queued' "
                        "ORDER BY job_id LIMIT 100");
    std::vector<JobRow> jobs;
    statement.query();
    while (statement.step()) jobs.push_back(job_row(statement));
    return jobs;
  });
}

Status set_job(Journal& journal, std::int64_t job_id, JobState state, const std::string& progress) {
  return guarded([&]() -> Status {
    Statement statement(journal.database(), "UPDATE job SET state = ?, progress = ? WHERE job_id = ?");
    kill_point("commit.before", "set_job");
    statement.run(name_of(state), progress, job_id);
    kill_point("commit.after", "set_job");
    return {};
  });
}

Status tidy_jobs(Journal& journal, WallTime before) {
  return guarded([&]() -> Status {
    Transaction transaction(journal.database());
    Statement fail(
        journal.database(),
        "UPDATE job SET state = 'failed', progress = 'the daemon ended before it was done: ask for it again' "
        "WHERE state = 'running'");
    fail.run();
    Statement drop(journal.database(), "DELETE FROM job WHERE state NOT IN ('queued', 'running') AND at < ?");
    drop.run(to_micros(before));
    kill_point("commit.before", "tidy_jobs");
    transaction.commit();
    kill_point("commit.after", "tidy_jobs");
    return {};
  });
}

}  // namespace auditferry
