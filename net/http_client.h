#pragma once

#include <memory>

#include "core/clock.h"
#include "core/http_client.h"
#include "core/log.h"
#include "core/peer_settings.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/tls_context.h"

namespace auditferry {

// HTTP/1.1 (RFC 9112) over TCP and TLS, with connections that are kept alive per origin. Everything it is
// given by reference outlives it. Loop thread only; several send() may be under way at once, each on a
// connection of its own.
//
// - http:// is refused (ErrorKind::invalid) unless the host is loopback or tls.insecure is set.
// - Redirects are not followed. 1xx answers are skipped. Answers may be coded with gzip or deflate.
// - settings.compression is applied to bodies that have no Content-Encoding header yet.
// - A body that only the end of the connection ends is accepted when that end is orderly (a FIN, under TLS
//   a close_notify); a chunked or counted body must be complete.
// - Limits: 64 KiB of header, max_body_bytes of decoded body; what is larger is not read any further. The connection
//   of a body that was cut (HttpRequest::cut_body) is closed.
// - Time: see ConnectionMaker for connecting; settings.timeout from the first byte sent to the last read.
// - Errors: invalid, resolve, connect, proxy, tls, timeout, protocol, too_large; they never hold a header's
//   value, a path or a query.
class BeastHttpClient final : public HttpClient {
 public:
  BeastHttpClient(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts,
                  ProxyEnvironment environment, PeerSettings settings, Log& log);
  ~BeastHttpClient() override;
  BeastHttpClient(const BeastHttpClient&) = delete;
  BeastHttpClient& operator=(const BeastHttpClient&) = delete;

  Task<Result<HttpResponse>> send(HttpRequest request) override;
  // Closes the connections that are kept for later, for example after certificates have been renewed.
  void close_idle();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
