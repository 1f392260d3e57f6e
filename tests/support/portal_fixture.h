#pragma once
// A portal with a clock that a test moves, and the calls that tests make over and over.

#include <string>
#include <string_view>
#include <vector>

#include "encoding/base64.h"
#include "encoding/json_view.h"
#include "sandbox/portal.h"

namespace auditferry {

class PortalFixture {
 public:
  explicit PortalFixture(PortalOptions options = {})
      : token(good_token()), portal_(std::move(options), [this] { return now_; }) {}

  // base64("key:secret"), and the tenant header; empty leaves the header out.
  std::string token;
  std::string tenant = sandbox_tenant;
  // Instead of "Bearer <token>" when it is not empty.
  std::string authorization;

  Portal& portal() { return portal_; }
  WallTime now() const { return now_; }
  static WallTime start() {
    return std::chrono::sys_days(std::chrono::year(2025) / 11 / 23) + std::chrono::hours(10);
  }
  void pass(Duration time) { now_ += time; }
  static std::string good_token() {
    return base64_encode(std::string(sandbox_token_key) + ":" + sandbox_token_secret);
  }

  PortalAnswer call(std::string method, std::string target, std::string body) {
    PortalRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.push_back({"authorization", authorization.empty() ? "Bearer " + token : authorization});
    if (!tenant.empty()) request.headers.push_back({"Tenant", tenant});
    return portal_.handle(request);
  }
  // The body of a page of "audit_logs" or "device_logs".
  std::string logs(const std::string& path, std::string body) {
    return call("POST", "/frontend/" + path, std::move(body)).body;
  }

  // The events of a page of the two AppTego logs.
  static std::vector<std::string> ids(const std::string& page) {
    std::vector<std::string> ids;
    const auto records = JsonView(page).find("logs");
    if (!records) return ids;
    for (const JsonView record : records->elements()) ids.push_back(record.find("event")->scalar_text());
    return ids;
  }
  static std::string header(const PortalAnswer& answer, std::string_view name) {
    for (const HttpHeader& header : answer.headers) {
      if (header.name == name) return header.value;
    }
    return {};
  }
  // Path and query of the link rel="next", or nothing.
  static std::string next_link(const PortalAnswer& answer) {
    for (const HttpHeader& header : answer.headers) {
      const std::size_t next = header.value.find(">; rel=\"next\"");
      if (header.name != "Link" || next == std::string::npos) continue;
      const std::size_t path = header.value.find('/', header.value.find("://") + 3);
      return header.value.substr(path, next - path);
    }
    return {};
  }

 private:
  WallTime now_ = start();
  Portal portal_;
};

}  // namespace auditferry
