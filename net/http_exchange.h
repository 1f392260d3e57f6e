#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.h"
#include "core/peer_settings.h"
#include "net/connection.h"

namespace auditferry {

// A request as it goes out.
struct PreparedRequest {
  std::string head;  // request line and header, with the empty line
  std::string body;
  bool is_head = false;  // the answer to HEAD has no body
  std::uint64_t max_body_bytes = 0;
  bool cut_body = false;
  Origin origin;
};

// Checks and writes the head. `proxy` is set when the request goes to a proxy in absolute form. The error
// names the header at fault, never its value.
Result<PreparedRequest> prepare_request(HttpRequest request, const PeerSettings& settings,
                                        const ProxyAddress* proxy);

struct ExchangeOutcome {
  std::optional<Result<HttpResponse>> answer;  // always set when the exchange has ended; still content-coded
  bool begun = false;                          // some byte of an answer has come
  bool reusable = false;                       // the connection may serve another request
};

// Sends the request and reads one answer. Without deadline; cancellable. `request` outlives the task.
Task<ExchangeOutcome> exchange(Connection& connection, const PreparedRequest& request,
                               const TlsSettings& tls);

// Removes the content codings of an answer in place.
Status decode_body(HttpResponse& response, const PreparedRequest& request);

}  // namespace auditferry
