#include "net/stream_connector.h"

#include <algorithm>
#include <utility>

#include "net/deadline.h"
#include "net/handshake_proof.h"
#include "net/socket_counters.h"
#include "net/unix_stream.h"

namespace auditferry {
namespace {

class NetworkStream final : public ByteStream {
 public:
  NetworkStream(std::unique_ptr<Connection> connection, std::string early)
      : connection_(std::move(connection)), early_(std::move(early)) {}

  Task<Result<std::size_t>> read_some(char* into, std::size_t size) override {
    if (early_.empty()) return connection_->read_some(into, size);
    return take_early(into, size);
  }
  Task<Status> write(std::string_view bytes) override { return connection_->write(bytes); }
  Task<Status> finish() override { return connection_->finish(); }
  Result<Counters> counters() const override {
    const Result<SocketCounters> counted = tcp_counters(connection_->native_handle());
    if (!counted) return counted.error();
    return Counters{counted->handed_over, counted->acknowledged};
  }

 private:
  Task<Result<std::size_t>> take_early(char* into, std::size_t size) {
    const std::size_t count = early_.copy(into, size);
    early_.erase(0, count);
    co_return count;
  }
  std::unique_ptr<Connection> connection_;
  std::string early_;  // what came while the handshake's outcome was awaited
};

}  // namespace

StreamConnector::StreamConnector(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts)
    : executor_(executor), clock_(clock), connections_(executor, clock, resolver, contexts, {}) {}

Task<Result<std::unique_ptr<ByteStream>>> StreamConnector::connect(PeerAddress to, PeerSettings settings) {
  if (!to.unix_path.empty()) return connect_unix(std::move(to), std::move(settings));
  return connect_network(std::move(to), std::move(settings));
}

Task<Result<std::unique_ptr<ByteStream>>> StreamConnector::connect_network(PeerAddress to,
                                                                           PeerSettings settings) {
  if (!to.tls || settings.proxy.empty()) settings.proxy = "none";
  const Origin origin{to.host, to.port, to.tls};
  Result<std::unique_ptr<Connection>> connected = co_await connections_.connect(origin, std::move(settings));
  if (!connected.ok()) co_return std::move(connected).error();
  std::unique_ptr<Connection> connection = std::move(connected).value();
  std::string early;
  const Status taken = co_await await_handshake_proof(*connection, clock_, tls_patience, early);
  if (!taken.ok()) co_return with_context(origin.text(), taken.error());
  co_return std::unique_ptr<ByteStream>(
      std::make_unique<NetworkStream>(std::move(connection), std::move(early)));
}

Task<Result<std::unique_ptr<ByteStream>>> StreamConnector::connect_unix(PeerAddress to,
                                                                        PeerSettings settings) {
  const std::string path = to.unix_path;
  Task<Result<std::unique_ptr<ByteStream>>> connecting = connect_unix_stream(executor_, path);
  std::optional<Result<std::unique_ptr<ByteStream>>> connected =
      co_await within(clock_, settings.connect_timeout, std::move(connecting));
  if (!connected)
    co_return Error{ErrorKind::timeout,
                    "cannot connect to " + path + " in time: see what holds up its owner"};
  co_return std::move(*connected);
}

}  // namespace auditferry
