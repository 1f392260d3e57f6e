// The calls of the AppTego Management API that are documented, and who may make them.
#include <algorithm>

#include "encoding/base64.h"
#include "encoding/json_text.h"
#include "sandbox/portal_state.h"

namespace auditferry {
namespace {

const SandboxToken* token_of(const PortalState& state, const PortalRequest& request) {
  const std::string given(find_header(request.headers, "Authorization").value_or(""));
  for (const SandboxToken& token : state.options.tokens) {
    if (!token.revoked && given == "Bearer " + base64_encode(token.key + ":" + token.secret)) return &token;
  }
  return nullptr;
}

PortalAnswer get_tenants(const PortalState& state, const SandboxToken& token) {
  std::string body = "{\"tenants\":[";
  bool first = true;
  for (const SandboxTenant& tenant : state.options.tenants) {
    if (!token.tenants.contains(tenant.id)) continue;
    if (!first) body += ',';
    first = false;
    body += "{\"tenant_id\":";
    append_json_string(body, tenant.id);
    body += ",\"name\":";
    append_json_string(body, tenant.name);
    body += ",\"plan\":";
    append_json_string(body, tenant.plan);
    body += '}';
  }
  return json_answer(200, body + "]}");
}

PortalAnswer get_subscription(const SandboxTenant& tenant) {
  std::string body = "{\"subscription\":";
  append_json_string(body, tenant.plan);
  return json_answer(200, body +
                              ",\"deletion\":false,\"enterprise_pricing\":null,\"team_pricing\":null,"
                              "\"custom_limits\":{\"concurrent_builds\":2,\"max_users\":20},"
                              "\"deployment_environments\":false,\"is_trial\":false}");
}

PortalAnswer ws_ticket(const PortalState& state) {
  const std::string text =
      record_id(SandboxLog::okta, state.options.seed, static_cast<std::int64_t>(state.request_number) + 1);
  return json_answer(200, "{\"ticket\":\"" + text + "\"}");
}

PortalAnswer get_config(const PortalRequest& request) {
  for (const std::string_view version : {"\"development\"", "\"staging\"", "\"production\""}) {
    if (request.body.find(version) == std::string::npos) continue;
    return json_answer(
        200, R"({"config":[{"RootDetectionResponse":{"detection":true,"action":"die","platform":"both"}}]})");
  }
  return error_answer(400, "version must be development, staging or production");
}

PortalAnswer security_dashboard() {
  return json_answer(
      200, R"({"detections_last_30_days":17,"number_of_active_devices":4,"android_versions":{"14":3},)"
           R"("ios_versions":{"17.1":1},"event_types_count":{"root_detection":9,"emulator_detection":5,)"
           R"("hooking_detection":3},"event_locations":[],"device_locations":[]})");
}

std::string without_prefix(const std::string& path) {
  return path.starts_with("/frontend/") ? path.substr(std::string_view("/frontend").size()) : path;
}

// The plan and the permission that stand between a token and a log.
std::optional<PortalAnswer> refuse_log(const SandboxToken& token, const SandboxTenant& tenant,
                                       SandboxLog log) {
  const std::string permission = log == SandboxLog::audit ? permission_audit_logs : permission_device_logs;
  if (log == SandboxLog::audit && tenant.plan != "ENTERPRISE") {
    return error_answer(403, "audit logs need the ENTERPRISE plan");
  }
  if (!token.permissions.contains(permission)) return error_answer(403, "missing permission: " + permission);
  return std::nullopt;
}

PortalAnswer answer_for_tenant(PortalState& state, const SandboxToken& token, const SandboxTenant& tenant,
                               const PortalRequest& request, const std::string& call, WallTime now) {
  if (call == "/get_tenant_subscription") {
    return request.method == "GET" ? get_subscription(tenant) : error_answer(404, "not found");
  }
  if (tenant.plan == "FREE") return error_answer(403, "API tokens need the TEAM or ENTERPRISE plan");
  if (request.method != "POST") return error_answer(404, "not found");
  if (call == "/get_applications") {
    return json_answer(
        200,
        R"({"applications":[{"platform":"android","build_version":"1.0.0","build_id":"b1","build_name":"example"}]})");
  }
  if (call == "/security_dashboard_data") return security_dashboard();
  if (call == "/ws-ticket") return ws_ticket(state);
  if (call == "/config") return get_config(request);
  if (call == "/audit_logs" || call == "/device_logs") {
    PortalStream& stream =
        *state.stream(tenant.id, call == "/audit_logs" ? SandboxLog::audit : SandboxLog::device);
    if (std::optional<PortalAnswer> refused = refuse_log(token, tenant, stream.log))
      return std::move(*refused);
    return answer_apptego_log(state, stream, tenant.id, request, now);
  }
  return error_answer(404, "not found");
}

}  // namespace

PortalAnswer answer_apptego(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                            WallTime now) {
  const SandboxToken* token = token_of(state, request);
  if (!token) return error_answer(401, "invalid or revoked token");
  const std::string call = without_prefix(target.path);
  if (call == "/get_tenants" && request.method == "GET") return get_tenants(state, *token);
  const std::optional<std::string_view> wanted = find_header(request.headers, "tenant");
  if (!wanted) return error_answer(400, "the tenant header is missing");
  const auto& tenants = state.options.tenants;
  const auto tenant = std::find_if(tenants.begin(), tenants.end(),
                                   [&](const SandboxTenant& known) { return known.id == *wanted; });
  if (tenant == tenants.end() || !token->tenants.contains(tenant->id))
    return error_answer(403, "no access to this tenant");
  return answer_for_tenant(state, *token, *tenant, request, call, now);
}

}  // namespace auditferry
