#include <algorithm>

#include "encoding/compress.h"
#include "net/http_exchange.h"

namespace auditferry {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
  });
}

Status append_headers(const HttpRequest& request, std::string& head, bool& has_agent, bool& has_coding) {
  for (const HttpHeader& header : request.headers) {
    if (!is_token(header.name))
      return Error{ErrorKind::invalid,
                   "a header's name holds characters that no header has: check the headers setting"};
    if (!is_header_value(header.value)) {
      return Error{
          ErrorKind::invalid,
          "the value of the header " + header.name +
              " holds a control character, such as a line break: check the setting or secret it comes from"};
    }
    for (const std::string_view ours :
         {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}) {
      if (same_name(header.name, ours))
        return Error{
            ErrorKind::invalid,
            "the header " + header.name + " is set by the HTTP client: remove it from the headers setting"};
    }
    has_agent = has_agent || same_name(header.name, "user-agent");
    has_coding = has_coding || same_name(header.name, "content-encoding");
    head += header.name + ": " + header.value + "\r\n";
  }
  return {};
}

}  // namespace

Result<PreparedRequest> prepare_request(HttpRequest request, const PeerSettings& settings,
                                        const ProxyAddress* proxy) {
  const Result<Url> url = parse_url(request.url);
  if (!url.ok()) return url.error();
  if (!is_token(request.method)) return Error{ErrorKind::invalid, "the HTTP method is not a word"};
  PreparedRequest prepared;
  prepared.origin = url->origin;
  prepared.is_head = request.method == "HEAD";
  prepared.max_body_bytes = request.max_body_bytes;
  prepared.cut_body = request.cut_body;
  const std::string place = proxy ? "http://" + url->origin.text() + url->target : url->target;
  std::string& head = prepared.head;
  head = request.method + " " + place + " HTTP/1.1\r\nHost: " + url->origin.host_header() + "\r\n";
  bool has_agent = false;
  bool has_coding = false;
  if (Status appended = append_headers(request, head, has_agent, has_coding); !appended.ok())
    return appended.error();
  if (!has_agent && is_header_value(settings.user_agent))
    head += "User-Agent: " + settings.user_agent + "\r\n";
  head += "Accept-Encoding: gzip, deflate\r\n";
  if (proxy && !proxy->authorization.empty())
    head += "Proxy-Authorization: " + proxy->authorization.reveal() + "\r\n";
  prepared.body = std::move(request.body);
  if (!prepared.body.empty() && !has_coding) {
    const std::string_view coding = compress_body(settings.compression, prepared.body);
    if (!coding.empty()) head += "Content-Encoding: " + std::string(coding) + "\r\n";
  }
  if (!prepared.body.empty() || (request.method != "GET" && !prepared.is_head)) {
    head += "Content-Length: " + std::to_string(prepared.body.size()) + "\r\n";
  }
  head += "\r\n";
  return prepared;
}

}  // namespace auditferry
