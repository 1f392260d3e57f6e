#pragma once

#include <memory>

#include "core/byte_stream.h"
#include "core/clock.h"
#include "net/connection.h"

namespace auditferry {

// core's Connector over TCP, TLS and Unix stream sockets. Everything it is given outlives it and its
// streams.
// TLS goes through a proxy's tunnel only when settings.proxy names one: HTTPS_PROXY is meant for HTTP.
// After a TLS 1.3 handshake connect() waits for the server's first record, at most `tls_patience`
// (net/handshake_proof.h), so that nothing is sent to a server that refuses our certificate.
class StreamConnector final : public Connector {
 public:
  static constexpr Duration tls_patience = std::chrono::seconds(1);

  StreamConnector(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts);

  Task<Result<std::unique_ptr<ByteStream>>> connect(PeerAddress to, PeerSettings settings) override;

 private:
  Task<Result<std::unique_ptr<ByteStream>>> connect_network(PeerAddress to, PeerSettings settings);
  Task<Result<std::unique_ptr<ByteStream>>> connect_unix(PeerAddress to, PeerSettings settings);

  Executor executor_;
  Clock& clock_;
  ConnectionMaker connections_;
};

}  // namespace auditferry
