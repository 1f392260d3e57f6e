#pragma once

#include <optional>
#include <string>
#include <variant>

#include "core/http_client.h"
#include "core/page.h"
#include "core/profile.h"
#include "core/result.h"
#include "encoding/retry_after.h"
#include "encoding/secret_mask.h"

namespace auditferry {

// What an answer to a request for a page means.
enum class AnswerKind {
  page,
  cursor_refused,  // 400, 404 or 410 to a request that followed a cursor
  limited,         // 429, 503 and what the profile calls a limit: nobody asks until the wait is over
  again,           // 408, 5xx, no answer at all: the same request later
  unreadable,      // cut, malformed or HTML: later, and after a few times quarantine
  too_large,       // over max_page_bytes: smaller pages
  stop,            // an operator must act: probe slowly
};

struct Answer {
  AnswerKind kind = AnswerKind::again;
  int status = 0;  // 0: there was no answer
  Page page;       // kind page
  // Everything else: what failed, for whom, and what to do next.
  std::string message;
  std::optional<Duration> wait;     // kind limited: as the portal asked; nothing: it gave no hint
  std::string raw_wait;             // the header's words
  std::string body;                 // for the quarantine: of kind unreadable, and of a page that was repaired; secrets are masked
  bool nothing_readable = false;    // kind stop: no record that was asked for can be read; see range_proof.h
  // For the ledger.
  std::string request_id;
  std::string server_date;
  std::string body_sha256;
  std::optional<WallTime> server_time;
};

struct AnswerContext {
  const Profile& profile;
  const StreamProfile& stream;
  std::string source;
  std::string tenant;
  std::string host;
  const SecretMask& secrets;  // of the source (portal_secrets): nothing that is said or kept of an answer but its records holds one
  bool follows_cursor = false;
  std::uint64_t max_record_bytes = 16u << 20;
};

// An answer that says "wait" as kind limited, whatever was asked for; nothing: it says something else.
std::optional<Answer> judge_limit(const AnswerContext& context, const HttpResponse& response, WallTime now);

// Pure.
Answer judge_answer(const AnswerContext& context, Result<HttpResponse> response, WallTime now);

// The portal's own count: remaining requests and the time until it starts anew.
struct RateHint {
  std::uint64_t remaining = 0;
  Duration until_reset{};
};
std::optional<RateHint> rate_hint(const RateLimitProfile& profile, const HttpResponse& response, WallTime now);

}  // namespace auditferry
