#include "daemon/care_jobs.h"

#include <algorithm>

#include "daemon/text_report.h"
#include "encoding/json_object.h"
#include "encoding/json_view.h"
#include "storage/exporter_care.h"

namespace auditferry {
namespace {

std::string text_of(const std::string& argument, std::string_view key) {
  const auto value = JsonView(argument).find(key);
  return value ? value->as_string().value_or("") : std::string();
}

GapSelection selection_of(const std::string& argument) {
  const JsonView view(argument);
  GapSelection selection;
  selection.source = text_of(argument, "source");
  selection.stream = text_of(argument, "stream");
  selection.exporter = text_of(argument, "exporter");
  if (const auto gaps = view.find("gaps")) {
    for (const JsonView gap : gaps->elements()) selection.gap_ids.push_back(gap.as_int64().value_or(0));
  }
  const auto from = view.find("from");
  const auto to = view.find("to");
  if (from && to) selection.range = TimeRange{from_micros(from->as_int64().value_or(0)), from_micros(to->as_int64().value_or(0))};
  return selection;
}

// The ids that were named and are not among the open ones.
std::string not_open(const std::vector<std::int64_t>& named, const std::vector<std::int64_t>& open) {
  std::string ids;
  for (const std::int64_t id : named) {
    if (std::find(open.begin(), open.end(), id) == open.end()) ids += (ids.empty() ? "" : ", ") + std::to_string(id);
  }
  return ids;
}

}  // namespace

std::string gaps_accept_argument(const GapSelection& selection, const std::string& by, const std::string& reason) {
  std::string ids = "[";
  for (const std::int64_t id : selection.gap_ids) ids += (ids.size() > 1 ? "," : "") + std::to_string(id);
  JsonObject object;
  object.value("gaps", ids + "]").text("source", selection.source).text("stream", selection.stream);
  object.text("exporter", selection.exporter).text("by", by).text("reason", reason);
  if (selection.range) {
    object.value("from", std::to_string(to_micros(selection.range->from)));
    object.value("to", std::to_string(to_micros(selection.range->to)));
  }
  return object.finish();
}

std::string exporter_rename_argument(const std::string& name, const std::string& new_name, const std::string& by) {
  return JsonObject().text("exporter", name).text("new_name", new_name).text("by", by).finish();
}

std::string exporter_forget_argument(const std::string& name, const std::string& by) {
  return JsonObject().text("exporter", name).text("by", by).finish();
}

Task<JobOutcome> accept_gaps(Jobs& jobs, JobRow job) {
  const GapSelection selection = selection_of(job.argument);
  const std::string by = text_of(job.argument, "by");
  const std::string reason = text_of(job.argument, "reason");
  auto list = [&selection](Journal& journal) { return open_gap_ids(journal, selection); };
  const Result<std::vector<std::int64_t>> ids = co_await jobs.world().storage.run(list);
  if (!ids) co_return JobOutcome{JobState::failed, ids.error().message};
  std::uint64_t accepted = 0;
  for (const std::int64_t id : *ids) {
    const WallTime now = jobs.world().clock.now();
    auto accept = [&](Journal& journal) { return accept_gap(journal, id, by, reason, now); };
    const Result<bool> done = co_await jobs.world().storage.run(accept);
    const std::string so_far = counted(accepted, "gap", "gaps") + " accepted; ";
    if (!done) co_return JobOutcome{JobState::failed, so_far + done.error().message};
    if (*done) ++accepted;
  }
  const std::string words = counted(accepted, "gap", "gaps") + " accepted";
  const std::string missed = not_open(selection.gap_ids, *ids);
  if (!missed.empty()) {
    co_return JobOutcome{JobState::failed, words + "; not open, or not of what was selected: " + missed + " (see 'auditferry gaps list')"};
  }
  co_return JobOutcome{JobState::done, words + (accepted > 0 ? "; the ledger says which, by whom and why" : ": none of them is open")};
}

Task<JobOutcome> rename_exporter_job(Jobs& jobs, JobRow job) {
  const std::string name = text_of(job.argument, "exporter");
  const std::string new_name = text_of(job.argument, "new_name");
  const std::string by = text_of(job.argument, "by");
  const WallTime now = jobs.world().clock.now();
  auto rename = [&](Journal& journal) { return rename_exporter(journal, name, new_name, by, now); };
  const Status renamed = co_await jobs.world().storage.run(rename);
  if (!renamed) co_return JobOutcome{JobState::failed, renamed.error().message};
  co_return JobOutcome{JobState::done, "exporter " + name + " is called " + new_name + " now; its position, books and dead letters go on"};
}

Task<JobOutcome> forget_exporter_job(Jobs& jobs, JobRow job) {
  const std::string name = text_of(job.argument, "exporter");
  const std::string by = text_of(job.argument, "by");
  const ExporterSettings* configured = jobs.exporter(name);
  if (configured != nullptr && configured->enabled) {
    co_return JobOutcome{JobState::failed, "exporter " + name + " is in the configuration of the daemon that runs: remove it there (or set enabled = "
                                           "false) and restart the daemon first"};
  }
  std::uint64_t letters = 0;
  for (;;) {
    auto drop = [&name](Journal& journal) { return drop_dead_letters(journal, name); };
    const Result<std::uint64_t> dropped = co_await jobs.world().storage.run(drop);
    if (!dropped) co_return JobOutcome{JobState::failed, dropped.error().message};
    if (*dropped == 0) break;
    letters += *dropped;
  }
  const WallTime now = jobs.world().clock.now();
  auto drop = [&](Journal& journal) { return drop_exporter(journal, name, letters, by, now); };
  const Result<std::uint64_t> never_got = co_await jobs.world().storage.run(drop);
  if (!never_got) co_return JobOutcome{JobState::failed, never_got.error().message};
  std::string words = "exporter " + name + " is forgotten: it never got " + counted(*never_got, "record", "records");
  if (letters > 0) words += ", and " + counted(letters, "dead letter was", "dead letters were") + " given up";
  co_return JobOutcome{JobState::done, words};
}

}  // namespace auditferry
