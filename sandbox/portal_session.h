#pragma once
// One connection of the sandbox's server. Included by portal_server.cc only (Beast inside).

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdio>
#include <string>

#include "core/clock.h"
#include "sandbox/portal.h"

namespace auditferry {

// Everything a connection needs; outlives it.
struct PortalSessionWorld {
  Portal& portal;
  Clock& clock;
  std::string origin;
  Duration idle_timeout;
};

namespace detail {

namespace beast = boost::beast;
using boost::asio::redirect_error;
using boost::asio::use_awaitable;

inline std::string answer_head(const PortalAnswer& answer, bool chunked, std::uint64_t length,
                               bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  head += beast::http::obsolete_reason(static_cast<beast::http::status>(answer.status));
  head += "\r\n";
  for (const HttpHeader& header : answer.headers) head += header.name + ": " + header.value + "\r\n";
  head += chunked ? std::string("Transfer-Encoding: chunked\r\n")
                  : "Content-Length: " + std::to_string(length) + "\r\n";
  head += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return head;
}

template <class Stream>
class PortalSession {
 public:
  PortalSession(Stream& stream, PortalSessionWorld& world) : stream_(stream), world_(world) {}

  // Returns when the connection is to be closed.
  Task<void> run() {
    beast::flat_buffer buffer;
    while (true) {
      beast::http::request_parser<beast::http::string_body> parser;
      parser.body_limit(4u << 20);
      boost::system::error_code error;
      allow(world_.idle_timeout);
      co_await beast::http::async_read(stream_, buffer, parser, redirect_error(use_awaitable, error));
      if (error) co_return;
      const bool keep_alive = parser.get().keep_alive();
      PortalAnswer answer = world_.portal.handle(read_request(parser.get()));
      const bool goes_on = co_await send(answer, keep_alive);
      if (!goes_on) co_return;
    }
  }

 private:
  void allow(Duration time) { beast::get_lowest_layer(stream_).expires_after(time); }

  PortalRequest read_request(const beast::http::request<beast::http::string_body>& message) const {
    PortalRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message)
      request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.body = message.body();
    request.origin = world_.origin;
    return request;
  }

  // Writes all of it, at the pace of the answer. False: the connection is of no more use.
  Task<bool> write(std::string_view bytes, const AnswerTransport& transport) {
    // A trickle is written ten times a second.
    const std::size_t piece = transport.bytes_per_second == 0
                                  ? bytes.size()
                                  : std::max<std::size_t>(1, transport.bytes_per_second / 10);
    while (!bytes.empty()) {
      const std::string_view now = bytes.substr(0, piece);
      boost::system::error_code error;
      allow(world_.idle_timeout);
      const boost::asio::const_buffer part(now.data(), now.size());
      co_await boost::asio::async_write(stream_, part, redirect_error(use_awaitable, error));
      if (error) co_return false;
      bytes.remove_prefix(now.size());
      if (transport.bytes_per_second > 0) {
        const Duration pause = std::chrono::microseconds(1'000'000 * now.size() / transport.bytes_per_second);
        co_await world_.clock.sleep(pause);
      }
    }
    co_return true;
  }

  Task<bool> send(PortalAnswer& answer, bool keep_alive) {
    const AnswerTransport transport = answer.transport;
    if (transport.refuse) {
      reset();
      co_return false;
    }
    if (transport.hang) {
      co_await wait_for_the_client();
      co_return false;
    }
    co_await world_.clock.sleep(transport.delay);
    const bool chunked = answer.more && !answer.total_bytes;
    const std::uint64_t length = answer.total_bytes.value_or(answer.body.size());
    const std::string head = answer_head(answer, chunked, length, keep_alive);
    if (transport.cut_after) {
      const std::string cut = head + answer.body.substr(0, *transport.cut_after);
      const bool written = co_await write(cut, transport);
      if (written) co_await end(transport.end);
      co_return false;
    }
    bool written = true;
    if (chunked || answer.more || transport.bytes_per_second > 0) {
      written = co_await write(head, {});
      if (written) written = co_await write_pieces(answer, chunked);
    } else {
      boost::system::error_code error;
      allow(world_.idle_timeout);
      // Not an array of two: see net/http_exchange.cc.
      const std::vector<boost::asio::const_buffer> parts = {boost::asio::buffer(head), boost::asio::buffer(answer.body)};
      co_await boost::asio::async_write(stream_, parts, redirect_error(use_awaitable, error));
      written = !error;
    }
    co_return written&& keep_alive;
  }

  // The body, then what is made on the way.
  Task<bool> write_pieces(PortalAnswer& answer, bool chunked) {
    std::string piece = std::move(answer.body);
    bool more = true;
    while (more) {
      if (!piece.empty()) {
        const bool written = co_await write_piece(piece, chunked, answer.transport);
        if (!written) co_return false;
      }
      piece.clear();
      more = answer.more && answer.more(piece);
    }
    if (chunked) {
      const bool ended = co_await write("0\r\n\r\n", {});
      co_return ended;
    }
    co_return true;
  }

  Task<bool> write_piece(const std::string& piece, bool chunked, const AnswerTransport& transport) {
    if (!chunked) {
      const bool written = co_await write(piece, transport);
      co_return written;
    }
    std::array<char, 24> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    const std::string framed = size.data() + piece + "\r\n";
    const bool written = co_await write(framed, transport);
    co_return written;
  }

  void reset() {
    boost::system::error_code ignored;
    auto& socket = beast::get_lowest_layer(stream_).socket();
    socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
  }

  Task<void> end(AnswerTransport::End how) {
    if (how == AnswerTransport::End::reset) reset();
    if (how == AnswerTransport::End::half_close) {
      boost::system::error_code ignored;
      beast::get_lowest_layer(stream_).socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send,
                                                         ignored);
      co_await wait_for_the_client();
    }
    co_return;
  }

  // Until the client ends the connection, ten minutes at most.
  Task<void> wait_for_the_client() {
    std::array<char, 4096> ignored_bytes{};
    boost::system::error_code error;
    allow(std::chrono::minutes(10));
    while (!error) {
      co_await stream_.async_read_some(boost::asio::buffer(ignored_bytes),
                                       redirect_error(use_awaitable, error));
    }
  }

  Stream& stream_;
  PortalSessionWorld& world_;
};

}  // namespace detail
}  // namespace auditferry
