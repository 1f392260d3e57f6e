#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/peer_settings.h"
#include "core/result.h"
#include "core/task.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/tls_context.h"
#include "encoding/url.h"

namespace auditferry {

// An established stream of bytes: TCP or TLS over TCP, perhaps through a proxy's tunnel. The destructor
// closes it at once. Loop thread only; one reader and one writer at a time. Deadlines are the caller's
// (net/deadline.h); cancelling an operation leaves the connection fit for nothing but closing.
class Connection {
 public:
  struct Stream;  // net/connection_stream.h

  explicit Connection(std::unique_ptr<Stream> stream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Up to `size` bytes; 0 is an orderly end (FIN, under TLS only after close_notify). ErrorKind::connect,
  // or tls when the far end refuses our certificate.
  Task<Result<std::size_t>> read_some(char* into, std::size_t size);
  // All of it is handed to the system when it returns, which is no proof that the far end has it.
  Task<Status> write(std::string_view bytes);
  // Tells the far end that nothing follows: close_notify under TLS, and a FIN. Reading goes on, also a
  // read that is under way.
  Task<Status> finish();
  // False when the far end has closed, or sent something that nobody asked for.
  bool is_idle_and_open() const;
  // The socket, for its options and counters (SIOCOUTQ); owned by this object.
  int native_handle() const;

  Stream& stream() { return *stream_; }

 private:
  std::unique_ptr<Stream> stream_;
};

// Words for a connection that broke; see Connection::read_some for the kind.
Error connection_error(const boost::system::error_code& error);

// Makes connections. Everything it is given outlives it and its connections.
class ConnectionMaker {
 public:
  ConnectionMaker(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts,
                  ProxyEnvironment environment);

  // Resolves, connects to each address in turn (the families alternate; while others remain an address
  // gets at most two seconds), asks the proxy for a tunnel, shakes hands. Resolving, connecting, the
  // tunnel and the handshake may each take `settings.connect_timeout`. Errors: resolve, connect, proxy,
  // tls, timeout, invalid; each names host and port and what to check.
  // A plain origin behind a proxy gives a connection to the proxy, for requests in absolute form.
  Task<Result<std::unique_ptr<Connection>>> connect(Origin origin, PeerSettings settings);

  // The proxy that connect() would use.
  Result<std::optional<ProxyAddress>> proxy_for(const Origin& origin, const PeerSettings& settings) const;

 private:
  Task<Result<std::unique_ptr<Connection>>> connect_tcp(Origin to, Duration limit);
  Task<Status> open_tunnel(Connection& connection, const ProxyAddress& proxy, const Origin& origin);
  Task<Status> shake_hands(std::unique_ptr<Connection>& connection, const Origin& origin,
                           const TlsSettings& settings);

  Executor executor_;
  Clock& clock_;
  Resolver& resolver_;
  TlsContexts& contexts_;
  ProxyEnvironment environment_;
};

}  // namespace auditferry
