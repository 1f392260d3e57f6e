#include "daemon/letter_jobs.h"

#include <deque>
#include <map>
#include <utility>

#include "daemon/job_delivery.h"
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

std::string words_without_record(const DeadLetterRow& letter) {
  if (letter.damaged) {
    return "dead letter " + std::to_string(letter.letter_id) + " is damaged on the disk and the journal has no other copy of its record: it was not "
           "sent. Check the disk, fetch its time again with 'auditferry backfill' while the portal has it, then discard the letter";
  }
  return "its record is not in the journal any more, and an older auditferry did not keep it with the letter: "
         "'auditferry dead-letters show' still has the bytes that were refused";
}

// The record as the letter kept it, else as the journal still has it.
Task<Result<RecordBatch>> record_of(Jobs& jobs, DeadLetterRow& letter) {
  if (!letter.batch.records.empty()) co_return std::move(letter.batch);
  const std::uint64_t seq = letter.seq;
  auto read = [seq](Journal& journal) { return journal.read(seq - 1, 1, 1); };
  Result<RecordBatch> batch = co_await jobs.world().storage.run(read);
  if (batch.ok() && batch->records.empty()) {
    co_return Error{letter.damaged ? ErrorKind::corrupt : ErrorKind::not_found, words_without_record(letter)};
  }
  co_return batch;
}

// Ready to be sent. Stays where it is, since what is sent points at it.
struct ReadyLetter {
  std::int64_t letter_id = 0;
  RecordBatch batch;  // whose memory the record is in
  Record record;
  std::string redacted;
  std::string bytes;
};

// Letters of one exporter that go out in one write.
struct LetterBatch {
  JobExporter* exporter = nullptr;
  bool alone = false;  // nothing is added
  std::deque<ReadyLetter> letters;
  std::uint64_t bytes = 0;

  bool takes(const JobExporter* other, const DeadLetterRow& letter) const {
    if (letters.empty()) return true;
    const BatchSettings& limits = exporter->settings->batch;
    return exporter == other && !alone && letter.group == 0 && letters.size() < limits.records && bytes < limits.bytes;
  }
  // Letters of a group go alone: the far end has refused some of them and not said which.
  void add(JobExporter& owner, const DeadLetterRow& letter, RecordBatch batch) {
    exporter = &owner;
    alone = letter.group != 0;
    ReadyLetter& ready = letters.emplace_back();
    ready.letter_id = letter.letter_id;
    ready.batch = std::move(batch);
    ready.record = ready.batch.records.front();
    owner.shape->redact(ready.record, ready.redacted);
    owner.shape->append(ready.record, ready.bytes);
    bytes += ready.bytes.size();
  }
};

Task<Status> take_down(Jobs& jobs, std::int64_t letter_id, const JobFate& fate, Tally& tally) {
  if (fate.kind == JobFate::Kind::open) co_return Status();
  const WallTime now = jobs.world().clock.now();
  const bool refused = fate.kind == JobFate::Kind::refused;
  auto note = [&](Journal& journal) -> Status {
    if (refused) return keep_dead_letter(journal, letter_id, fate.reason);
    const Result<bool> settled = settle_dead_letter(journal, letter_id, LetterEnd::delivered, now);
    return settled.ok() ? Status() : Status(settled.error());
  };
  const Status noted = co_await jobs.world().storage.run(note);
  if (!noted) co_return noted;
  ++(refused ? tally.refused : tally.delivered);
  if (refused) tally.last_reason = fate.reason;
  co_return noted;
}

// Sends what is in the batch and takes down what came of it, also where the far end stops taking in the middle.
Task<Status> send_letters(Jobs& jobs, LetterBatch& batch, Tally& tally) {
  if (batch.letters.empty()) co_return Status();
  const LetterBatch sending = std::exchange(batch, {});  // whose letters stay in their places
  std::vector<OutgoingRecord> records;
  for (const ReadyLetter& letter : sending.letters) records.push_back({&letter.record, letter.bytes});
  std::vector<JobFate> fates;
  const JobDeliveryRules rules{true, 1};
  Status status = co_await deliver_for_job(jobs, *sending.exporter, records, rules, fates);
  for (std::size_t i = 0; i < fates.size(); ++i) {
    const Status noted = co_await take_down(jobs, sending.letters[i].letter_id, fates[i], tally);
    if (!noted) co_return noted;
  }
  co_return status;
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

// Adds the letter to the batch, which is sent before when there is no room in it.
Task<Status> retry_one(Jobs& jobs, std::int64_t letter_id, std::map<std::string, JobExporter>& exporters,
                       LetterBatch& batch, Tally& tally) {
  auto find = [letter_id](Journal& journal) { return find_dead_letter(journal, letter_id); };
  Result<std::optional<DeadLetterRow>> letter = co_await jobs.world().storage.run(find);
  if (!letter) co_return std::move(letter).error();
  if (!letter->has_value()) {
    ++tally.gone;
    co_return Status();
  }
  Result<JobExporter*> exporter = co_await exporter_for(jobs, (*letter)->exporter, exporters);
  if (!exporter) co_return std::move(exporter).error();
  Result<RecordBatch> record = co_await record_of(jobs, **letter);
  if (!record) {
    ++tally.refused;  // it stays as it is, with its own reason
    tally.last_reason = record.error().message;
    co_return Status();
  }
  if (!batch.takes(*exporter, **letter)) {
    Status sent = co_await send_letters(jobs, batch, tally);
    if (!sent) co_return sent;
  }
  batch.add(**exporter, **letter, std::move(record).value());
  co_return Status();
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
  LetterBatch batch;
  Status status;
  std::size_t told = 0;
  for (const std::int64_t id : *ids) {
    status = co_await retry_one(jobs, id, exporters, batch, tally);
    if (!status) break;
    const std::size_t settled = tally.delivered + tally.refused + tally.gone;
    if (settled == std::exchange(told, settled)) continue;
    std::string progress = words_of(tally);
    co_await jobs.tell(job.job_id, std::move(progress));
  }
  // Also where an exporter is not configured any more: the letters before it are not its.
  const Status sent = co_await send_letters(jobs, batch, tally);
  if (status.ok()) status = sent;
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
