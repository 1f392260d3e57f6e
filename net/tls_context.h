#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "core/peer_settings.h"
#include "core/result.h"
#include "encoding/url.h"

namespace boost::asio::ssl {
class context;
}
namespace boost::system {
class error_code;
}
struct ssl_st;
struct x509_store_ctx_st;
struct x509_store_st;

namespace auditferry {

// Loaded certificates, shared by all peers with the same files. Authorities are loaded once per tls.ca_file (and once
// for the system's, which cost 20 ms and 0.8 MB), whatever else the peers set. Loop thread only.
class TlsContexts {
 public:
  TlsContexts();
  ~TlsContexts();
  // TLS 1.2 or newer. Errors are ErrorKind::tls and name the file and the setting.
  Result<std::shared_ptr<boost::asio::ssl::context>> get(const TlsSettings& settings);
  // Files are read anew by the next get(): for SIGHUP, after certificates have been renewed.
  void forget() {
    contexts_.clear();
    authorities_.clear();
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string, TlsVersion, bool, bool>;
  Result<std::shared_ptr<x509_store_st>> authorities(const TlsSettings& settings);

  std::map<Key, std::shared_ptr<boost::asio::ssl::context>> contexts_;
  std::map<std::string, std::shared_ptr<x509_store_st>> authorities_;  // by tls.ca_file; "": the system's
};

// The verification of one connection, and what was wrong with the certificate that was shown.
class TlsVerification {
 public:
  TlsVerification(const TlsSettings& settings, const Origin& origin);

  // Sets SNI and the name or address that the certificate must be for. Call before the handshake.
  Status prepare(ssl_st* stream);
  // The callback of the handshake: keeps the first failure and gives `fine` back; with tls.fingerprint, whether the
  // certificate has it.
  bool verify(bool fine, x509_store_ctx_st* store);
  // After a handshake that went well: an error if tls.fingerprint is set and nothing was compared with it.
  Status confirm() const;
  // Words for a handshake that failed. `stream` is the one that was prepared.
  Error explain(const boost::system::error_code& error, ssl_st* stream) const;

 private:
  struct Failure {
    int code = 0;
    std::string reason;
    std::string subject;
    std::string issuer;
    std::string names;
    std::string expiry;
    std::string beginning;
  };
  std::string expected_name() const {
    return settings_.server_name.empty() ? origin_.host : settings_.server_name;
  }
  bool has_fingerprint() const { return shown_fingerprint_ == settings_.fingerprint; }
  Error explain_certificate(const Failure& failure) const;
  Error explain_fingerprint() const;

  TlsSettings settings_;
  Origin origin_;
  std::optional<Failure> failure_;
  std::string shown_fingerprint_;  // with tls.fingerprint, once a certificate was shown
};

}  // namespace auditferry
