#include "daemon/range_proof.h"

#include <algorithm>

#include "daemon/poll_plan.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

// A portal's audit log is not older than this.
const WallTime earliest = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
// How exactly the beginning is found: history goes in slices from there on.
constexpr Duration precise_enough = std::chrono::hours(6);
// Where the oldest record has been seen, coverage begins so long before it: late ones may come.
constexpr Duration before_oldest = std::chrono::hours(24);

struct Seen {
  WallTime time{};
  std::string id;
};

// Also one that is too large to be kept.
std::optional<Seen> newest_of(const Page& page) {
  std::optional<Seen> newest;
  const auto look = [&newest](const auto& record) {
    if (record.has_time && (!newest || record.time > newest->time)) newest = {record.time, record.id};
  };
  for (const PageRecord& record : page.records) look(record);
  for (const Page::Oversized& record : page.oversized) look(record);
  return newest;
}

bool holds(const Page& page, const std::string& id) {
  const auto is_it = [&id](const auto& record) { return record.id == id; };
  return std::any_of(page.records.begin(), page.records.end(), is_it) || std::any_of(page.oversized.begin(), page.oversized.end(), is_it);
}

bool is_unreadable(const Answer& answer) { return answer.kind == AnswerKind::unreadable || answer.kind == AnswerKind::too_large; }

// In smaller pages where the answer is too large or cannot be read; `smaller` tells.
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
    if (!is_unreadable(answer) || request.page_size <= 1) co_return answer;
    request.page_size /= 2;
    smaller = true;
  }
}

Answer nothing_readable(Answer answer) {
  // What it says about asking again holds for pages of a walk.
  answer.message.resize(std::min(answer.message.find("; asking again"), answer.message.size()));
  answer.message += "; not even one record alone could be read, nor any before it, so nothing proves that the portal answers for a time range: "
                    "asking again now and then";
  if (!answer.body.empty()) answer.message += ", and what came goes to quarantine; show it to the vendor";
  answer.kind = AnswerKind::stop;
  answer.nothing_readable = true;
  return answer;
}

// The same, and where the record that comes first cannot be read, whatever can: steps into `range` become twice as
// long each time.
Task<Answer> ask_readable(PortalSession& session, const StreamProfile& stream, bool whole_log, TimeRange range, bool& smaller) {
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  if (!whole_log) {
    from = range.from;
    to = range.to;
  }
  Answer first = co_await ask_range(session, stream, from, to, smaller);
  if (!is_unreadable(first)) co_return first;
  const bool from_below = stream.order == RecordOrder::oldest_first;
  for (Duration step = unit_step(stream.request_time_unit); step < range.to - range.from; step *= 2) {
    PageRequest request;
    request.from = from_below ? range.from + step : range.from;
    request.to = from_below ? range.to : range.to - step;
    request.page = stream.first_page;
    request.page_size = 1;
    Answer answer = co_await session.ask(std::move(request), 1, false);
    if (answer.kind == AnswerKind::page ? !answer.page.records.empty() : !is_unreadable(answer)) co_return answer;
  }
  co_return nothing_readable(std::move(first));
}

ProofOutcome no_answer(Answer answer) {
  if (is_unreadable(answer)) answer = nothing_readable(std::move(answer));
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

// Where the whole window comes as one page without a cursor, nothing may lie behind that page. Asked by time, since a page
// made smaller may lack its cursor for that alone. Preconditions: the range is proved, and the log answers newest first.
Task<std::optional<ProofOutcome>> prove_cursor(PortalSession& session, const StreamProfile& stream, TimeRange window) {
  bool smaller = false;
  Answer whole = co_await ask_range(session, stream, window.from, window.to, smaller);
  if (whole.kind != AnswerKind::page) co_return no_answer(std::move(whole));
  if (smaller || whole.page.cursor) co_return std::nullopt;
  TimeRange behind = window;
  const Duration step = unit_step(stream.request_time_unit);
  const auto look = [&](const auto& record) {
    if (record.has_time) behind.to = std::min<WallTime>(behind.to, record.time - step);
  };
  for (const PageRecord& record : whole.page.records) look(record);
  for (const Page::Oversized& record : whole.page.oversized) look(record);
  if (behind.from >= behind.to) co_return std::nullopt;
  PresenceOutcome presence = co_await anything_in(session, stream, behind);
  if (!presence.answered) co_return no_answer(std::move(presence.answer));
  if (!presence.newest) co_return std::nullopt;
  const std::string where = !stream.cursor.empty() ? "at " + stream.cursor : stream.paging == PagingKind::link ? "in its Link header" : "";
  ProofOutcome outcome;
  outcome.kind = ProofOutcome::Kind::wrong;
  outcome.message = "stream " + stream.name + ": a page of " + std::to_string(whole.page.records.size() + whole.page.oversized.size()) +
                    " records has no cursor " + where + ", although the log holds more (" + format_rfc3339(*presence.newest) +
                    "), so what lies behind a page would never be seen: check the profile's streams." + stream.name +
                    ".cursor against what the portal answers";
  co_return outcome;
}

// A page that had to be made small need not hold the record: newer ones may have come.
ProofOutcome asked_too_little(const PortalSession& session, Answer answer, const StreamProfile& stream) {
  answer.kind = AnswerKind::again;
  answer.message = "source " + session.source_name() + ", stream " + stream.name + ": newer records hid the one that was to prove the range; asking again";
  return no_answer(std::move(answer));
}

}  // namespace

Task<ProofOutcome> prove_range(PortalSession& session, const StreamProfile& stream) {
  bool smaller = false;
  const WallTime edge = session.edge();
  const TimeRange window{std::max(earliest, WallTime(edge - longest_window(stream))), edge};
  Answer newest_answer = co_await ask_readable(session, stream, true, window, smaller);
  if (newest_answer.kind != AnswerKind::page) co_return no_answer(std::move(newest_answer));
  ProofOutcome outcome;
  const std::optional<Seen> newest = newest_of(newest_answer.page);
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
  bool proved = holds(exact.page, id);
  if (!proved) {
    if (smaller && exact.page.cursor) co_return asked_too_little(session, std::move(exact), stream);
    const Duration step = unit_step(stream.request_time_unit);
    Answer wider = co_await ask_range(session, stream, time - step, time + step, smaller);
    if (wider.kind != AnswerKind::page) co_return no_answer(std::move(wider));
    proved = holds(wider.page, id);
    if (!proved && smaller && wider.page.cursor) co_return asked_too_little(session, std::move(wider), stream);
    outcome.exclusive_bounds = proved;
  }
  if (proved) {
    outcome.kind = ProofOutcome::Kind::proved;
    const bool by_cursor = stream.paging == PagingKind::cursor || stream.paging == PagingKind::link;
    if (by_cursor && !newest_answer.page.cursor) {
      std::optional<ProofOutcome> wrong = co_await prove_cursor(session, stream, window);
      if (wrong) co_return std::move(*wrong);
    }
    co_return outcome;
  }
  outcome.kind = ProofOutcome::Kind::wrong;
  outcome.message = wrong_range(stream, time);
  co_return outcome;
}

Task<PresenceOutcome> anything_in(PortalSession& session, const StreamProfile& stream, TimeRange range) {
  PresenceOutcome outcome;
  bool smaller = false;
  Answer answer = co_await ask_readable(session, stream, false, range, smaller);
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
