// Oldest-first logs whose next page is a Link header (RFC 8288), in the shape of two vendors:
// Okta System Log API (GET /api/v1/logs: since, until, limit, after; a next link always, while there is
// no `until`) and GitHub's organization audit log (GET /orgs/ORG/audit-log: phrase, order, per_page, after;
// no next link on the last page).
#include <algorithm>

#include "encoding/time_format.h"
#include "sandbox/portal_state.h"

namespace auditferry {
namespace {

std::uint32_t read_limit(const ParsedTarget& target, const char* name, std::uint32_t otherwise,
                         std::uint32_t largest) {
  const auto found = target.query.find(name);
  if (found == target.query.end()) return otherwise;
  const std::string& text = found->second;
  if (text.empty() || text.size() > 9 ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return 0;
  return std::min(static_cast<std::uint32_t>(std::stoul(text)), largest);
}

std::string value_of(const ParsedTarget& target, const char* name) {
  const auto found = target.query.find(name);
  return found == target.query.end() ? std::string() : found->second;
}

std::string array_text(const SelectedRecords& selected) {
  std::string body = "[";
  for (const SandboxRecord* record : selected.records) {
    if (body.size() > 1) body += ',';
    body += *record->json;
  }
  return body + "]";
}

// The address of this request with another `after`.
std::string link_to(const PortalRequest& request, const ParsedTarget& target, const std::string& after,
                    std::string_view relation) {
  std::string url = request.origin + target.path;
  char separator = '?';
  for (const auto& [name, value] : target.query) {
    if (name == "after") continue;
    url += separator + url_encode(name) + "=" + url_encode(value);
    separator = '&';
  }
  if (!after.empty()) url += separator + ("after=" + url_encode(after));
  return "<" + url + ">; rel=\"" + std::string(relation) + "\"";
}

RecordPosition end_of(const SelectedRecords& selected) {
  return {selected.records.back()->created, selected.records.back()->event};
}

PortalAnswer okta_error(int status, const char* code, const char* summary) {
  return json_answer(status, std::string("{\"errorCode\":\"") + code + "\",\"errorSummary\":\"" + summary +
                                 "\",\"errorCauses\":[]}");
}

PortalAnswer github_error(int status, const char* message) {
  return json_answer(status, std::string("{\"message\":\"") + message + "\"}");
}

// "created:>=T", "created:<=T" or "created:T..T"; anything else is not understood.
bool read_phrase(std::string_view phrase, SandboxCursor& cursor) {
  while (phrase.ends_with(' ')) phrase.remove_suffix(1);
  if (phrase.empty()) return true;
  if (!phrase.starts_with("created:")) return false;
  phrase.remove_prefix(std::string_view("created:").size());
  const std::size_t dots = phrase.find("..");
  if (phrase.starts_with(">=")) {
    cursor.from = parse_rfc3339(phrase.substr(2));
    return cursor.from.has_value();
  }
  if (phrase.starts_with("<=")) {
    cursor.to = parse_rfc3339(phrase.substr(2));
    return cursor.to.has_value();
  }
  if (dots == std::string_view::npos) return false;
  cursor.from = parse_rfc3339(phrase.substr(0, dots));
  cursor.to = parse_rfc3339(phrase.substr(dots + 2));
  return cursor.from && cursor.to;
}

// Finds where `after` stands, or begins a chain. False: the cursor is refused.
bool resume(PortalState& state, const ParsedTarget& target, const std::string& owner, WallTime now,
            SandboxCursor& cursor) {
  const std::string after = value_of(target, "after");
  if (after.empty()) {
    cursor.owner = owner;
    cursor.chain = state.cursors.new_chain();
    return true;
  }
  SandboxCursor found;
  const CursorVerdict verdict = state.cursors.redeem(after, now, found);
  // Whatever an expired cursor is otherwise taken for, these two vendors refuse it.
  if (verdict == CursorVerdict::expired) ++state.stats.expired_cursors[SandboxExpiredCursor::status_400];
  if (verdict != CursorVerdict::good || found.owner != owner) return false;
  cursor = found;
  return true;
}

}  // namespace

PortalAnswer answer_okta(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                         WallTime now) {
  if (find_header(request.headers, "Authorization").value_or("") != "SSWS " + state.options.okta_token) {
    return okta_error(401, "E0000011", "Invalid token provided");
  }
  if (request.method != "GET")
    return okta_error(405, "E0000022", "The endpoint does not support the provided HTTP method");
  PortalStream& stream = *state.stream({}, SandboxLog::okta);
  const std::uint32_t limit =
      read_limit(target, "limit", 100, std::min<std::uint32_t>(state.options.page_limit, 1000));
  const std::string order = value_of(target, "sortOrder");
  if (limit == 0 || (!order.empty() && order != "ASCENDING"))
    return okta_error(400, "E0000031", "Invalid search criteria");
  SandboxCursor cursor;
  if (!resume(state, target, "okta", now, cursor))
    return okta_error(400, "E0000031", "Invalid value for the after parameter");
  if (!cursor.position) {
    const std::string since = value_of(target, "since");
    const std::string until = value_of(target, "until");
    cursor.from = parse_rfc3339(since);
    cursor.to = parse_rfc3339(until);
    if (cursor.from.has_value() == since.empty() || cursor.to.has_value() == until.empty()) {
      return okta_error(400, "E0000031", "Invalid date format");
    }
  }
  RecordSelection selection;
  selection.newest_first = false;
  selection.by_event = !cursor.to;  // polling follows the order in which events were stored
  selection.limit = limit;
  selection.from = cursor.from;
  if (cursor.to) selection.to = *cursor.to - Duration(1);
  selection.beyond = cursor.position;
  const SelectedRecords selected = stream.records.select(selection, stream.oldest(now));
  // Before the first event the position is "before everything", which must be a position too.
  cursor.position = selected.records.empty() ? cursor.position.value_or(RecordPosition{WallTime::min(), 0})
                                             : end_of(selected);
  PortalAnswer answer = json_answer(200, array_text(selected));
  answer.headers.push_back({"Link", link_to(request, target, value_of(target, "after"), "self")});
  if (!cursor.to || selected.more) {
    answer.headers.push_back(
        {"Link", link_to(request, target, state.cursors.issue(cursor, now, false), "next")});
  }
  return answer;
}

PortalAnswer answer_github(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                           WallTime now) {
  if (find_header(request.headers, "Authorization").value_or("") != "Bearer " + state.options.github_token) {
    return github_error(401, "Bad credentials");
  }
  if (request.method != "GET") return github_error(404, "Not Found");
  PortalStream& stream = *state.stream({}, SandboxLog::github);
  const std::uint32_t limit =
      read_limit(target, "per_page", 30, std::min<std::uint32_t>(state.options.page_limit, 100));
  const std::string order = value_of(target, "order");
  if (limit == 0 || (order != "asc" && order != "desc" && !order.empty()))
    return github_error(422, "Validation Failed");
  SandboxCursor cursor;
  const std::string owner = "github/" + order + "/" + value_of(target, "phrase");
  if (!resume(state, target, owner, now, cursor)) return github_error(400, "Invalid cursor");
  if (!read_phrase(value_of(target, "phrase"), cursor)) return github_error(422, "Validation Failed");
  RecordSelection selection;
  selection.newest_first = order != "asc";
  selection.limit = limit;
  selection.from = cursor.from;
  selection.to = cursor.to;
  selection.beyond = cursor.position;
  const SelectedRecords selected = stream.records.select(selection, stream.oldest(now));
  PortalAnswer answer = json_answer(200, array_text(selected));
  if (selected.more) {
    cursor.position = end_of(selected);
    answer.headers.push_back(
        {"Link", link_to(request, target, state.cursors.issue(cursor, now, false), "next") + ", " +
                     link_to(request, target, "", "first")});
  }
  return answer;
}

}  // namespace auditferry
