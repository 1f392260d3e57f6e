#pragma once
// The port through which requests leave the program. net/ implements it over Beast; the sandbox portal
// implements it in memory for tests.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "core/result.h"
#include "core/task.h"
#include "core/time.h"

namespace auditferry {

// Names of headers are the same in any case of their ASCII letters (RFC 9110, section 5.1).
bool same_header_name(std::string_view a, std::string_view b);

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute: http:// or https://
  std::vector<HttpHeader> headers;  // without Host, Content-Length, Accept-Encoding, Connection: the client sets these
  std::string body;
  std::uint64_t max_body_bytes = 32u << 20;  // of the decoded answer; more is ErrorKind::too_large
  bool cut_body = false;                     // more is no error: the answer has the beginning, and `cut` is set
  std::vector<LogField> fields = {};         // of the client's log lines about it: source and stream, or exporter
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // as received, in order
  std::string body;                 // content codings removed, complete unless `cut`
  bool cut = false;                 // there was more than max_body_bytes, and HttpRequest::cut_body was set

  // The first header of that name (ASCII case ignored), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

// One peer (base URL, TLS setting, proxy, timeouts) with kept-alive connections. Loop thread only.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Sends once; redirects are not followed. Any answer, whatever its status, is a value. An answer whose
  // body ended early is an error (ErrorKind::connect), never a shorter body. Errors name the host and
  // what to check. Never takes longer than the client's timeouts; cancellable.
  // A request that failed on a reused connection before any byte of an answer came is tried once more on
  // a new one.
  virtual Task<Result<HttpResponse>> send(HttpRequest request) = 0;
};

}  // namespace auditferry
