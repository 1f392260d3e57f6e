#include "net/connection.h"

#include <sys/socket.h>

#include <algorithm>
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

}  // namespace

Connection::Connection(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
Connection::~Connection() = default;

Task<Result<std::size_t>> Connection::read_some(char* into, std::size_t size) {
  boost::system::error_code error;
  const boost::asio::mutable_buffer buffer(into, size);
  auto reading = with_stream(*stream_, [&](auto& stream) { return read_from(stream, buffer, error); });
  const std::size_t bytes = co_await std::move(reading);
  throw_if_cancelled(error);
  if (error == boost::asio::error::eof) co_return std::size_t{0};
  if (error) co_return Error{ErrorKind::connect, "the connection broke: " + error.message()};
  co_return bytes;
}

Task<Status> Connection::write(std::string_view bytes) {
  boost::system::error_code error;
  const boost::asio::const_buffer buffer(bytes.data(), bytes.size());
  auto writing = with_stream(*stream_, [&](auto& stream) { return write_to(stream, buffer, error); });
  co_await std::move(writing);
  throw_if_cancelled(error);
  if (error) co_return Error{ErrorKind::connect, "the connection broke: " + error.message()};
  co_return Status();
}

Task<Status> Connection::finish() {
  boost::system::error_code error;
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_->any)) {
    co_await (*tls)->async_shutdown(redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
  }
  boost::system::error_code shutdown_error;
  stream_->lowest().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, shutdown_error);
  if (shutdown_error)
    co_return Error{ErrorKind::connect, "the connection broke: " + shutdown_error.message()};
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
