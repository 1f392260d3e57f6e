#include "net/datagram_maker.h"

#include <sys/un.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <functional>
#include <string>
#include <utility>

#include "net/deadline.h"
#include "net/unix_stream.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using boost::asio::ip::udp;
using LocalDatagram = boost::asio::local::datagram_protocol;

Error udp_error(const std::string& name, int code) {
  if (code == ECONNREFUSED) {
    return {ErrorKind::connect,
            "nobody listens at UDP " + name + ": check the port, and that the receiver runs"};
  }
  return {ErrorKind::connect,
          "UDP " + name + " cannot be reached: " +
              boost::system::error_code(code, boost::system::system_category()).message()};
}

template <class Protocol>
class ConnectedDatagram final : public Datagram {
 public:
  using Explain = std::function<Error(int code)>;
  ConnectedDatagram(typename Protocol::socket socket, Explain explain)
      : socket_(std::move(socket)), explain_(std::move(explain)) {}

  Task<Status> send(std::string_view datagram) override {
    boost::system::error_code error;
    co_await socket_.async_send(boost::asio::buffer(datagram.data(), datagram.size()),
                                redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
    if (error == boost::asio::error::message_size) {
      co_return Error{ErrorKind::too_large,
                      "a datagram of " + std::to_string(datagram.size()) +
                          " bytes is larger than the system sends: lower max_message, or use TCP"};
    }
    if (error) co_return explain_(error.value());
    co_return Status();
  }

 private:
  typename Protocol::socket socket_;
  Explain explain_;
};

Result<std::unique_ptr<Datagram>> open_unix(const Executor& executor, const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return unix_socket_error(path, ENAMETOOLONG);
  LocalDatagram::socket socket(executor);
  boost::system::error_code error;
  socket.open(LocalDatagram(), error);
  if (!error) socket.connect(LocalDatagram::endpoint(path), error);
  if (error) return unix_socket_error(path, error.value());
  auto explain = [path](int code) { return unix_socket_error(path, code); };
  return std::unique_ptr<Datagram>(
      std::make_unique<ConnectedDatagram<LocalDatagram>>(std::move(socket), std::move(explain)));
}

}  // namespace

Task<Result<std::unique_ptr<Datagram>>> NetDatagramMaker::open(PeerAddress to, PeerSettings settings) {
  if (!to.unix_path.empty()) co_return open_unix(executor_, to.unix_path);
  Task<Result<std::unique_ptr<Datagram>>> opening = open_udp(std::move(to), std::move(settings));
  co_return co_await std::move(opening);
}

Task<Result<std::unique_ptr<Datagram>>> NetDatagramMaker::open_udp(PeerAddress to, PeerSettings settings) {
  const std::string name = to.host + ":" + std::to_string(to.port);
  const Result<std::vector<std::string>> addresses =
      co_await resolver_.resolve(to.host, settings.connect_timeout);
  if (!addresses.ok()) co_return addresses.error();
  Error failure;
  for (const std::string& text : *addresses) {
    boost::system::error_code error;
    const udp::endpoint endpoint(boost::asio::ip::make_address(text, error), to.port);
    udp::socket socket(executor_);
    if (!error) socket.open(endpoint.protocol(), error);
    if (!error) socket.connect(endpoint, error);
    if (!error) {
      auto explain = [name](int code) { return udp_error(name, code); };
      co_return std::unique_ptr<Datagram>(
          std::make_unique<ConnectedDatagram<udp>>(std::move(socket), std::move(explain)));
    }
    failure = udp_error(name, error.value());
  }
  co_return failure;
}

}  // namespace auditferry
