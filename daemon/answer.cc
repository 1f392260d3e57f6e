#include "daemon/answer.h"

#include "encoding/hash.h"
#include "encoding/time_format.h"
#include "sources/answer_text.h"
#include "sources/page_parser.h"

namespace auditferry {
namespace {

std::string who(const AnswerContext& context) { return "source " + context.source + ", stream " + context.stream.name + ": "; }

std::string quoted(const std::string& words) { return words.empty() ? std::string() : " (\"" + words + "\")"; }

std::string credential_names(const Profile& profile) {
  std::string names;
  for (const std::string& name : profile.credentials) names += (names.empty() ? "credentials." : " and credentials.") + name;
  return names.empty() ? std::string("the credentials") : names;
}

// The words for an answer that an operator has to do something about.
std::string refusal(const AnswerContext& context, const HttpResponse& response) {
  const std::string words = quoted(error_text(context.profile, response, context.secrets));
  const std::string status = std::to_string(response.status);
  const std::string portal = context.profile.title + " at " + context.host;
  switch (response.status) {
    case 400:
    case 422:
      return portal + " refused our request as wrong, status " + status + words +
             ": check the stream's query, else the profile's streams." + context.stream.name + ".request";
    case 401:
      return portal + " refused the credentials, status 401" + words + ": check " + credential_names(context.profile) +
             " (revoked or mistyped token?)";
    case 403:
      return portal + " denies this token the log, status 403" + words + ": give the token's user the permission to read " +
             context.stream.name + " logs" + (context.tenant.empty() ? "" : " of tenant " + context.tenant) + ", and check the tenant";
    case 404:
      return portal + " knows no such log, status 404" + words + ": check base_url and the profile's streams." + context.stream.name +
             ".request.path";
    default: break;
  }
  if (response.status >= 300 && response.status < 400) {
    return portal + " redirects to another address, status " + status + ", which is not followed with credentials: set base_url to the final address";
  }
  return portal + " answered with status " + status + words + ": check base_url and the profile";
}

// What came instead of a page, from whom, and what happens next.
std::string words_for(const AnswerContext& context, const PageProblem& problem) {
  const std::string answered = context.profile.title + " at " + context.host + " answered with ";
  const std::string next = "; asking again, and if it stays so the page goes to quarantine and a gap is recorded";
  switch (problem.kind) {
    case PageProblem::Kind::not_json:
    case PageProblem::Kind::truncated:
    case PageProblem::Kind::too_deep: return answered + "a page that cannot be read: " + problem.message + next;
    case PageProblem::Kind::html: return answered + problem.message;
    case PageProblem::Kind::success_false:
      return answered + problem.message + quoted(problem.error_text) + ": check the stream's query and the vendor's status page";
    case PageProblem::Kind::other_shape: break;
  }
  return problem.message + (problem.error_text.empty() ? "" : "; it says" + quoted(problem.error_text));
}

Answer from_problem(const AnswerContext& context, const PageProblem& problem, const std::string& body) {
  Answer answer;
  answer.message = who(context) + words_for(context, problem);
  switch (problem.kind) {
    case PageProblem::Kind::not_json:
    case PageProblem::Kind::truncated:
      answer.kind = AnswerKind::unreadable;
      answer.body = context.secrets.masked(body);
      break;
    case PageProblem::Kind::too_deep:
      answer.kind = AnswerKind::unreadable;
      answer.body = context.secrets.masked(body);
      break;
    case PageProblem::Kind::html:
    case PageProblem::Kind::other_shape:
    case PageProblem::Kind::success_false: answer.kind = AnswerKind::stop; break;
  }
  return answer;
}

Answer from_transport(const AnswerContext& context, const Error& error) {
  Answer answer;
  answer.message = who(context) + error.message;
  switch (error.kind) {
    case ErrorKind::too_large:
      answer.kind = AnswerKind::too_large;
      answer.message += " (sources." + context.source + ".max_page_bytes): asking for smaller pages; raise it if a single record is larger";
      break;
    case ErrorKind::invalid:
    case ErrorKind::unsupported: answer.kind = AnswerKind::stop; break;
    default: answer.kind = AnswerKind::again; break;
  }
  return answer;
}

Answer from_status(const AnswerContext& context, const HttpResponse& response, WallTime now) {
  if (std::optional<Answer> limit = judge_limit(context, response, now)) return *limit;
  Answer answer;
  const bool gone = response.status == 400 || response.status == 404 || response.status == 410;
  if (gone && context.follows_cursor) {
    answer.kind = AnswerKind::cursor_refused;
    answer.message = who(context) + "the portal refused a cursor (status " + std::to_string(response.status) + "); asking by time again";
    return answer;
  }
  if (response.status == 408 || response.status >= 500) {
    answer.kind = AnswerKind::again;
    answer.message = who(context) + context.profile.title + " at " + context.host + " failed with status " + std::to_string(response.status) +
                     quoted(error_text(context.profile, response, context.secrets)) + "; trying again";
    return answer;
  }
  answer.kind = AnswerKind::stop;
  answer.message = who(context) + refusal(context, response);
  return answer;
}

}  // namespace

std::optional<Answer> judge_limit(const AnswerContext& context, const HttpResponse& response, WallTime now) {
  if (response.status != 429 && response.status != 503 && !says_rate_limited(context.profile, response)) return std::nullopt;
  Answer answer;
  answer.kind = AnswerKind::limited;
  answer.status = response.status;
  answer.wait = retry_after(response, now);
  if (const auto raw = response.header("Retry-After")) answer.raw_wait = context.secrets.quoted(*raw, 100);
  if (!answer.wait && response.status != 503) {
    if (const auto hint = rate_hint(context.profile.rate_limit, response, now)) answer.wait = hint->until_reset;
  }
  answer.message = who(context) + "the portal says wait (status " + std::to_string(response.status) + ")";
  return answer;
}

std::optional<RateHint> rate_hint(const RateLimitProfile& profile, const HttpResponse& response, WallTime now) {
  const auto remaining_header = response.header(profile.remaining_header);
  const auto reset_header = response.header(profile.reset_header);
  if (!remaining_header || !reset_header) return std::nullopt;
  const auto remaining = header_number(*remaining_header);
  const auto reset = header_number(*reset_header);
  if (!remaining || !reset) return std::nullopt;
  RateHint hint{*remaining, {}};
  if (profile.reset == RateReset::delta) {
    hint.until_reset = header_seconds(*reset);
  } else {
    // Later than the year 2200 is no time that anybody means.
    constexpr std::uint64_t latest_epoch = 7'258'118'400;
    if (*reset > latest_epoch) return std::nullopt;
    hint.until_reset = WallTime(std::chrono::seconds(*reset)) - answer_time(response, now);
  }
  if (hint.until_reset <= Duration::zero()) return std::nullopt;
  return hint;
}

Answer judge_answer(const AnswerContext& context, Result<HttpResponse> result, WallTime now) {
  if (!result) return from_transport(context, result.error());
  HttpResponse& response = *result;
  Answer answer;
  if (response.status == 200) {
    auto parsed = parse_page(context.profile, context.stream, response, context.max_record_bytes, context.secrets);
    if (Page* page = std::get_if<Page>(&parsed)) {
      answer.kind = AnswerKind::page;
      answer.page = std::move(*page);
    } else {
      answer = from_problem(context, std::get<PageProblem>(parsed), response.body);
    }
  } else {
    answer = from_status(context, response, now);
  }
  answer.status = response.status;
  answer.request_id = request_id(context.profile, response, context.secrets);
  if (const auto date = response.header("Date")) {
    answer.server_time = parse_http_date(*date);
    if (answer.server_time) answer.server_date = std::string(*date);
  }
  if (answer.kind == AnswerKind::page) answer.body_sha256 = hex(sha256(response.body));
  // What was repaired is kept as it came, too, in the quarantine (but for secrets).
  if (answer.kind == AnswerKind::page && answer.page.repaired) answer.body = context.secrets.masked(response.body);
  return answer;
}

}  // namespace auditferry
