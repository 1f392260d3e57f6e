#include "daemon/admin_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "core/bell.h"
#include "net/deadline.h"

namespace auditferry {
namespace {

namespace http = boost::beast::http;
using boost::asio::redirect_error;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::empty_body>;

constexpr std::uint32_t header_limit = 8u << 10;
// What is read and thrown away after an answer, so that closing does not destroy it on its way.
constexpr std::size_t leftover_limit = 64u << 10;

bool same_name(std::string_view a, std::string_view b) {
  return boost::beast::iequals(a, b);
}

std::string authority(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

AdminAnswer refusal(int status, std::string words) {
  AdminAnswer answer;
  answer.status = status;
  answer.body = std::move(words) + "\n";
  return answer;
}

// Nothing: the request may be answered.
std::optional<AdminAnswer> refuse(const Parser& parser, const AdminSettings& settings) {
  const auto& request = parser.get();
  if (request.count(http::field::host) != 1 || !admin_host_allowed(request[http::field::host], settings.hosts))
    return refusal(403, "this name is not served here: ask by IP address or localhost, or add the name to admin.hosts");
  if (request.method() != http::verb::get && request.method() != http::verb::head)
    return refusal(405, "only GET and HEAD are answered here");
  if (parser.chunked() || parser.content_length().value_or(0) > 0)
    return refusal(413, "a request here has no body");
  if (request.target().empty() || request.target().front() != '/') return refusal(400, "the path must begin with /");
  return std::nullopt;
}

AdminAnswer unreadable(const error_code& error) {
  if (error == http::error::header_limit)
    return refusal(431, "the request's header is larger than " + std::to_string(header_limit) + " bytes");
  return refusal(400, "this is not a request in HTTP/1.1: " + error.message());
}

http::response<http::string_body> response_of(AdminAnswer answer, bool head) {
  http::response<http::string_body> response;
  response.version(11);
  response.result(static_cast<unsigned>(answer.status));
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::connection, "close");
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", answer.content_policy);
  response.set("Referrer-Policy", "no-referrer");
  response.set("X-Frame-Options", "DENY");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  response.content_length(answer.body.size());
  if (!head) response.body() = std::move(answer.body);
  return response;
}

Task<error_code> read_header(tcp::socket& socket, boost::beast::flat_buffer& buffer, Parser& parser) {
  error_code error;
  co_await http::async_read_header(socket, buffer, parser, redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  co_return error;
}

Task<error_code> write_response(tcp::socket& socket, http::response<http::string_body>& response) {
  error_code error;
  http::response_serializer<http::string_body> serializer(response);
  co_await http::async_write(socket, serializer, redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  co_return error;
}

Task<error_code> read_leftover(tcp::socket& socket) {
  std::array<char, 4096> bytes{};
  error_code error;
  for (std::size_t total = 0; !error && total < leftover_limit;) {
    const std::size_t got = co_await socket.async_read_some(boost::asio::buffer(bytes), redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
    total += got;
  }
  co_return error;
}

}  // namespace

struct AdminServer::State {
  State(Executor loop, Clock& clock_in, Log& log_in, const AdminSettings& settings_in, AdminPages& pages_in, AdminLimits limits_in)
      : clock(clock_in), log(log_in), settings(settings_in), pages(pages_in), limits(limits_in), acceptor(loop), freed(loop) {}

  Result<tcp::endpoint> resolve();
  Task<void> accept(TaskGroup& group);
  Task<void> serve(tcp::socket socket);
  Task<void> converse(tcp::socket& socket);
  Task<void> answer(tcp::socket& socket, AdminAnswer answer, bool head);

  Clock& clock;
  Log& log;
  const AdminSettings& settings;
  AdminPages& pages;
  AdminLimits limits;
  tcp::acceptor acceptor;
  Bell freed;  // a connection has ended
  std::size_t connections = 0;
  bool stopped = false;
};

AdminServer::AdminServer(Executor loop, Clock& clock, Log& log, const AdminSettings& settings, AdminPages& pages, AdminLimits limits)
    : state_(std::make_unique<State>(std::move(loop), clock, log, settings, pages, limits)) {}
AdminServer::~AdminServer() = default;

Result<tcp::endpoint> AdminServer::State::resolve() {
  error_code error;
  const auto address = boost::asio::ip::make_address(settings.host, error);
  if (!error) return tcp::endpoint(address, settings.port);
  tcp::resolver resolver(acceptor.get_executor());
  const auto found = resolver.resolve(settings.host, std::to_string(settings.port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return Error{ErrorKind::resolve, "admin.listen: the address of " + settings.host + " cannot be found (" + error.message() +
                                         "): write an IP address of this machine"};
  }
  return found.begin()->endpoint();
}

Status AdminServer::open() {
  State& state = *state_;
  Result<tcp::endpoint> endpoint = state.resolve();
  if (!endpoint) return std::move(endpoint).error();
  error_code error;
  state.acceptor.open(endpoint->protocol(), error);
  if (!error) state.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state.acceptor.bind(*endpoint, error);
  if (!error) state.acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    const ErrorKind kind = error == boost::asio::error::address_in_use ? ErrorKind::busy : ErrorKind::io;
    return Error{kind, "cannot listen on " + authority(endpoint->address().to_string(), endpoint->port()) + " (" + error.message() +
                           "): change admin.listen, or set it to \"\" for none"};
  }
  state.log.info("admin listens on http://" + authority(endpoint->address().to_string(), port()));
  if (!endpoint->address().is_loopback())
    state.log.warn("admin.listen is reachable from other machines, and asks for no password: see that only the right ones get there");
  return {};
}

std::uint16_t AdminServer::port() const {
  error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

void AdminServer::start(TaskGroup& group) {
  group.spawn("admin listener", state_->accept(group));
}

void AdminServer::stop() {
  state_->stopped = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->freed.ring();
}

Task<void> AdminServer::State::accept(TaskGroup& group) {
  while (!stopped) {
    if (connections >= limits.connections) {
      co_await freed.wait();
      continue;
    }
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(redirect_error(use_awaitable, error));
    if (stopped) co_return;
    throw_if_cancelled(error);
    if (error) {
      // Out of descriptors, most likely: others must end first.
      log.warn("the admin listener cannot take a connection: " + error.message());
      co_await clock.sleep(std::chrono::seconds(1));
      continue;
    }
    ++connections;
    group.spawn("admin connection", serve(std::move(socket)));
  }
}

Task<void> AdminServer::State::serve(tcp::socket socket) {
  // Also when it is cancelled, the place becomes free.
  struct Leave {
    State& state;
    ~Leave() {
      --state.connections;
      state.freed.ring();
    }
  } leave{*this};
  co_await converse(socket);
}

Task<void> AdminServer::State::converse(tcp::socket& socket) {
  boost::beast::flat_buffer buffer(header_limit + 4096);
  Parser parser;
  parser.header_limit(header_limit);
  Task<error_code> reading = read_header(socket, buffer, parser);
  const std::optional<error_code> read = co_await within(clock, limits.patience, std::move(reading));
  if (!read) co_return;
  const bool broken = *read && read->category() == http::make_error_code(http::error::bad_method).category();
  // The other side went away before it had asked.
  if (*read == http::error::end_of_stream || *read == http::error::partial_message || (*read && !broken)) co_return;
  if (broken) {
    AdminAnswer words = unreadable(*read);
    co_await answer(socket, std::move(words), false);
    co_return;
  }
  const bool head = parser.get().method() == http::verb::head;
  std::optional<AdminAnswer> refused = refuse(parser, settings);
  if (refused) {
    co_await answer(socket, std::move(*refused), head);
    co_return;
  }
  const auto target = parser.get().target();
  std::string path(target.substr(0, target.find('?')));
  AdminAnswer page = co_await pages.get(std::move(path));
  co_await answer(socket, std::move(page), head);
}

Task<void> AdminServer::State::answer(tcp::socket& socket, AdminAnswer answer, bool head) {
  http::response<http::string_body> response = response_of(std::move(answer), head);
  Task<error_code> writing = write_response(socket, response);
  const std::optional<error_code> written = co_await within(clock, limits.patience, std::move(writing));
  if (!written || *written) co_return;
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  Task<error_code> rest = read_leftover(socket);
  co_await within(clock, std::min(limits.patience, Duration(std::chrono::seconds(2))), std::move(rest));
}

bool admin_host_allowed(std::string_view host, const std::vector<std::string>& hosts) {
  std::string_view name = host;
  std::string_view port;
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    name = host.substr(1, end - 1);
    port = host.substr(end + 1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    port = host.substr(colon);
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!port.empty() && (port.front() != ':' || !std::all_of(port.begin() + 1, port.end(), digit))) return false;
  if (name.empty()) return false;
  if (same_name(name, "localhost")) return true;
  error_code error;
  boost::asio::ip::make_address(std::string(name), error);
  if (!error) return true;
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& known) { return same_name(known, name); });
}

}  // namespace auditferry
