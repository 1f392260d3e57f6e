#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "sandbox/portal.h"
#include "sandbox/test_certificates.h"

namespace auditferry {

struct PortalServerTls {
  CertificateFiles certificate;
  std::string client_ca_file;     // when given, a client must show a certificate of this authority
  bool only_version_1_1 = false;  // as servers that nobody updates
};

struct PortalServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free
  std::optional<PortalServerTls> tls;
  Duration idle_timeout =
      std::chrono::seconds(30);  // for a request to come, and for a client to take an answer
};

// Serves a Portal over HTTP/1.1 or HTTPS, with a thread of its own. Carries out what an answer's
// AnswerTransport says: delays, trickles, cuts, resets, half-closes.
class PortalServer {
 public:
  // The portal outlives the server.
  PortalServer(Portal& portal, PortalServerOptions options);
  // Stops.
  ~PortalServer();
  PortalServer(const PortalServer&) = delete;
  PortalServer& operator=(const PortalServer&) = delete;

  // Listens when it returns.
  Status start();
  // Ends every connection and the thread; returns when they have ended. Harmless when not started.
  void stop();

  std::uint16_t port() const;
  std::string origin() const;         // "http://127.0.0.1:8480"
  std::uint64_t connections() const;  // accepted so far
  // What TLS clients have asked for by name (SNI), "" where they have named nothing.
  std::vector<std::string> server_names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
