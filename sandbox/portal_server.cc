#include "sandbox/portal_server.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "core/task_group.h"
#include "net/system_clock.h"
#include "sandbox/portal_session.h"

namespace auditferry {
namespace {

using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;

Task<void> serve_plain(tcp::socket socket, PortalSessionWorld& world) {
  boost::beast::tcp_stream stream(std::move(socket));
  detail::PortalSession<boost::beast::tcp_stream> session(stream, world);
  co_await session.run();
}

Task<void> serve_tls(tcp::socket socket, ssl::context& context, PortalSessionWorld& world) {
  boost::beast::ssl_stream<boost::beast::tcp_stream> stream(boost::beast::tcp_stream(std::move(socket)),
                                                            context);
  boost::system::error_code error;
  boost::beast::get_lowest_layer(stream).expires_after(world.idle_timeout);
  co_await stream.async_handshake(ssl::stream_base::server, redirect_error(use_awaitable, error));
  if (error) co_return;
  detail::PortalSession<boost::beast::ssl_stream<boost::beast::tcp_stream>> session(stream, world);
  co_await session.run();
  if (!boost::beast::get_lowest_layer(stream).socket().is_open()) co_return;
  boost::beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(1));
  co_await stream.async_shutdown(redirect_error(use_awaitable, error));
}

Result<std::unique_ptr<ssl::context>> make_context(const PortalServerTls& tls) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  context->use_certificate_chain_file(tls.certificate.cert_file, error);
  if (!error) context->use_private_key_file(tls.certificate.key_file, ssl::context::pem, error);
  if (!error && !tls.client_ca_file.empty()) {
    context->load_verify_file(tls.client_ca_file, error);
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  }
  if (error) return Error{ErrorKind::tls, "the sandbox's certificate cannot be used: " + error.message()};
  if (tls.only_version_1_1) {
    // Old versions need the lowest security level of OpenSSL.
    SSL_CTX_set_cipher_list(context->native_handle(), "DEFAULT@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_1_VERSION);
  }
  return context;
}

}  // namespace

struct PortalServer::State {
  State(Portal& portal, PortalServerOptions options_in)
      : options(std::move(options_in)),
        world{portal, clock, "", options.idle_timeout},
        acceptor(context),
        tasks(context.get_executor()) {}

  Task<void> accept();

  PortalServerOptions options;
  SystemClock clock;
  PortalSessionWorld world;
  boost::asio::io_context context{1};
  std::unique_ptr<ssl::context> tls;
  tcp::acceptor acceptor;
  TaskGroup tasks;
  std::thread thread;
  std::uint16_t port = 0;
  std::atomic<std::uint64_t> connections = 0;
  std::mutex names_mutex;
  std::vector<std::string> names;
};

namespace {

// OpenSSL calls it in each handshake, whether the client has named a server or not.
template <class State>
int note_server_name(SSL* stream, int*, void* argument) {
  State& state = *static_cast<State*>(argument);
  const char* name = SSL_get_servername(stream, TLSEXT_NAMETYPE_host_name);
  const std::lock_guard lock(state.names_mutex);
  state.names.emplace_back(name != nullptr ? name : "");
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Task<void> PortalServer::State::accept() {
  while (acceptor.is_open()) {
    boost::system::error_code error;
    tcp::socket socket = co_await acceptor.async_accept(redirect_error(use_awaitable, error));
    if (error == boost::asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors: give the connections that are open a moment to end.
      co_await clock.sleep(std::chrono::milliseconds(50));
      continue;
    }
    ++connections;
    socket.set_option(tcp::no_delay(true), error);
    if (tls) {
      tasks.spawn("connection", serve_tls(std::move(socket), *tls, world));
    } else {
      tasks.spawn("connection", serve_plain(std::move(socket), world));
    }
  }
}

PortalServer::PortalServer(Portal& portal, PortalServerOptions options)
    : state_(std::make_unique<State>(portal, std::move(options))) {}

PortalServer::~PortalServer() {
  stop();
}

Status PortalServer::start() {
  State& state = *state_;
  if (state.options.tls) {
    Result<std::unique_ptr<ssl::context>> context = make_context(*state.options.tls);
    if (!context.ok()) return context.error();
    state.tls = std::move(context).value();
    SSL_CTX_set_tlsext_servername_callback(state.tls->native_handle(), note_server_name<State>);
    SSL_CTX_set_tlsext_servername_arg(state.tls->native_handle(), &state);
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(state.options.address, error);
  const tcp::endpoint endpoint(address, state.options.port);
  if (!error) state.acceptor.open(endpoint.protocol(), error);
  if (!error) state.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state.acceptor.bind(endpoint, error);
  if (!error) state.acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{ErrorKind::io, "cannot listen on " + state.options.address + ":" +
                                    std::to_string(state.options.port) + ": " + error.message()};
  }
  state.port = state.acceptor.local_endpoint(error).port();
  state.world.origin = origin();
  state.tasks.spawn("accept", state.accept());
  state.thread = std::thread([&state] { state.context.run(); });
  return {};
}

void PortalServer::stop() {
  State& state = *state_;
  if (!state.thread.joinable()) return;
  boost::asio::post(state.context, [&state] {
    boost::system::error_code ignored;
    state.acceptor.close(ignored);
    state.tasks.cancel();
  });
  state.thread.join();
}

std::uint16_t PortalServer::port() const {
  return state_->port;
}

std::string PortalServer::origin() const {
  const std::string host = state_->options.address.find(':') == std::string::npos
                               ? state_->options.address
                               : "[" + state_->options.address + "]";
  return (state_->options.tls ? "https://" : "http://") + host + ":" + std::to_string(state_->port);
}

std::vector<std::string> PortalServer::server_names() const {
  const std::lock_guard lock(state_->names_mutex);
  return state_->names;
}

std::uint64_t PortalServer::connections() const {
  return state_->connections;
}

}  // namespace auditferry
