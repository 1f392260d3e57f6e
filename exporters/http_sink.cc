#include "exporters/http_sink.h"

#include <algorithm>

#include "core/check.h"
#include "encoding/harmless_text.h"
#include "encoding/retry_after.h"
#include "encoding/time_format.h"
#include "encoding/url.h"

namespace auditferry {
namespace {

constexpr std::size_t longest_quote_bytes = 300;
// An error names every address that was tried.
constexpr std::size_t longest_error_bytes = 2048;

SecretMask mask_of(const HttpSinkSettings& settings) {
  std::vector<Secret> secrets = settings.hidden;
  add_header_value(secrets, settings.authorization.reveal());
  add_proxy(secrets, settings.peer.proxy);
  return SecretMask(secrets);
}

std::string redirect_words(const HttpResponse& answer) {
  const auto location = answer.header("Location");
  if (!location) return "redirects to nowhere";
  const Result<Url> url = parse_url(*location);
  // Paths and queries of redirects hold tokens.
  if (!url.ok()) return "redirects to another path";
  return "redirects to " + harmless_text(url->origin.text(), 200);
}

}  // namespace

bool lacks_client_certificate(const HttpResponse& answer) {
  // nginx has 495 and 496 for this, and sends them as 400 unless it is told otherwise.
  if (answer.status == 495 || answer.status == 496) return true;
  if (answer.status != 400 || !looks_like_html(answer)) return false;
  const std::string_view page = std::string_view(answer.body).substr(0, 2000);
  return page.find("No required SSL certificate was sent") != page.npos ||
         page.find("The SSL certificate error") != page.npos;
}

std::string peer_of(const std::string& url) {
  const Result<Url> parsed = parse_url(url);
  return parsed.ok() ? parsed->origin.text() : "the far end";
}

bool looks_like_html(const HttpResponse& answer) {
  std::string_view body = answer.body;
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == body.npos || body[begin] != '<') return false;
  const auto type = answer.header("Content-Type");
  if (type && type->find("html") != type->npos) return true;
  std::string head(body.substr(begin, 16));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const char* start : {"<!doctype html", "<html", "<head", "<body", "<script", "<!--", "<meta"}) {
    if (head.starts_with(start)) return true;
  }
  return false;
}

HttpSink::HttpSink(HttpSinkSettings settings, const ExporterWorld& world, std::string exporter)
    : settings_(std::move(settings)),
      world_(world),
      exporter_(std::move(exporter)),
      secrets_(mask_of(settings_)) {}

Task<Result<HttpResponse>> HttpSink::send(HttpRequest request) {
  if (!client_) {
    AUDITFERRY_CHECK(world_.make_http_client);
    client_ = world_.make_http_client(settings_.peer);
  }
  request.fields = {{"exporter", exporter_}};
  request.cut_body = true;  // a far end that says much has still answered
  for (const auto& [name, value] : settings_.headers) request.headers.push_back({name, value.reveal()});
  if (!settings_.authorization.empty())
    request.headers.push_back({"Authorization", settings_.authorization.reveal()});
  const std::string who = peer_of(request.url);
  // reopen() may come while this is under way.
  const std::shared_ptr<HttpClient> client = client_;
  Result<HttpResponse> answer = co_await client->send(std::move(request));
  if (!answer || !lacks_client_certificate(*answer)) co_return answer;
  const PeerSettings& peer = settings_.peer;
  co_return Error{ErrorKind::tls,
                  who + (peer.tls.cert_file.empty()
                             ? " wants a client certificate, and none is set: set tls.cert_file and tls.key_file"
                             : " does not accept our client certificate: check tls.cert_file (" + peer.tls.cert_file +
                                   "), when it ends and which authority the far end trusts") +
                      "; status " + std::to_string(answer->status) + " (\"" + quotable(answer->body) + "\")"};
}

WriteOutcome HttpSink::judge_error(const Error& error) const {
  WriteOutcome outcome;
  switch (error.kind) {
    case ErrorKind::tls:
    case ErrorKind::invalid:
    case ErrorKind::unsupported:
    case ErrorKind::permission:
    case ErrorKind::too_large:
      outcome.verdict = Verdict::pause;
      break;
    default:
      outcome.verdict = Verdict::retry;
      break;
  }
  outcome.reason = words_of(error);
  if (error.retry_after)
    outcome.retry_after = std::min(Duration(*error.retry_after), settings_.max_retry_after);
  return outcome;
}

bool is_out_of_reach(int status) { return status == 502 || status == 503 || status == 504; }

Verdict HttpSink::verdict_of(int status) {
  if (status >= 200 && status < 300) return Verdict::delivered;
  if (status == 408 || status == 429 || status >= 500) return Verdict::retry;
  if (status == 400 || status == 413 || status == 422) return Verdict::refused;
  return Verdict::pause;
}

std::optional<Duration> HttpSink::wait_of(const HttpResponse& answer, const HttpPeerWords& who) const {
  const std::optional<Duration> wait = retry_after(answer, world_.clock.now());
  if (!wait || *wait <= settings_.max_retry_after) return wait;
  world_.log.error(who.peer + " asks to wait longer than max_retry_after: waiting " +
                       format_duration(settings_.max_retry_after) + " instead; its words: Retry-After: " +
                       harmless_text(answer.header("Retry-After").value_or(""), 100),
                   {{"exporter", exporter_}});
  return settings_.max_retry_after;
}

WriteOutcome HttpSink::judge_answer(const HttpResponse& answer, Verdict verdict, const HttpPeerWords& who,
                                    std::string_view far_end) const {
  const int status = answer.status;
  const std::string quote = quotable(far_end.empty() ? std::string_view(answer.body) : far_end);
  const std::string said = "status " + std::to_string(status) + (quote.empty() ? "" : " (\"" + quote + "\")");
  WriteOutcome outcome;
  outcome.verdict = verdict;
  if (verdict == Verdict::retry || verdict == Verdict::pause) outcome.retry_after = wait_of(answer, who);
  std::string& reason = outcome.reason;
  if (verdict == Verdict::refused || verdict == Verdict::poison) {
    reason = who.peer + " refused what we sent, " + said;
  } else if (status >= 300 && status < 400) {
    reason = who.peer + " " + redirect_words(answer) + ", status " + std::to_string(status) +
             ", which is not followed with credentials: set " + who.url_key + " to the final address";
  } else if (status == 401) {
    reason = who.peer + " refused the credentials, " + said + ": check " + who.credential_key;
  } else if (status == 403) {
    reason = who.peer + " denies us writing, " + said + ": check the permissions of " + who.credential_key;
  } else if (status == 404) {
    reason = who.peer + " knows no such address, " + said + ": check the path in " + who.url_key;
  } else if (status == 415) {
    reason =
        who.peer + " does not take this kind of body, " + said + ": check compression and the content type";
  } else if (status == 407) {
    reason = "the proxy wants credentials, " + said + ": check proxy";
  } else if (status == 429) {
    reason = who.peer + " asks us to slow down, " + said;
  } else if (verdict == Verdict::retry) {
    reason = who.peer + " cannot take records now, " + said;
  } else {
    reason = who.peer + " answered with " + said + ": check " + who.url_key;
  }
  return outcome;
}

WriteOutcome HttpSink::judge_strange_body(const HttpResponse& answer, const HttpPeerWords& who,
                                          std::string_view expected) const {
  WriteOutcome outcome;
  outcome.verdict = Verdict::retry;
  const std::string status = "status " + std::to_string(answer.status);
  if (looks_like_html(answer)) {
    outcome.verdict = Verdict::pause;
    outcome.reason =
        who.peer + " answered " + status +
        " with an HTML page, which is a login's, a proxy's or a web site's, so nothing counts as "
        "delivered: check " +
        who.url_key + " and proxy";
    return outcome;
  }
  const std::string quote = quotable(answer.body);
  outcome.reason = who.peer + " answered " + status + (answer.cut ? " with more than fits " : " without ") + std::string(expected) +
                   ", so nothing counts as delivered: check " + who.url_key + " and what stands between" +
                   (quote.empty() ? " (the body is empty)" : " (\"" + quote + "\")");
  return outcome;
}

std::string HttpSink::quotable(std::string_view far_end) const { return secrets_.quoted(far_end, longest_quote_bytes); }

std::string HttpSink::words_of(const Error& error) const { return secrets_.quoted(error.message, longest_error_bytes); }

}  // namespace auditferry
