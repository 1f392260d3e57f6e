#include "sources/answer_text.h"

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

constexpr std::size_t longest_error_bytes = 500;
constexpr std::size_t longest_body_bytes = 200;
constexpr std::size_t longest_id_bytes = 200;

}  // namespace

std::string error_text(const Profile& profile, const HttpResponse& response, const SecretMask& secrets) {
  if (const Result<ScannedJson> scanned = scan_json(response.body)) {
    for (const std::string& pointer : profile.error_text) {
      const std::optional<JsonView> found = JsonView(scanned->text).at_pointer(pointer);
      if (!found) continue;
      if (std::string text = secrets.quoted(found->scalar_text(), longest_error_bytes); !text.empty())
        return text;
    }
  }
  return secrets.quoted(response.body, longest_body_bytes);
}

std::string request_id(const Profile& profile, const HttpResponse& response, const SecretMask& secrets) {
  for (const std::string& name : profile.request_id_headers) {
    const std::optional<std::string_view> value = response.header(name);
    if (value && !value->empty()) return secrets.quoted(*value, longest_id_bytes);
  }
  return {};
}

std::optional<std::string> plan_name(const Profile& profile, const HttpResponse& response, const SecretMask& secrets) {
  if (!profile.plan_probe || response.status != 200) return std::nullopt;
  const Result<ScannedJson> scanned = scan_json(response.body);
  if (!scanned) return std::nullopt;
  const std::optional<JsonView> found = JsonView(scanned->text).at_pointer(profile.plan_probe->plan);
  if (!found) return std::nullopt;
  std::optional<std::string> plan = found->as_string();
  if (!plan || plan->empty()) return std::nullopt;
  return secrets.quoted(*plan, longest_id_bytes);
}

bool says_rate_limited(const Profile& profile, const HttpResponse& response) {
  const RateLimitProfile& limit = profile.rate_limit;
  return response.status == 403 && !limit.limited_header.empty() &&
         response.header(limit.limited_header) == limit.limited_value;
}

}  // namespace auditferry
