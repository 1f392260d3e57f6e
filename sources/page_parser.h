#pragma once
// Takes an answer of status 200 apart, or says what is wrong with it.

#include <cstdint>
#include <string>
#include <variant>

#include "core/http_client.h"
#include "core/page.h"
#include "core/profile.h"
#include "encoding/secret_mask.h"

namespace auditferry {

// Why an answer is not a page. Nothing of such an answer is used: no record, no cursor.
struct PageProblem {
  enum class Kind {
    not_json,
    truncated,      // a beginning of JSON, or an empty body
    other_shape,    // JSON, but not as the profile says
    success_false,  // the vendor says in the body that the request failed
    html,           // a login page, a proxy's page
    too_deep,
  };
  Kind kind = Kind::not_json;
  std::string message;     // what was met and which setting to change, without secrets, in one line
  std::string error_text;  // the vendor's words, "" when there are none
};

const char* to_string(PageProblem::Kind kind);

// Pure; safe on any bytes. Records larger than `max_record_bytes` (of minified JSON) become
// Page::oversized. Ids: a string as it reads, a number as its digits; otherwise has_id is false and the
// hex SHA-256 of the canonical content serves. Times: see record_time.h; a missing or unreadable one
// gives has_time = false. When most times of the page cannot be right, the page is other_shape and the
// message names time_unit. `secrets`: what no message may repeat.
std::variant<Page, PageProblem> parse_page(const Profile& profile, const StreamProfile& stream,
                                           const HttpResponse& response, std::uint64_t max_record_bytes,
                                           const SecretMask& secrets);

}  // namespace auditferry
