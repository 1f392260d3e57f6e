#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace auditferry {

struct CertificateFiles {
  std::string cert_file;
  std::string key_file;
};

struct CertificateWish {
  std::string file_name = "server";  // NAME.pem and NAME.key in the folder
  std::string common_name = "localhost";
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  Duration valid_from = -std::chrono::hours(1);  // from now
  Duration valid_to = std::chrono::hours(24 * 30);
};

// A certificate authority for tests and demos. It writes PEM files (P-256 keys, owner-only) into a
// folder that exists; the key of the authority itself is never written.
class TestCertificates {
 public:
  // Writes `folder`/ca.pem; ca_name is the subject's common name.
  static Result<TestCertificates> make(std::string folder, const std::string& ca_name = "Sandbox CA");
  TestCertificates(TestCertificates&&) noexcept;
  TestCertificates& operator=(TestCertificates&&) = delete;
  ~TestCertificates();

  std::string ca_file() const { return folder_ + "/ca.pem"; }
  Result<CertificateFiles> issue(const CertificateWish& wish);
  // For localhost, 127.0.0.1 and ::1.
  Result<CertificateFiles> issue_for_loopback();

 private:
  struct Authority;
  explicit TestCertificates(std::string folder);
  std::string folder_;
  std::unique_ptr<Authority> authority_;
  long serial_ = 1;
};

}  // namespace auditferry
