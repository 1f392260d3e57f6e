#include "net/unix_stream.h"

#include <sys/un.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/connection.h"
#include "net/deadline.h"
#include "net/socket_counters.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using Socket = boost::asio::local::stream_protocol::socket;

class UnixStream final : public ByteStream {
 public:
  explicit UnixStream(Socket socket) : socket_(std::move(socket)) {}

  Task<Result<std::size_t>> read_some(char* into, std::size_t size) override {
    boost::system::error_code error;
    const std::size_t count = co_await socket_.async_read_some(boost::asio::buffer(into, size),
                                                               redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
    if (error == boost::asio::error::eof) co_return std::size_t{0};
    if (error) co_return connection_error(error);
    co_return count;
  }

  Task<Status> write(std::string_view bytes) override {
    boost::system::error_code error;
    const boost::asio::const_buffer all(bytes.data(), bytes.size());
    written_ += co_await boost::asio::async_write(socket_, all, redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
    if (error) co_return connection_error(error);
    co_return Status();
  }

  Task<Status> finish() override {
    boost::system::error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    if (error) co_return connection_error(error);
    co_return Status();
  }

  Result<Counters> counters() const override {
    const Result<std::uint64_t> unread = unread_by_unix_peer(const_cast<Socket&>(socket_).native_handle());
    if (!unread) return unread.error();
    // What is counted as unread is never too little, so this is never too much.
    if (written_ > *unread) read_ = std::max(read_, written_ - *unread);
    return Counters{written_, read_};
  }

 private:
  Socket socket_;
  std::uint64_t written_ = 0;
  mutable std::uint64_t read_ = 0;  // by the peer, as far as was ever seen
};

}  // namespace

Error unix_socket_error(const std::string& path, int code) {
  if (code == ENOENT) {
    return {ErrorKind::not_found,
            "there is no socket " + path + ": check the path, and that the program behind it runs"};
  }
  if (code == EACCES || code == EPERM) {
    return {ErrorKind::permission,
            "auditferry may not write to the socket " + path + ": give its user the right"};
  }
  if (code == EPROTOTYPE) {
    return {ErrorKind::invalid,
            "the socket " + path +
                " is of the other kind: transport \"unix\" is for datagrams, \"unix_stream\" for streams"};
  }
  if (code == ECONNREFUSED) {
    return {ErrorKind::connect, "nobody listens at the socket " + path + ": start the program behind it"};
  }
  return {ErrorKind::connect, "the socket " + path + " cannot be used: " + std::strerror(code)};
}

Task<Result<std::unique_ptr<ByteStream>>> connect_unix_stream(Executor executor, std::string path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return unix_socket_error(path, ENAMETOOLONG);
  Socket socket(executor);
  boost::system::error_code error;
  const boost::asio::local::stream_protocol::endpoint endpoint(path);
  co_await socket.async_connect(endpoint, redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  if (error) co_return unix_socket_error(path, error.value());
  co_return std::unique_ptr<ByteStream>(std::make_unique<UnixStream>(std::move(socket)));
}

}  // namespace auditferry
