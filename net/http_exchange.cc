#include "net/http_exchange.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/optional.hpp>
#include <algorithm>
#include <utility>
#include <vector>

#include "core/check.h"
#include "encoding/compress.h"
#include "net/connection_stream.h"
#include "net/deadline.h"

namespace auditferry {
namespace {

namespace http = boost::beast::http;
using boost::asio::redirect_error;
using boost::asio::use_awaitable;

// A text of at most `most` bytes. Reading ends with body_limit where there are more, and then it is their beginning.
struct TextBody {
  struct value_type {
    std::string text;
    std::uint64_t most = 0;
    std::size_t size() const { return text.size(); }
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& error) {
      // A length is only announced: nothing beyond the limit is reserved for it.
      if (length) body_.text.reserve(static_cast<std::size_t>(std::min(*length, body_.most)));
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t taken = 0;
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        const std::size_t part = std::min<std::uint64_t>(buffer.size(), body_.most - body_.text.size());
        body_.text.append(static_cast<const char*>(buffer.data()), part);
        taken += part;
        if (part < buffer.size()) error = http::make_error_code(http::error::body_limit);
      }
      return taken;
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};
using Parser = http::response_parser<TextBody>;

constexpr std::uint32_t header_limit = 64u << 10;
constexpr int most_interim_answers = 16;

// What a broken answer says to an operator. `error` is not a cancellation.
Error read_error(const boost::system::error_code& error, const Parser& parser, const PreparedRequest& request,
                 const TlsSettings& tls) {
  const std::string host = request.origin.text();
  if (error == http::error::body_limit) {
    return {ErrorKind::too_large, "the answer of " + host + " is larger than the limit of " +
                                      std::to_string(request.max_body_bytes) +
                                      " bytes: ask for less at a time"};
  }
  if (error == http::error::header_limit) {
    // Asking for less makes no header smaller.
    return {ErrorKind::protocol,
            "the header of the answer of " + host +
                " is larger than the limit of 64 KiB: check that the URL leads to the right server"};
  }
  if (error.category() == boost::asio::error::get_ssl_category())
    return TlsVerification(tls, request.origin).explain(error, nullptr);
  const bool ended = error == http::error::partial_message || error == http::error::end_of_stream;
  if (!ended && error.category() == http::make_error_code(http::error::partial_message).category()) {
    return {ErrorKind::protocol,
            host + " did not answer in HTTP/1.1 (" + error.message() + "): check the URL and its port"};
  }
  const std::string why = ended || error == boost::asio::error::eof ? "" : " (" + error.message() + ")";
  if (!parser.got_some()) {
    return {ErrorKind::connect, host + " closed the connection before it answered" + why +
                                    ": if it goes on, check the load balancers and firewalls between"};
  }
  const std::string next = ": if it goes on, check the load balancers and firewalls between";
  if (!parser.is_header_done()) return {ErrorKind::connect, "the answer of " + host + " ended inside its header" + why + next};
  const std::string read = std::to_string(parser.get().body().size());
  const auto length = parser.content_length();
  return {ErrorKind::connect, "the answer of " + host + " ended after " + read +
                                  (length ? " of " + std::to_string(*length) : std::string()) + " bytes" +
                                  (length ? "" : ", before its end was announced") + why + next};
}

HttpResponse take_response(Parser& parser) {
  HttpResponse response;
  auto& message = parser.get();
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message)
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  response.body = std::move(message.body().text);
  return response;
}

template <class Stream>
Task<boost::system::error_code> write_request(Stream& stream, const PreparedRequest& request) {
  boost::system::error_code error;
  // Not an array of two: with one, Asio 1.81 goes on with an empty first buffer, of which Beast's TLS stream
  // writes nothing when the second has more than 16 KiB, and that counts as the end.
  const std::vector<boost::asio::const_buffer> parts = {boost::asio::buffer(request.head), boost::asio::buffer(request.body)};
  const std::size_t written = co_await boost::asio::async_write(stream, parts, redirect_error(use_awaitable, error));
  throw_if_cancelled(error);
  AUDITFERRY_CHECK(error || written == request.head.size() + request.body.size());
  co_return error;
}

// Reads headers until one of a final answer is there.
template <class Stream>
Task<boost::system::error_code> read_head(Stream& stream, boost::beast::flat_buffer& buffer,
                                          const PreparedRequest& request, std::optional<Parser>& parser,
                                          bool& begun) {
  boost::system::error_code error;
  for (int interim = 0; interim <= most_interim_answers; ++interim) {
    parser.emplace();
    parser->header_limit(header_limit);
    parser->body_limit(request.cut_body ? boost::none : boost::optional<std::uint64_t>(request.max_body_bytes));
    parser->get().body().most = request.max_body_bytes;
    parser->skip(request.is_head);
    co_await http::async_read_header(stream, buffer, *parser, redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
    begun = begun || parser->got_some();
    if (error) co_return error;
    const unsigned status = parser->get().result_int();
    if (status < 100 || status > 199 || status == 101) co_return error;
  }
  co_return http::make_error_code(http::error::bad_status);
}

template <class Stream>
Task<ExchangeOutcome> exchange_on(Stream& stream, boost::beast::flat_buffer& buffer,
                                  const PreparedRequest& request, const TlsSettings& tls) {
  ExchangeOutcome outcome;
  // A server may refuse a body before it has read it: whatever became of the writing, look for an answer.
  const boost::system::error_code write_error = co_await write_request(stream, request);
  std::optional<Parser> parser;
  boost::system::error_code error = co_await read_head(stream, buffer, request, parser, outcome.begun);
  if (!error && parser->get().result_int() == 101) error = http::make_error_code(http::error::bad_status);
  if (error) {
    const bool broke_while_writing = write_error && !outcome.begun;
    outcome.answer.emplace(read_error(broke_while_writing ? write_error : error, *parser, request, tls));
    co_return outcome;
  }
  if (!parser->is_done()) {
    co_await http::async_read(stream, buffer, *parser, redirect_error(use_awaitable, error));
    throw_if_cancelled(error);
  }
  const bool cut = request.cut_body && error == http::error::body_limit;
  if (error && !cut) {
    outcome.answer.emplace(read_error(error, *parser, request, tls));
    co_return outcome;
  }
  outcome.reusable = !cut && !write_error && parser->keep_alive() && !parser->need_eof() && buffer.size() == 0;
  HttpResponse response = take_response(*parser);
  response.cut = cut;
  outcome.answer.emplace(std::move(response));
  co_return outcome;
}

}  // namespace

Task<ExchangeOutcome> exchange(Connection& connection, const PreparedRequest& request,
                               const TlsSettings& tls) {
  Connection::Stream& streams = connection.stream();
  auto running =
      with_stream(streams, [&](auto& stream) { return exchange_on(stream, streams.buffer, request, tls); });
  co_return co_await std::move(running);
}

Status decode_body(HttpResponse& response, const PreparedRequest& request) {
  const std::optional<std::string_view> coding = response.header("Content-Encoding");
  if (!coding || coding->empty() || *coding == "identity" || response.body.empty()) return {};
  ContentCoding kind = ContentCoding::gzip;
  if (*coding == "deflate") {
    kind = ContentCoding::deflate;
  } else if (*coding != "gzip" && *coding != "x-gzip") {
    return Error{ErrorKind::protocol,
                 "the answer of " + request.origin.text() +
                     " has a Content-Encoding that was not asked for (only gzip and deflate are): check what stands between, a proxy or a cache"};
  }
  if (!response.cut) {
    Result<std::string> plain = inflate_body(response.body, kind, request.max_body_bytes);
    if (plain.ok()) {
      response.body = std::move(plain).value();
      return {};
    }
    if (!request.cut_body || plain.error().kind != ErrorKind::too_large) {
      Error error = with_context("the answer of " + request.origin.text(), std::move(plain).error());
      if (error.kind == ErrorKind::protocol) error.message += "; if it goes on, check what stands between, a proxy or a cache";
      return error;
    }
    response.cut = true;
  }
  response.body = inflate_beginning(response.body, kind, request.max_body_bytes);
  return {};
}

}  // namespace auditferry
