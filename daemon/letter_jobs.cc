#include "daemon/letter_jobs.h"

#include <map>

#include "daemon/record_shape.h"
#include "daemon/text_report.h"
#include "encoding/json_object.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

DeadLetterFilter filter_of(const std::string& argument) {
  const JsonView view(argument);
  DeadLetterFilter filter;
  if (const auto name = view.find("exporter")) filter.exporter = name->as_string().value_or("");
  if (const auto letters = view.find("letters")) {
    for (const JsonView letter : letters->elements())
      filter.letter_ids.push_back(letter.as_int64().value_or(0));
  }
  return filter;
}

std::string letters(std::size_t count) { return counted(count, "dead letter", "dead letters"); }

struct Tally {
  std::size_t all = 0;
  std::size_t delivered = 0;
  std::size_t refused = 0;
  std::size_t gone = 0;
  std::string last_reason;
};

// The record as the letter kept it, else as the journal still has it.
Task<Result<RecordBatch>> record_of(Jobs& jobs, DeadLetterRow& letter) {
  if (!letter.batch.records.empty()) co_return std::move(letter.batch);
  const std::uint64_t seq = letter.seq;
  auto read = [seq](Journal& journal) { return journal.read(seq - 1, 1, 1); };
  Result<RecordBatch> batch = co_await jobs.world().storage.run(read);
  if (batch.ok() && batch->records.empty()) {
    co_return Error{
        ErrorKind::not_found,
        "its record is not in the journal any more, and an older auditferry did not keep it with the letter: "
        "'auditferry dead-letters show' still has the bytes that were refused"};
  }
  co_return batch;
}

// What the far end says of one letter: delivered, poison (refused again), or retry and pause (no answer).
Task<WriteOutcome> deliver_letter(Jobs& jobs, JobExporter& exporter, const Record& record) {
  Record shown = record;
  std::string redacted_json;
  exporter.shape->redact(shown, redacted_json);
  std::string bytes;
  exporter.shape->append(shown, bytes);
  const std::vector<OutgoingRecord> records{{&shown, bytes}};
  WriteOutcome outcome = co_await write_for_job(jobs, exporter, records);
  if (!outcome.records.empty()) {
    const RecordOutcome one = outcome.records.front();
    outcome.verdict = one.verdict;
    if (!one.reason.empty()) outcome.reason = one.reason;
  }
  if (outcome.verdict == Verdict::refused) outcome.verdict = Verdict::poison;
  co_return outcome;
}

Task<Status> take_down(Jobs& jobs, std::int64_t letter_id, const WriteOutcome& outcome, Tally& tally) {
  const WallTime now = jobs.world().clock.now();
  auto note = [&](Journal& journal) -> Status {
    if (outcome.verdict == Verdict::poison) return keep_dead_letter(journal, letter_id, outcome.reason);
    const Result<bool> settled = settle_dead_letter(journal, letter_id, LetterEnd::delivered, now);
    return settled.ok() ? Status() : Status(settled.error());
  };
  const Status noted = co_await jobs.world().storage.run(note);
  if (!noted) co_return noted;
  if (outcome.verdict == Verdict::poison) {
    ++tally.refused;
    tally.last_reason = outcome.reason;
  } else {
    ++tally.delivered;
  }
  co_return noted;
}

std::string words_of(const Tally& tally) {
  std::string words = letters(tally.all) + ": " + report_count(tally.delivered) + " delivered, " +
                      report_count(tally.refused) + " refused again";
  if (tally.gone > 0) words += ", " + report_count(tally.gone) + " gone meanwhile";
  if (!tally.last_reason.empty()) words += "; the last refusal: " + tally.last_reason;
  return words;
}

// The letter's exporter, made and opened when it is needed first.
Task<Result<JobExporter*>> exporter_for(Jobs& jobs, const std::string& name,
                                        std::map<std::string, JobExporter>& exporters) {
  const auto known = exporters.find(name);
  if (known != exporters.end()) co_return &known->second;
  const ExporterSettings* settings = jobs.exporter(name);
  if (settings == nullptr) {
    co_return Error{
        ErrorKind::not_found,
        "the exporter " + name + " is not configured any more: add it again, or discard its dead letters"};
  }
  JobExporter& exporter = exporters.emplace(name, jobs.world().make_exporter(*settings)).first->second;
  const Status opened = co_await open_for_job(jobs, exporter);
  if (!opened) co_return opened.error();
  co_return &exporter;
}

Task<Status> retry_one(Jobs& jobs, std::int64_t letter_id, std::map<std::string, JobExporter>& exporters,
                       Tally& tally) {
  auto find = [letter_id](Journal& journal) { return find_dead_letter(journal, letter_id); };
  Result<std::optional<DeadLetterRow>> letter = co_await jobs.world().storage.run(find);
  if (!letter) co_return std::move(letter).error();
  if (!letter->has_value()) {
    ++tally.gone;
    co_return Status();
  }
  Result<JobExporter*> exporter = co_await exporter_for(jobs, (*letter)->exporter, exporters);
  if (!exporter) co_return std::move(exporter).error();
  const Result<RecordBatch> batch = co_await record_of(jobs, **letter);
  if (!batch) {
    ++tally.refused;  // it stays as it is, with its own reason
    tally.last_reason = batch.error().message;
    co_return Status();
  }
  const WriteOutcome outcome = co_await deliver_letter(jobs, **exporter, batch->records.front());
  if (outcome.verdict == Verdict::retry || outcome.verdict == Verdict::pause) {
    co_return Error{ErrorKind::unavailable, takes_nothing(outcome.reason, outcome.retry_after)};
  }
  co_return co_await take_down(jobs, letter_id, outcome, tally);
}

}  // namespace

std::string letters_argument(const DeadLetterFilter& filter) {
  std::string ids = "[";
  for (const std::int64_t id : filter.letter_ids) ids += (ids.size() > 1 ? "," : "") + std::to_string(id);
  return JsonObject().text("exporter", filter.exporter).value("letters", ids + "]").finish();
}

Task<JobOutcome> retry_letters(Jobs& jobs, JobRow job) {
  const DeadLetterFilter filter = filter_of(job.argument);
  auto list = [&filter](Journal& journal) { return dead_letter_ids(journal, filter); };
  const Result<std::vector<std::int64_t>> ids = co_await jobs.world().storage.run(list);
  if (!ids) co_return JobOutcome{JobState::failed, ids.error().message};
  std::map<std::string, JobExporter> exporters;
  Tally tally;
  tally.all = ids->size();
  Status status;
  for (const std::int64_t id : *ids) {
    status = co_await retry_one(jobs, id, exporters, tally);
    if (!status) break;
    std::string progress = words_of(tally);
    co_await jobs.tell(job.job_id, std::move(progress));
  }
  for (auto& [name, exporter] : exporters) co_await exporter.exporter->close();
  JobOutcome outcome{tally.refused > 0 ? JobState::needs_a_person : JobState::done, words_of(tally)};
  if (!status) outcome = {JobState::failed, words_of(tally) + "; " + status.error().message};
  co_return outcome;
}

Task<JobOutcome> discard_letters(Jobs& jobs, JobRow job) {
  const DeadLetterFilter filter = filter_of(job.argument);
  auto list = [&filter](Journal& journal) { return dead_letter_ids(journal, filter); };
  const Result<std::vector<std::int64_t>> ids = co_await jobs.world().storage.run(list);
  if (!ids) co_return JobOutcome{JobState::failed, ids.error().message};
  std::size_t discarded = 0;
  for (const std::int64_t id : *ids) {
    const WallTime now = jobs.world().clock.now();
    auto discard = [id, now](Journal& journal) {
      return settle_dead_letter(journal, id, LetterEnd::discarded, now);
    };
    const Result<bool> settled = co_await jobs.world().storage.run(discard);
    if (!settled)
      co_return JobOutcome{JobState::failed, letters(discarded) + " discarded; " + settled.error().message};
    if (*settled) ++discarded;
  }
  co_return JobOutcome{JobState::done, letters(discarded) + " discarded; the ledger says which"};
}

}  // namespace auditferry
