#include "daemon/portal_session.h"

#include "encoding/hash.h"
#include "encoding/time_format.h"
#include "sources/answer_text.h"

namespace auditferry {
namespace {

// A difference of clocks that an operator should know of.
constexpr Duration told_skew = std::chrono::seconds(30);

Task<Status> keep_in(StorageQueue& storage, const Penalty& penalty) {
  auto job = [&penalty](Journal& journal) { return journal.set_penalty(penalty); };
  co_return co_await storage.run(job);
}

}  // namespace

std::string credential_key(const SourceSettings& source) {
  std::string text = host_of(source.base_url);
  for (const auto& [name, secret] : source.credentials) text += "\n" + name + "\n" + secret.reveal();
  return hex(sha256(text)).substr(0, 32);
}

std::string host_of(const std::string& base_url) {
  const std::size_t scheme = base_url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return base_url.substr(begin, base_url.find('/', begin) - begin);
}

RequestContext request_context(const SourceSettings& source, const StreamSettings& stream) {
  RequestContext context;
  context.profile = &source.profile;
  context.stream = &stream.profile;
  context.base_url = source.base_url;
  context.tenant = source.tenant;
  context.credentials = source.credentials;
  for (const auto& [name, value] : source.headers) context.headers.push_back({name, value});
  context.user_agent = source.peer.user_agent;
  context.query = stream.query;
  return context;
}

SecretMask portal_secrets(const SourceSettings& source, const RequestContext& context) {
  std::vector<Secret> secrets = secrets_of(context);
  add_proxy(secrets, source.peer.proxy);
  return SecretMask(secrets);
}

Task<void> impose_wait(RequestBudget& budget, const KeepPenalty& keep, Clock& clock, Log& log, const WaitToImpose& what,
                       const std::vector<LogField>& fields) {
  budget.penalize(what.wait);
  const Penalty penalty{what.host, what.credential_key, clock.now() + what.wait, what.why};
  const Status kept = co_await keep(penalty);
  if (!kept) log.warn("the wait that the portal asked for could not be stored and would be forgotten by a restart: " + kept.error().message, fields);
}

PortalSession::PortalSession(const PollerWorld& world, const SourceSettings& source,
                             const StreamSettings& stream)
    : PortalSession(PortalWorld{world.clock, world.log, world.http, world.budget, world.random,
                                [&storage = world.storage](const Penalty& penalty) { return keep_in(storage, penalty); }, world.credential_key},
                    source, stream) {}

PortalSession::PortalSession(PortalWorld world, const SourceSettings& source, const StreamSettings& stream)
    : world_(std::move(world)),
      source_(source),
      stream_(stream),
      context_(request_context(source, stream)),
      secrets_(portal_secrets(source, context_)),
      host_(host_of(source.base_url)),
      limit_backoff_(world.random, std::chrono::seconds(1), source.max_backoff) {}

WallTime PortalSession::edge() const {
  const WallTime ours = world_.clock.now();
  const Duration behind =
      stats_.clock_skew ? std::min(*stats_.clock_skew, Duration::zero()) : Duration::zero();
  return ours + behind - stream_.settle;
}

Task<Answer> PortalSession::ask(PageRequest page, double cost, bool follows_cursor) {
  co_await world_.budget.acquire(cost);
  Result<HttpRequest> request = build_page_request(context_, page);
  if (!request) {
    Answer answer;
    answer.kind = AnswerKind::stop;
    answer.message = "source " + source_.name + ", stream " + stream_.name + ": " + request.error().message;
    co_return answer;
  }
  request->max_body_bytes = source_.max_page_bytes;
  HttpRequest to_send = std::move(request).value();
  to_send.fields = fields();
  Result<HttpResponse> response = co_await world_.http.send(std::move(to_send));
  if (response.ok()) note_rate(*response);
  Answer answer = judge_answer(answer_context(follows_cursor), std::move(response), world_.clock.now());
  note(answer);
  if (answer.kind == AnswerKind::limited) {
    co_await impose_penalty(answer);
  } else {
    limit_backoff_.reset();
  }
  if (answer.kind == AnswerKind::stop && answer.status == 403) co_await explain_refusal(answer);
  co_return answer;
}

AnswerContext PortalSession::answer_context(bool follows_cursor) const {
  return {source_.profile, stream_.profile, source_.name, source_.tenant, host_, secrets_, follows_cursor, source_.max_record};
}

void PortalSession::note_rate(const HttpResponse& response) {
  const std::optional<RateHint> hint = rate_hint(source_.profile.rate_limit, response, world_.clock.now());
  if (hint) world_.budget.note_remaining(hint->remaining, std::min(hint->until_reset, source_.max_retry_after));
}

void PortalSession::note(const Answer& answer) {
  ++stats_.requests_by_status[answer.status];
  if (!answer.server_time) return;
  // The header has whole seconds: less than two of them are no skew.
  const Duration skew = *answer.server_time - world_.clock.now();
  const bool real = skew > std::chrono::seconds(1) || skew < -std::chrono::seconds(2);
  stats_.clock_skew = real ? skew : Duration::zero();
  const Duration size = skew < Duration::zero() ? -skew : skew;
  if (size > told_skew && !skew_told_) {
    world_.log.warn("the clock of " + host_ + " is " + format_duration(std::chrono::duration_cast<std::chrono::seconds>(size)) +
                        (skew > Duration::zero() ? " ahead of" : " behind") +
                        " this machine's: check this machine's time service; windows end at the earlier of the two, nothing is lost",
                    fields());
  }
  if (size > told_skew || size < told_skew / 2) skew_told_ = size > told_skew;
}

Task<void> PortalSession::impose_penalty(Answer& answer) {
  Duration wait = answer.wait ? *answer.wait : limit_backoff_.next();
  if (wait > source_.max_retry_after) {
    world_.log.error("the portal asks to wait longer than max_retry_after: waiting " +
                         format_duration(source_.max_retry_after) +
                         " instead; its words: Retry-After: " + answer.raw_wait,
                     fields(answer));
    wait = source_.max_retry_after;
  }
  answer.wait = wait;
  const WaitToImpose what{wait, host_, world_.credential_key, answer.message};
  const std::vector<LogField> whose = fields(answer);
  co_await impose_wait(world_.budget, world_.keep_penalty, world_.clock, world_.log, what, whose);
  world_.log.warn(answer.message + "; waiting " +
                      format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(wait)),
                  fields(answer));
}

Task<void> PortalSession::explain_refusal(Answer& answer) {
  if (!source_.profile.plan_probe || stream_.profile.plan_needed.empty()) co_return;
  Result<HttpRequest> request = build_plan_request(context_);
  if (!request) co_return;
  co_await world_.budget.acquire(1);
  HttpRequest to_send = std::move(request).value();
  to_send.fields = fields();
  Result<HttpResponse> response = co_await world_.http.send(std::move(to_send));
  ++stats_.requests_by_status[response.ok() ? response->status : 0];
  if (!response.ok()) co_return;
  note_rate(*response);
  if (std::optional<Answer> limit = judge_limit(answer_context(false), *response, world_.clock.now())) {
    co_await impose_penalty(*limit);
    co_return;
  }
  if (response->status != 200) co_return;
  const std::optional<std::string> plan = plan_name(source_.profile, *response, secrets_);
  if (!plan || *plan == stream_.profile.plan_needed) co_return;
  answer.message = "source " + source_.name + ", stream " + stream_.name + ": tenant " + source_.tenant +
                   " is on " + *plan + "; " + stream_.name + " logs need " + stream_.profile.plan_needed +
                   ": change the tenant's plan, or remove \"" + stream_.name + "\" from streams";
}

}  // namespace auditferry
