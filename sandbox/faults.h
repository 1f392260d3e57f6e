#pragma once
// What a portal does wrong on purpose: exactly (the third audit request answers 429) or at random from a
// seed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_client.h"
#include "core/random.h"
#include "core/result.h"
#include "core/time.h"

namespace auditferry {

enum class FaultKind {
  status,             // answers `status` with `headers` and `body` (empty: a JSON error)
  rate_limited,       // `status` 429 (or 403) with `retry_after`; refuses every request of the credential
                      // for `penalty`
  echo,               // answers `status` with `body` and an X-Request-Id that repeat what was sent: {authorization} is
                      // the header Authorization, {credential} what base64 in it holds (empty body: a JSON error)
  success_false,      // 200 {"success":false,"error":"…"}
  html,               // 200 with a page of HTML
  empty_body,         // 200 with nothing
  truncated,          // the page's text ends early (after `bytes`, 0: half); Content-Length agrees
  cut,                // Content-Length is right, but the connection ends after `bytes` (0: half) of the body
  reset,              // like cut, by a TCP reset
  half_close,         // like cut, by a FIN while the portal goes on reading
  refuse,             // the connection ends before any byte of an answer
  malformed,          // a comma is missing in the page
  invalid_utf8,       // bytes that are not UTF-8 in a string of the page's first record
  control_character,  // a raw control character there
  deep_nesting,       // the first record holds arrays nested `bytes` deep (0: 100,000)
  huge_body,          // `bytes` of white space stand before the page (0: 2 GiB), made while sending
  trickle,            // the answer comes at `bytes` per second (0: 1)
  delay,              // the answer comes after `delay`
  hang,               // no answer ever comes
  gzip,               // the answer is gzip-coded
  deflate,            // the answer is deflate-coded (zlib format)
  expire_cursors,     // all cursors given out so far expire, then the request is served
};

Result<FaultKind> parse_fault_kind(std::string_view name);
const char* to_string(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::status;
  int status = 503;
  // The header's text; "" leaves it out, "date:7" is the HTTP date in 7 seconds, "date:-7" 7 seconds ago.
  std::string retry_after;
  Duration penalty{};
  std::vector<HttpHeader> headers;
  std::uint64_t bytes = 0;
  Duration delay{};
  std::string body;
};

// 429 that is enforced for as long as it announces.
Fault rate_limit_fault(std::chrono::seconds retry_after);
Fault status_fault(int status);

struct ScriptedFault {
  std::string target;      // a stream's name, a path such as "/frontend/get_tenants", or "" for any request
  std::uint64_t skip = 0;  // requests of that target that pass first; counted from when this was set
  std::uint64_t times = 1;
  Fault fault;
};

struct RandomFault {
  std::string target;
  double rate = 0;  // of the target's requests, 0 to 1
  Fault fault;
};

struct Faults {
  std::uint64_t seed = 1;
  std::vector<ScriptedFault> script;
  std::vector<RandomFault> random;
};

// {"seed":1,"script":[{"target":"audit","skip":2,"times":1,"kind":"rate_limited","retry_after":"7",
// "penalty_seconds":7,"status":429,"bytes":0,"delay_ms":0,"body":"","headers":{"X-A":"b"}}],
// "random":[{"target":"audit","rate":0.1,"kind":"status","status":500}]}
Result<Faults> parse_faults(std::string_view json);

// Decides which fault a request meets. Not thread-safe.
class FaultPlan {
 public:
  FaultPlan() : random_(1) {}
  void set(Faults faults);
  void add(ScriptedFault fault);
  // `stream` is empty for requests that ask for no log. A script goes before chance.
  std::optional<Fault> next(std::string_view stream, std::string_view path);

 private:
  Faults faults_;
  Random random_;
};

}  // namespace auditferry
