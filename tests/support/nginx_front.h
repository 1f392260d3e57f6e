#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sandbox/test_certificates.h"
#include "tests/support/child_process.h"

namespace auditferry {

// nginx as a TLS front that wants client certificates, before a server of the test. One process, so that a signal
// meets all of it.
class NginxFront {
 public:
  // Passes requests on to 127.0.0.1:`behind`. Clients must show a certificate of `client_ca_file`. `folder` exists
  // and outlives it. Throws std::runtime_error, with words that say how to get it, when nginx is missing.
  NginxFront(std::string folder, const CertificateFiles& own, const std::string& client_ca_file, std::uint16_t behind);

  // Starts it on its port; false when it does not listen within a minute. At most one runs at a time.
  bool start();
  // SIGKILL or SIGTERM, and until it is gone; false when it is not gone within a minute.
  bool stop(int signal);

  std::string url(const std::string& target) const;  // "https://127.0.0.1:PORT/target"
  std::string said() const;

 private:
  std::string folder_;
  std::uint16_t port_ = 0;
  std::string program_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace auditferry
