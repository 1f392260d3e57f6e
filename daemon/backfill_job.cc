#include "daemon/backfill_job.h"

#include <algorithm>

#include "config/nearest_name.h"
#include "daemon/poller.h"
#include "daemon/text_report.h"
#include "encoding/json_object.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr Duration look_every = std::chrono::milliseconds(200);
constexpr Duration tell_every = std::chrono::seconds(1);

BackfillRequest request_of(const std::string& argument) {
  const JsonView view(argument);
  const auto text = [&view](std::string_view key) {
    const auto value = view.find(key);
    return value ? value->as_string().value_or("") : std::string();
  };
  const auto time = [&view](std::string_view key) {
    const auto value = view.find(key);
    return from_micros(value ? value->as_int64().value_or(0) : 0);
  };
  return {text("source"), text("stream"), {time("from"), time("to")}};
}

const SourceSettings* find_source(const Settings& settings, const std::string& name) {
  for (const SourceSettings& source : settings.sources) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

// Whether a request of this stream can name the time that it asks for.
bool asks_by_time(const StreamProfile& profile) {
  const auto has_from = [](const TemplateField& field) { return field.text.find("{from") != std::string::npos; };
  const RequestTemplate& request = profile.request;
  return request.path.find("{from") != std::string::npos || std::any_of(request.query.begin(), request.query.end(), has_from) ||
         std::any_of(request.body.begin(), request.body.end(), has_from);
}

std::string words_of(const std::string& stream, const Backfill& backfill) {
  return stream + ": " + counted(backfill.fetched, "record", "records") + " fetched, " + report_count(backfill.fresh) + " of them new";
}

std::string progress_of(const std::string& stream, const Backfill& backfill, const PollerStatus& status) {
  std::string words = words_of(stream, backfill) + "; walked up to " + report_time(backfill.reached) + " of " + report_time(backfill.window.to);
  if (status.waiting_for_room) return words + "; waiting: the journal is full";
  if (!status.up && !status.problem.empty()) words += "; waiting: " + status.problem;
  return words;
}

// Until the poller has brought it to its end. It is looked for each time: a reload may have put another one, that
// knows nothing of the job, in its place.
Task<Backfill> walk(Jobs& jobs, std::int64_t job_id, std::string before, std::string source, std::string stream) {
  std::string told;
  SteadyTime next{};
  Backfill last;
  for (;;) {
    Poller* poller = jobs.world().poller(source, stream);
    if (poller == nullptr || !poller->backfill()) {
      last.error = Error{ErrorKind::unavailable, "the configuration of source " + source + " was changed meanwhile"};
      co_return last;
    }
    last = *poller->backfill();
    const Backfill& backfill = last;
    if (backfill.ended) co_return last;
    const PollerStatus status = poller->status();
    if (status.stopped) {
      poller->end_backfill(Error{ErrorKind::invalid, status.problem});
      continue;
    }
    std::string words = before + progress_of(stream, backfill, status);
    if (words != told && jobs.world().clock.steady_now() >= next) {
      told = words;
      next = jobs.world().clock.steady_now() + tell_every;
      co_await jobs.tell(job_id, std::move(words));
    }
    co_await jobs.world().clock.sleep(look_every);
  }
}

}  // namespace

Status check_backfill(const Settings& settings, const BackfillRequest& request, WallTime now) {
  const SourceSettings* source = find_source(settings, request.source);
  if (source == nullptr) {
    std::vector<std::string> names;
    for (const SourceSettings& one : settings.sources) names.push_back(one.name);
    return Error{ErrorKind::invalid, "there is no source \"" + request.source + "\" in the configuration; " + suggestion(request.source, names)};
  }
  std::vector<std::string> streams;
  for (const StreamSettings& stream : source->streams) streams.push_back(stream.name);
  if (!request.stream.empty() && std::find(streams.begin(), streams.end(), request.stream) == streams.end()) {
    return Error{ErrorKind::invalid, "source " + source->name + " collects no stream \"" + request.stream + "\"; " + suggestion(request.stream, streams)};
  }
  for (const StreamSettings& stream : source->streams) {
    if (!request.stream.empty() && stream.name != request.stream) continue;
    if (asks_by_time(stream.profile)) continue;
    return Error{ErrorKind::unsupported, "stream " + stream.name + " of " + source->name + " cannot be asked for a time: its profile has no {from} in "
                                         "streams." + stream.name + ".request, so no window of it can be walked once more"};
  }
  if (request.window.from >= now) {
    return Error{ErrorKind::invalid, "the window lies in the future: --from " + format_rfc3339(request.window.from) + ", and it is " +
                                         format_rfc3339(std::chrono::floor<std::chrono::seconds>(now)) +
                                         ". What is to come is polled; a backfill walks what was"};
  }
  return {};
}

std::string backfill_argument(const BackfillRequest& request) {
  return JsonObject()
      .text("source", request.source)
      .text("stream", request.stream)
      .value("from", std::to_string(to_micros(request.window.from)))
      .value("to", std::to_string(to_micros(request.window.to)))
      .finish();
}

Task<JobOutcome> backfill(Jobs& jobs, JobRow job) {
  const BackfillRequest request = request_of(job.argument);
  const Status possible = check_backfill(jobs.world().settings, request, jobs.world().clock.now());
  if (!possible) co_return JobOutcome{JobState::failed, possible.error().message};
  JobOutcome outcome{JobState::done, ""};
  std::uint64_t open_gaps = 0;
  std::vector<std::string> streams;  // the settings may be others when the first one is done
  for (const StreamSettings& stream : find_source(jobs.world().settings, request.source)->streams) streams.push_back(stream.name);
  for (const std::string& stream : streams) {
    if (!request.stream.empty() && stream != request.stream) continue;
    Poller* poller = jobs.world().poller ? jobs.world().poller(request.source, stream) : nullptr;
    if (poller == nullptr) co_return JobOutcome{JobState::failed, "stream " + stream + " of " + request.source + " is not polled by this process"};
    const Status begun = poller->begin_backfill(request.window);
    if (!begun) co_return JobOutcome{JobState::failed, outcome.words + begun.error().message};
    const Backfill ended = co_await walk(jobs, job.job_id, outcome.words, request.source, stream);
    outcome.words += words_of(stream, ended);
    if (ended.error) {
      co_return JobOutcome{JobState::failed, outcome.words + "; given up at " + report_time(ended.reached) + ": " + ended.error->message +
                                                 " (what came is kept; ask again to go on)"};
    }
    open_gaps += ended.open_gaps;
    outcome.words += "; ";
  }
  const std::string window = report_time(request.window.from) + " to " + report_time(request.window.to);
  if (open_gaps > 0) {
    outcome.state = JobState::needs_a_person;
    outcome.words += counted(open_gaps, "gap is", "gaps are") + " open in " + window + ": see 'auditferry gaps list'";
  } else {
    outcome.words += "no gap is open in " + window;
  }
  co_return outcome;
}

}  // namespace auditferry
