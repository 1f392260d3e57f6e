#pragma once
// How to reach a network peer: the same keys for every source and every exporter.

#include <cstdint>
#include <string>

#include "core/time.h"

namespace auditferry {

enum class TlsVersion { tls1_2, tls1_3 };

struct TlsSettings {
  std::string ca_file;      // PEM; empty: the system's store
  std::string cert_file;    // PEM chain shown to the server; empty: none
  std::string key_file;     // PEM, owner-only
  std::string server_name;  // verified (and sent as SNI) instead of the URL's host
  // "sha-256:AB:CD:…" in upper case (RFC 5425 section 4.2.2): the certificate that has it is verified by that alone,
  // neither chain nor name nor time are looked at. Empty: they are.
  std::string fingerprint;
  TlsVersion min_version = TlsVersion::tls1_2;
  bool insecure = false;    // neither chain nor name are verified, plain http:// is allowed: shouted about
  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

enum class Compression { none, gzip, zstd };

struct PeerSettings {
  TlsSettings tls;
  std::string proxy;  // "http://host:port"; empty: HTTPS_PROXY and NO_PROXY; "none": never
  Duration connect_timeout = std::chrono::seconds(10);  // each of resolve, connect and handshake
  Duration timeout = std::chrono::seconds(60);          // writing the request and reading the whole answer
  Compression compression = Compression::none;          // of what we send
  std::string user_agent = "auditferry/" AUDITFERRY_VERSION;
};

}  // namespace auditferry
