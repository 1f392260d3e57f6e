#include "net/handshake_proof.h"

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/connection_stream.h"
#include "net/deadline.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;

// Sees the handshake messages that arrive, and forgets the callback at the end of its scope.
class TicketWatch {
 public:
  explicit TicketWatch(SSL* stream) : stream_(stream) {
    SSL_set_msg_callback(stream_, &TicketWatch::see);
    SSL_set_msg_callback_arg(stream_, this);
  }
  ~TicketWatch() {
    SSL_set_msg_callback(stream_, nullptr);
    SSL_set_msg_callback_arg(stream_, nullptr);
  }
  TicketWatch(const TicketWatch&) = delete;
  TicketWatch& operator=(const TicketWatch&) = delete;
  bool seen() const { return seen_; }

 private:
  static void see(int sent, int, int content, const void* bytes, std::size_t size, SSL*, void* self) {
    const bool ticket = sent == 0 && content == SSL3_RT_HANDSHAKE && size > 0 &&
                        *static_cast<const unsigned char*>(bytes) == SSL3_MT_NEWSESSION_TICKET;
    if (ticket) static_cast<TicketWatch*>(self)->seen_ = true;
  }
  SSL* stream_;
  bool seen_ = false;
};

Task<boost::system::error_code> until_readable(PlainStream& stream) {
  boost::system::error_code error;
  co_await stream.socket().async_wait(boost::asio::ip::tcp::socket::wait_read,
                                      redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  co_return error;
}

}  // namespace

Task<Status> await_handshake_proof(Connection& connection, Clock& clock, Duration patience,
                                   std::string& early) {
  auto* held = std::get_if<std::unique_ptr<TlsStream>>(&connection.stream().any);
  if (!held || SSL_version((*held)->native_handle()) < TLS1_3_VERSION) co_return Status();
  TlsStream& stream = **held;
  const TicketWatch watch(stream.native_handle());
  const SteadyTime deadline = clock.steady_now() + patience;
  boost::system::error_code error;
  // Reads that never wait leave the state of TLS as it is, which a cancelled read would not promise.
  stream.next_layer().socket().non_blocking(true, error);
  if (error) co_return connection_error(error);
  std::array<char, 1024> bytes{};
  while (!watch.seen()) {
    const std::size_t count = stream.read_some(boost::asio::buffer(bytes), error);
    early.append(bytes.data(), count);
    if (count > 0 || watch.seen()) break;
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) {
      const Duration left = deadline - clock.steady_now();
      if (left.count() <= 0) break;
      Task<boost::system::error_code> waiting = until_readable(stream.next_layer());
      const std::optional<boost::system::error_code> outcome =
          co_await within(clock, left, std::move(waiting));
      if (!outcome) break;
      if (*outcome) co_return connection_error(*outcome);
      continue;
    }
    if (error == boost::asio::error::eof)
      co_return Error{ErrorKind::connect, "the far end closed the connection right after the TLS handshake"};
    if (error) co_return connection_error(error);
  }
  co_return Status();
}

}  // namespace auditferry
