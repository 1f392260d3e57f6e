#include "daemon/replay_job.h"

#include <algorithm>
#include <any>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "core/bell.h"
#include "core/task_group.h"
#include "daemon/job_delivery.h"
#include "daemon/record_shape.h"
#include "encoding/json_object.h"
#include "encoding/json_view.h"
#include "exporters/file_settings.h"

namespace auditferry {
namespace {

constexpr int writes_without_progress = 6;
// Each is in memory until its end.
constexpr std::size_t most_batches_at_once = 16;

struct Tally {
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;
  std::uint64_t in_time = 0;  // found in the journal, selected or not
  std::string last_reason;
};

std::int64_t number_of(const JsonView& view, std::string_view key) {
  const auto value = view.find(key);
  return value ? value->as_int64().value_or(0) : 0;
}

std::string text_of(const JsonView& view, std::string_view key) {
  const auto value = view.find(key);
  return value ? value->as_string().value_or("") : std::string();
}

ReplayRequest request_of(const std::string& argument) {
  const JsonView view(argument);
  return {text_of(view, "exporter"),
          {from_micros(number_of(view, "from")), from_micros(number_of(view, "to"))},
          text_of(view, "stream")};
}

// The exporter's settings as a replay uses them.
ExporterSettings settings_for(const ExporterSettings& live, std::int64_t job_id) {
  ExporterSettings settings = live;
  if (const auto* file = std::any_cast<FileSettings>(&live.own)) {
    FileSettings own = *file;
    own.path += ".replay-" + std::to_string(job_id);
    settings.own = std::move(own);
  }
  return settings;
}

Task<Status> deliver_batch(Jobs& jobs, JobExporter& exporter, const ReplayRequest& request, RecordBatch batch,
                           Tally& tally) {
  std::erase_if(batch.records, [&request](const Record& record) {
    return !record.has_time || !request.range.contains(record.time) ||
           (!request.stream.empty() && record.stream != request.stream);
  });
  for (const Record& record : batch.records) tally.in_time += record.gap ? 0 : 1;
  const PreparedBatch prepared(std::move(batch), *exporter.shape);
  if (prepared.outgoing.empty()) co_return Status();
  std::vector<JobFate> fates;
  const JobDeliveryRules rules{false, writes_without_progress};
  Status delivered = co_await deliver_for_job(jobs, exporter, prepared.outgoing, rules, fates);
  std::uint64_t count = 0;
  for (const JobFate& fate : fates) {
    if (fate.kind == JobFate::Kind::delivered) ++count;
    if (fate.kind != JobFate::Kind::refused) continue;
    ++tally.refused;
    tally.last_reason = fate.reason;
  }
  tally.delivered += count;
  const std::string name = exporter.settings->name;
  auto note = [&](Journal& journal) { return journal.count_replayed(name, count); };
  const Status noted = co_await jobs.world().storage.run(note);
  if (!noted) co_return noted;
  co_return delivered;
}

std::string words_of(const Tally& tally) {
  std::string words = std::to_string(tally.delivered) + " records delivered again";
  if (tally.refused > 0) words += ", " + std::to_string(tally.refused) + " refused: " + tally.last_reason;
  return words;
}

// Reads the journal and has its batches delivered: several at the same time where the far end confirms later, since
// each of them waits for that.
class Replay {
 public:
  Replay(Executor executor, Jobs& jobs, JobExporter& exporter, const ReplayRequest& request, std::int64_t job_id)
      : jobs_(jobs), exporter_(exporter), request_(request), job_id_(job_id), ended_(executor), group_(executor) {
    const WriteLimits limits = exporter.exporter->limits();
    at_once_ = std::clamp<std::size_t>(limits.unconfirmed, 1, most_batches_at_once);
    exporter.turns = std::make_unique<WriteTurns>(executor, limits);
  }
  // The first trouble ends it, when every batch that is under way has ended.
  Task<Status> run() {
    co_await with_tasks(group_, deliver_all());
    co_return status_;
  }
  const Tally& tally() const { return tally_; }

 private:
  Task<void> deliver_all() {
    const BatchSettings limits = exporter_.settings->batch;
    auto begin = [](Journal& journal) { return journal.oldest_seq(); };
    const Result<std::uint64_t> oldest = co_await jobs_.world().storage.run(begin);
    if (!oldest) status_ = oldest.error();
    for (std::uint64_t after = oldest ? *oldest - 1 : 0; status_.ok();) {
      auto read = [after, limits](Journal& journal) { return journal.read(after, limits.records, limits.bytes); };
      Result<RecordBatch> batch = co_await jobs_.world().storage.run(read);
      if (!batch) status_ = batch.error();
      if (!batch || batch->last_seq == after) break;
      after = batch->last_seq;
      ++under_way_;
      group_.spawn("replay", deliver_one(std::move(batch).value()));
      while (under_way_ >= at_once_) co_await ended_.wait();
    }
    while (under_way_ > 0) co_await ended_.wait();
  }
  Task<void> deliver_one(RecordBatch batch) {
    const Status delivered = co_await deliver_batch(jobs_, exporter_, request_, std::move(batch), tally_);
    if (!delivered && status_.ok()) status_ = delivered;
    std::string progress = words_of(tally_);
    co_await jobs_.tell(job_id_, std::move(progress));
    --under_way_;
    ended_.ring();
  }

  Jobs& jobs_;
  JobExporter& exporter_;
  const ReplayRequest& request_;
  std::int64_t job_id_;
  std::size_t at_once_ = 1;
  std::size_t under_way_ = 0;
  Tally tally_;
  Status status_;
  Bell ended_;
  TaskGroup group_;
};

}  // namespace

std::string replay_argument(const ReplayRequest& request) {
  return JsonObject()
      .text("exporter", request.exporter)
      .value("from", std::to_string(to_micros(request.range.from)))
      .value("to", std::to_string(to_micros(request.range.to)))
      .text("stream", request.stream)
      .finish();
}

Task<JobOutcome> replay(Jobs& jobs, JobRow job) {
  const ReplayRequest request = request_of(job.argument);
  const ExporterSettings* live = jobs.exporter(request.exporter);
  if (live == nullptr)
    co_return JobOutcome{JobState::failed,
                         "there is no exporter " + request.exporter + " in the daemon's configuration"};
  const ExporterSettings settings = settings_for(*live, job.job_id);
  JobExporter exporter = jobs.world().make_exporter(settings);
  const Executor executor = co_await boost::asio::this_coro::executor;
  Replay run(executor, jobs, exporter, request, job.job_id);
  Status status = co_await open_for_job(jobs, exporter);
  if (status.ok()) status = co_await run.run();
  co_await exporter.exporter->close();
  const Tally& tally = run.tally();
  if (!status) co_return JobOutcome{JobState::failed, words_of(tally) + "; " + status.error().message};
  auto count = [&request](Journal& journal) { return journal.known_records(request.range, request.stream); };
  const Result<Journal::Known> known = co_await jobs.world().storage.run(count);
  JobOutcome outcome{tally.refused > 0 ? JobState::needs_a_person : JobState::done, words_of(tally)};
  if (known.ok() && known->fetched > tally.in_time) {
    outcome.state = JobState::needs_a_person;
    const std::uint64_t more = known->fetched - tally.in_time;
    const std::uint64_t staged = std::min(more, known->staged);
    if (more > staged) {
      outcome.words += "; " + std::to_string(more - staged) +
                       " more were fetched for this time and are not in the journal any more (journal.keep): "
                       "they are in what the exporter has already delivered";
    }
    if (staged > 0) {
      outcome.words += "; " + std::to_string(staged) +
                       " more are fetched and wait for the end of their walk ('auditferry status' shows them as "
                       "staged): they are delivered then, and can be replayed after it";
    }
  }
  co_return outcome;
}

}  // namespace auditferry
