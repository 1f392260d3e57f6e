#pragma once
// Words out of a vendor's answers, made fit for messages (SecretMask::quoted): a portal may repeat the credentials
// that it was sent.

#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.h"
#include "core/profile.h"
#include "encoding/secret_mask.h"

namespace auditferry {

// What the vendor says about an error: the first of the profile's error_text pointers that leads to
// something, else the first 200 bytes of the body. Empty for an empty body.
std::string error_text(const Profile& profile, const HttpResponse& response, const SecretMask& secrets);

// The vendor's id of the request, from the first of the profile's request_id_headers that is there; or "".
std::string request_id(const Profile& profile, const HttpResponse& response, const SecretMask& secrets);

// The tenant's plan out of the answer to the plan probe; nothing when it cannot be told.
std::optional<std::string> plan_name(const Profile& profile, const HttpResponse& response, const SecretMask& secrets);

// True when the answer says "not now" although its status is a refusal (profile: rate_limit.limited_*).
bool says_rate_limited(const Profile& profile, const HttpResponse& response);

}  // namespace auditferry
