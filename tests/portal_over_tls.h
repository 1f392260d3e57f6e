#pragma once
// The simulated portal over TLS, with a certificate for loopback of an authority that nobody knows.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/result.h"
#include "sandbox/portal_server.h"
#include "sandbox/test_certificates.h"

namespace auditferry {

// The portal outlives it; keys and certificates go into `folder`, which it makes.
class PortalOverTls {
 public:
  PortalOverTls(Portal& portal, const std::string& folder) : certificates_(make(folder)), server_(portal, options()) {
    EXPECT_TRUE(server_.start().ok());
  }
  std::string origin() const { return server_.origin(); }
  std::string ca_file() const { return certificates_.ca_file(); }

 private:
  static TestCertificates make(const std::string& folder) {
    std::filesystem::create_directories(folder);
    return TestCertificates::make(folder, "Example CA").value();
  }
  PortalServerOptions options() {
    PortalServerOptions options;
    options.tls = PortalServerTls{certificates_.issue_for_loopback().value(), "", false};
    return options;
  }

  TestCertificates certificates_;
  PortalServer server_;
};

}  // namespace auditferry
