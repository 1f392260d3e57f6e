#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>

#include "net/connection.h"
#include "net/connection_stream.h"
#include "net/deadline.h"

namespace auditferry {
namespace {

namespace http = boost::beast::http;
using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

constexpr Duration turn_of_an_address = std::chrono::seconds(2);
constexpr std::size_t read_reservation = 64u << 10;

Task<boost::system::error_code> connect_socket(PlainStream& stream, tcp::endpoint endpoint) {
  boost::system::error_code error;
  co_await stream.async_connect(endpoint, redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  co_return error;
}

Task<boost::system::error_code> client_handshake(TlsStream& stream) {
  boost::system::error_code error;
  co_await stream.async_handshake(boost::asio::ssl::stream_base::client,
                                  redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  co_return error;
}

Error proxy_error(const ProxyAddress& proxy, const Origin& origin, const std::string& why, ErrorKind kind = ErrorKind::proxy) {
  return {kind,
          "the proxy " + proxy.origin.text() + " gave no tunnel to " + origin.text() + ": " + why};
}

Task<Result<int>> ask_for_tunnel(Connection& connection, std::string request, const ProxyAddress& proxy,
                                 const Origin& origin) {
  const Status sent = co_await connection.write(request);
  if (!sent.ok()) co_return proxy_error(proxy, origin, sent.error().message);
  http::response_parser<http::empty_body> parser;
  parser.header_limit(16u << 10);
  parser.skip(true);
  boost::system::error_code error;
  Connection::Stream& stream = connection.stream();
  co_await http::async_read_header(stream.lowest(), stream.buffer, parser,
                                   redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  if (error)
    co_return proxy_error(proxy, origin,
                          "it closed the connection or did not answer in HTTP (" + error.message() +
                              "): check the proxy's address");
  co_return static_cast<int>(parser.get().result_int());
}

}  // namespace

ConnectionMaker::ConnectionMaker(Executor executor, Clock& clock, Resolver& resolver, TlsContexts& contexts,
                                 ProxyEnvironment environment)
    : executor_(std::move(executor)),
      clock_(clock),
      resolver_(resolver),
      contexts_(contexts),
      environment_(std::move(environment)) {}

Result<std::optional<ProxyAddress>> ConnectionMaker::proxy_for(const Origin& origin,
                                                               const PeerSettings& settings) const {
  return choose_proxy(settings.proxy, environment_, origin);
}

Task<Result<std::unique_ptr<Connection>>> ConnectionMaker::connect_tcp(Origin to, Duration limit) {
  const Result<std::vector<std::string>> addresses = co_await resolver_.resolve(to.host, limit);
  if (!addresses.ok()) co_return addresses.error();
  const SteadyTime deadline = clock_.steady_now() + limit;
  std::string tried;
  bool timed_out = false;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const std::string& text = (*addresses)[i];
    const Duration left = deadline - clock_.steady_now();
    if (left.count() <= 0) {
      timed_out = true;
      break;
    }
    boost::system::error_code error;
    const tcp::endpoint endpoint(boost::asio::ip::make_address(text, error), to.port);
    PlainStream stream(executor_);
    std::optional<boost::system::error_code> outcome = error;
    if (!error) {
      const bool last = i + 1 == addresses->size();
      Task<boost::system::error_code> attempt = connect_socket(stream, endpoint);
      outcome = co_await within(clock_, last ? left : std::min(left, turn_of_an_address), std::move(attempt));
    }
    if (outcome && !*outcome) {
      stream.socket().set_option(tcp::no_delay(true), error);
      auto made = std::make_unique<Connection::Stream>(std::move(stream));
      made->buffer.reserve(read_reservation);
      co_return std::make_unique<Connection>(std::move(made));
    }
    timed_out = !outcome;
    tried += (tried.empty() ? "" : "; ") + text + ": " + (outcome ? outcome->message() : "no answer in time");
  }
  const ErrorKind kind = timed_out ? ErrorKind::timeout : ErrorKind::connect;
  co_return Error{kind, "cannot connect to " + to.text() + " (" + tried +
                            "): check that it runs, the port, and the firewalls between"};
}

Task<Status> ConnectionMaker::open_tunnel(Connection& connection, const ProxyAddress& proxy,
                                          const Origin& origin) {
  std::string request = "CONNECT " + origin.text() + " HTTP/1.1\r\nHost: " + origin.text() + "\r\n";
  if (!proxy.authorization.empty())
    request += "Proxy-Authorization: " + proxy.authorization.reveal() + "\r\n";
  request += "\r\n";
  const Result<int> status = co_await ask_for_tunnel(connection, std::move(request), proxy, origin);
  if (!status.ok()) co_return status.error();
  if (*status == 407) {
    co_return proxy_error(proxy, origin,
                          "it wants a user name and password (status 407): put them into the proxy's URL, "
                          "http://user:password@host:port", ErrorKind::permission);
  }
  if (*status < 200 || *status > 299) {
    co_return proxy_error(proxy, origin,
                          "it answered with status " + std::to_string(*status) +
                              ": ask its operators to allow this host and port",
                          *status < 500 ? ErrorKind::permission : ErrorKind::proxy);
  }
  if (connection.stream().buffer.size() > 0)
    co_return proxy_error(proxy, origin, "it sent data before the tunnel was used");
  co_return Status();
}

Task<Status> ConnectionMaker::shake_hands(std::unique_ptr<Connection>& connection, const Origin& origin,
                                          const TlsSettings& settings) {
  const Result<std::shared_ptr<boost::asio::ssl::context>> context = contexts_.get(settings);
  if (!context.ok()) co_return context.error();
  Connection::Stream& stream = connection->stream();
  auto tls = std::make_unique<TlsStream>(std::move(stream.lowest()), **context);
  TlsStream& layer = *tls;
  stream.context = *context;
  stream.any = std::move(tls);
  TlsVerification verification(settings, origin);
  Status prepared = verification.prepare(layer.native_handle());
  if (!prepared.ok()) co_return prepared;
  if (!settings.insecure) {
    layer.set_verify_callback([&verification](bool fine, boost::asio::ssl::verify_context& store) {
      return verification.verify(fine, store.native_handle());
    });
  }
  const boost::system::error_code error = co_await client_handshake(layer);
  // The callback refers to this function's own variables; it is not called after the handshake.
  if (error) co_return verification.explain(error, layer.native_handle());
  co_return verification.confirm();
}

Task<Result<std::unique_ptr<Connection>>> ConnectionMaker::connect(Origin origin, PeerSettings settings) {
  const Result<std::optional<ProxyAddress>> proxy = proxy_for(origin, settings);
  if (!proxy.ok()) co_return proxy.error();
  const Duration limit = settings.connect_timeout;
  Origin first_hop = *proxy ? (*proxy)->origin : origin;
  Result<std::unique_ptr<Connection>> connected = co_await connect_tcp(std::move(first_hop), limit);
  if (!connected.ok()) {
    if (!*proxy) co_return connected;
    co_return Error{ErrorKind::proxy, "the proxy for " + origin.text() + ": " + connected.error().message};
  }
  if (!origin.tls) co_return connected;
  std::unique_ptr<Connection> connection = std::move(connected).value();
  if (*proxy) {
    Task<Status> opening = open_tunnel(*connection, **proxy, origin);
    const std::optional<Status> tunnel = co_await within(clock_, limit, std::move(opening));
    if (!tunnel) co_return proxy_error(**proxy, origin, "it did not answer in time");
    if (!tunnel->ok()) co_return tunnel->error();
  }
  Task<Status> shaking = shake_hands(connection, origin, settings.tls);
  const std::optional<Status> shaken = co_await within(clock_, limit, std::move(shaking));
  if (!shaken)
    co_return Error{ErrorKind::timeout, "the TLS handshake with " + origin.text() +
                                            " did not end in time: check that this port speaks TLS"};
  if (!shaken->ok()) co_return shaken->error();
  co_return connection;
}

}  // namespace auditferry
