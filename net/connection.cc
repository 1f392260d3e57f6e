#include "net/connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "net/connection_stream.h"
#include "net/deadline.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;

template <class Stream>
Task<std::size_t> read_from(Stream& stream, boost::asio::mutable_buffer into,
                            boost::system::error_code& error) {
  co_return co_await stream.async_read_some(into, redirect_error(use_awaitable, error));
}

template <class Stream>
Task<std::size_t> write_to(Stream& stream, boost::asio::const_buffer from, boost::system::error_code& error) {
  co_return co_await boost::asio::async_write(stream, from, redirect_error(use_awaitable, error));
}

// Sends close_notify without waiting for the far end's. OpenSSL is told that that has come, so that Asio's
// operation ends once ours is out, and is put right before anything can be read.
Task<void> send_close_notify(TlsStream& stream, boost::system::error_code& error) {
  auto token = redirect_error(use_awaitable, error);
  auto start = [&stream](auto handler) {
    SSL* tls = stream.native_handle();
    const int before = SSL_get_shutdown(tls);
    SSL_set_shutdown(tls, before | SSL_RECEIVED_SHUTDOWN);
    stream.async_shutdown(std::move(handler));
    SSL_set_shutdown(tls, before | SSL_SENT_SHUTDOWN);
  };
  co_await boost::asio::async_initiate<decltype(token), void(boost::system::error_code)>(start, token);
}

// Alerts that speak of our certificate (RFC 8446 section 6).
bool refuses_us(const boost::system::error_code& error) {
  if (error.category() != boost::asio::error::get_ssl_category()) return false;
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default:
      return false;
  }
}

}  // namespace

Error connection_error(const boost::system::error_code& error) {
  if (refuses_us(error)) {
    return {ErrorKind::tls, "the far end refuses this TLS connection (" + error.message() +
                                "): set tls.cert_file and tls.key_file to a certificate that it accepts"};
  }
  return {ErrorKind::connect, "the connection broke: " + error.message()};
}

Connection::Connection(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
Connection::~Connection() = default;

Task<Result<std::size_t>> Connection::read_some(char* into, std::size_t size) {
  boost::system::error_code error;
  const boost::asio::mutable_buffer buffer(into, size);
  auto reading = with_stream(*stream_, [&](auto& stream) { return read_from(stream, buffer, error); });
  const std::size_t bytes = co_await std::move(reading);
  throw_if_cancelled(error);
  if (error == boost::asio::error::eof) co_return std::size_t{0};
  if (error) co_return connection_error(error);
  co_return bytes;
}

Task<Status> Connection::write(std::string_view bytes) {
  boost::system::error_code error;
  const boost::asio::const_buffer buffer(bytes.data(), bytes.size());
  auto writing = with_stream(*stream_, [&](auto& stream) { return write_to(stream, buffer, error); });
  co_await std::move(writing);
  throw_if_cancelled(error);
  if (error) co_return connection_error(error);
  co_return Status();
}

Task<Status> Connection::finish() {
  boost::system::error_code error;
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_->any)) {
    co_await send_close_notify(**tls, error);
    throw_if_cancelled(error);
    if (error && error != boost::asio::error::eof) co_return connection_error(error);
  }
  stream_->lowest().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
  if (error) co_return connection_error(error);
  co_return Status();
}

bool Connection::is_idle_and_open() const {
  if (stream_->buffer.size() > 0 || !stream_->lowest().socket().is_open()) return false;
  char byte = 0;
  const ssize_t peeked = recv(native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  // Under TLS what waits may be a session ticket; if it is the end, the next request finds out.
  return peeked > 0 && std::holds_alternative<std::unique_ptr<TlsStream>>(stream_->any);
}

int Connection::native_handle() const {
  return stream_->lowest().socket().native_handle();
}

}  // namespace auditferry
