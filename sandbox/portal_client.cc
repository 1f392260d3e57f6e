#include "sandbox/portal_client.h"

#include <algorithm>
#include <utility>

#include "encoding/compress.h"
#include "sandbox/portal_state.h"

namespace auditferry {
namespace {

struct SplitUrl {
  std::string origin;
  std::string host;
  std::string target;
};

Result<SplitUrl> split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return Error{ErrorKind::invalid, "the URL has no scheme"};
  const std::size_t path = url.find_first_of("/?", scheme + 3);
  SplitUrl split;
  split.origin = url.substr(0, path);
  split.host = split.origin.substr(scheme + 3);
  split.target = path == std::string::npos ? "/" : url.substr(path);
  if (split.target.front() == '?') split.target.insert(0, "/");
  return split;
}

Error too_large(const std::string& host, std::uint64_t limit) {
  return Error{ErrorKind::too_large,
               "the answer of " + host + " is larger than the limit of " + std::to_string(limit) + " bytes"};
}

Result<std::string> whole_body(PortalAnswer& answer, const std::string& host, std::uint64_t limit) {
  if (answer.total_bytes.value_or(answer.body.size()) > limit) return too_large(host, limit);
  std::string body = std::move(answer.body);
  while (body.size() <= limit && answer.more && answer.more(body)) {
  }
  if (body.size() > limit) return too_large(host, limit);
  return body;
}

Result<std::string> decoded(const PortalAnswer& answer, std::string body, const std::string& host,
                            std::uint64_t limit) {
  const std::optional<std::string_view> coding = find_header(answer.headers, "Content-Encoding");
  if (!coding) return body;
  const ContentCoding kind = *coding == "gzip" ? ContentCoding::gzip : ContentCoding::deflate;
  Result<std::string> plain = inflate_body(body, kind, limit);
  if (!plain.ok()) return with_context("the answer of " + host, std::move(plain).error());
  return plain;
}

// How long the bytes that are sent take.
Duration time_of_bytes(const AnswerTransport& transport, std::uint64_t bytes) {
  if (transport.bytes_per_second == 0) return Duration::zero();
  return Duration(static_cast<std::int64_t>(bytes * 1'000'000 / transport.bytes_per_second));
}

}  // namespace

Task<Result<HttpResponse>> PortalHttpClient::send(HttpRequest request) {
  // Also a request that is cancelled ends.
  struct InFlight {
    explicit InFlight(int& count) : count_(count) { ++count_; }
    ~InFlight() { --count_; }
    int& count_;
  };
  const InFlight counted(in_flight_);
  most_in_flight_ = std::max(most_in_flight_, in_flight_);
  co_return co_await answer(std::move(request));
}

Task<Result<HttpResponse>> PortalHttpClient::answer(HttpRequest request) {
  const Result<SplitUrl> url = split_url(request.url);
  if (!url.ok()) co_return url.error();
  const std::string host = url->host;
  if (unreachable_) co_return Error{ErrorKind::connect, "cannot connect to " + host + ": connection refused"};
  co_await clock_.sleep(latency_ / 2);
  PortalRequest asked{request.method, url->target, request.headers, request.body, url->origin};
  PortalAnswer given = portal_.handle(asked);
  const AnswerTransport transport = given.transport;
  const Duration wait = transport.hang ? timeout_ : transport.delay + latency_ / 2;
  co_await clock_.sleep(std::min(wait, timeout_));
  if (wait >= timeout_) co_return Error{ErrorKind::timeout, host + " did not answer in time"};
  if (transport.refuse)
    co_return Error{ErrorKind::connect, host + " closed the connection before it answered"};

  Result<std::string> body = whole_body(given, host, request.max_body_bytes);
  if (!body.ok()) co_return body.error();
  const std::uint64_t sent =
      std::min<std::uint64_t>(transport.cut_after.value_or(body->size()), body->size());
  const Duration transfer = time_of_bytes(transport, sent);
  co_await clock_.sleep(std::min(transfer, timeout_ - wait));
  if (wait + transfer > timeout_)
    co_return Error{ErrorKind::timeout, "the answer of " + host + " did not end in time"};
  if (transport.cut_after) {
    co_return Error{ErrorKind::connect, "the answer of " + host + " ended after " + std::to_string(sent) +
                                            " of " + std::to_string(body->size()) + " bytes"};
  }
  Result<std::string> plain = decoded(given, std::move(body).value(), host, request.max_body_bytes);
  if (!plain.ok()) co_return plain.error();
  HttpResponse response;
  response.status = given.status;
  response.headers = std::move(given.headers);
  response.body = std::move(plain).value();
  co_return response;
}

}  // namespace auditferry
