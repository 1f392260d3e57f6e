#include "daemon/range_proof.h"

#include <algorithm>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

// A portal's audit log is not older than this.
const WallTime earliest = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
// How exactly the beginning is found: history goes in slices from there on.
constexpr Duration precise_enough = std::chrono::hours(6);
// Where the oldest record has been seen, coverage begins so long before it: late ones may come.
constexpr Duration before_oldest = std::chrono::hours(24);

const PageRecord* newest_of(const Page& page) {
  const PageRecord* newest = nullptr;
  for (const PageRecord& record : page.records) {
    if (record.has_time && (!newest || record.time > newest->time)) newest = &record;
  }
  return newest;
}

bool holds(const Page& page, const std::string& id) {
  return std::any_of(page.records.begin(), page.records.end(), [&id](const PageRecord& record) { return record.id == id; });
}

// In smaller pages where the answer is too large; `smaller` tells.
Task<Answer> ask_range(PortalSession& session, const StreamProfile& stream, std::optional<WallTime> from, std::optional<WallTime> to,
                       bool& smaller) {
  PageRequest request;
  request.from = from;
  request.to = to;
  request.page = stream.first_page;
  request.page_size = stream.page_size;
  for (;;) {
    PageRequest to_ask = request;
    Answer answer = co_await session.ask(std::move(to_ask), 1, false);
    if (answer.kind != AnswerKind::too_large || request.page_size == 1) co_return answer;
    request.page_size /= 2;
    smaller = true;
  }
}

ProofOutcome no_answer(Answer answer) {
  ProofOutcome outcome;
  outcome.kind = answer.kind == AnswerKind::stop ? ProofOutcome::Kind::wrong : ProofOutcome::Kind::no_answer;
  outcome.message = answer.message;
  outcome.answer = std::move(answer);
  return outcome;
}

std::string wrong_range(const StreamProfile& stream, WallTime time) {
  return "stream " + stream.name + ": the newest record (" + format_rfc3339(time) +
         ") does not come back when exactly its time is asked for, so what a time range returns cannot be trusted: check the keys of {from} and "
         "{to} in the profile's streams." + stream.name + ".request and its time_unit (now " + to_string(stream.request_time_unit) + ")";
}

}  // namespace

Task<ProofOutcome> prove_range(PortalSession& session, const StreamProfile& stream) {
  bool smaller = false;
  Answer newest_answer = co_await ask_range(session, stream, std::nullopt, std::nullopt, smaller);
  if (newest_answer.kind != AnswerKind::page) co_return no_answer(std::move(newest_answer));
  ProofOutcome outcome;
  const PageRecord* newest = newest_of(newest_answer.page);
  if (!newest) {
    const bool none = newest_answer.page.records.empty() && newest_answer.page.oversized.empty();
    outcome.kind = none ? ProofOutcome::Kind::nothing_there : ProofOutcome::Kind::wrong;
    outcome.message = "stream " + stream.name + ": no record of the newest page has a time that can be read: check fields.time and time_unit of the stream in the profile";
    co_return outcome;
  }
  const WallTime time = newest->time;
  const std::string id = newest->id;
  Answer exact = co_await ask_range(session, stream, time, time, smaller);
  if (exact.kind != AnswerKind::page) co_return no_answer(std::move(exact));
  if (holds(exact.page, id)) {
    outcome.kind = ProofOutcome::Kind::proved;
    co_return outcome;
  }
  const Duration step = unit_step(stream.request_time_unit);
  Answer wider = co_await ask_range(session, stream, time - step, time + step, smaller);
  if (wider.kind != AnswerKind::page) co_return no_answer(std::move(wider));
  if (holds(wider.page, id)) {
    outcome.kind = ProofOutcome::Kind::proved;
    outcome.exclusive_bounds = true;
    co_return outcome;
  }
  outcome.kind = ProofOutcome::Kind::wrong;
  outcome.message = wrong_range(stream, time);
  co_return outcome;
}

Task<PresenceOutcome> anything_in(PortalSession& session, const StreamProfile& stream, TimeRange range) {
  PresenceOutcome outcome;
  bool smaller = false;
  Answer answer = co_await ask_range(session, stream, range.from, range.to, smaller);
  outcome.answered = answer.kind == AnswerKind::page;
  if (outcome.answered) {
    // A server that ignores the range would answer with anything: only what lies inside counts.
    for (const PageRecord& record : answer.page.records) {
      if (!record.has_time || !range.contains(record.time)) continue;
      outcome.newest = std::max(outcome.newest.value_or(record.time), record.time);
      outcome.oldest = std::min(outcome.oldest.value_or(record.time), record.time);
    }
    // A page that had to be made smaller may be full at any size.
    outcome.all = !answer.page.cursor && answer.page.records.size() < stream.page_size && !smaller;
  }
  outcome.answer = std::move(answer);
  co_return outcome;
}

Task<BeginningOutcome> find_beginning(PortalSession& session, const StreamProfile& stream, WallTime since, WallTime edge) {
  BeginningOutcome outcome;
  // Everything before `low` is empty (or beyond what may be asked); a record exists at or before `high`.
  WallTime low = std::max({earliest, since, WallTime(edge - stream.max_window)});
  WallTime high = edge;
  const WallTime floor = low;
  bool first = true;
  while (first || high - low > precise_enough) {
    const WallTime middle = first ? edge : low + (high - low) / 2;
    PresenceOutcome presence = co_await anything_in(session, stream, {floor, middle});
    if (!presence.answered) {
      outcome.answer = std::move(presence.answer);
      co_return outcome;
    }
    if (presence.newest) {
      // Of a log that answers oldest first the page holds the oldest record, else only a page that is all
      // there is.
      const bool exact = stream.order == RecordOrder::oldest_first || presence.all;
      outcome.shown = exact ? presence.oldest : presence.newest;
      high = std::min(middle, *outcome.shown);
      if (exact) {
        low = std::max(low, WallTime(high - before_oldest));
        break;
      }
    } else if (first) {
      low = edge;  // an empty log begins now
      high = edge;
    } else {
      low = middle;
    }
    first = false;
  }
  outcome.answered = true;
  outcome.beginning = low;
  co_return outcome;
}

}  // namespace auditferry
