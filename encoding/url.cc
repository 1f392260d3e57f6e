#include "encoding/url.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <utility>

namespace auditferry {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

Error wrong(const std::string& what) {
  return Error{ErrorKind::invalid, "the URL " + what};
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string Origin::text() const {
  return bracketed(host) + ":" + std::to_string(port);
}

std::string Origin::host_header() const {
  return port == (tls ? 443 : 80) ? bracketed(host) : text();
}

std::optional<UrlParts> split_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed) return std::nullopt;
  const boost::urls::url_view& view = *parsed;
  UrlParts parts;
  parts.scheme = lower_case(std::string(view.scheme()));
  parts.host = lower_case(std::string(view.host_address()));
  parts.has_user = view.has_userinfo();
  parts.user = std::string(view.user());
  parts.password = std::string(view.password());
  parts.has_fragment = view.has_fragment();
  // Boost.URL 1.81 takes "http://h:8x" for port 8 and path "x", and cuts ports to 16 bits.
  const std::string path(view.encoded_path());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  if (view.has_port()) {
    const std::string port(view.port());
    if (port.empty() || port.size() > 5 || std::stoul(port) == 0 || std::stoul(port) > 65'535)
      return std::nullopt;
    parts.port = static_cast<std::uint16_t>(std::stoul(port));
  }
  parts.target = path.empty() ? "/" : path;
  if (view.has_query()) parts.target += "?" + std::string(view.encoded_query());
  // The host goes into a header line and into messages.
  const bool clean =
      std::all_of(parts.host.begin(), parts.host.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (parts.host.empty() || !clean) return std::nullopt;
  return parts;
}

Result<Url> parse_url(std::string_view text) {
  std::optional<UrlParts> parts = split_url(text);
  if (!parts) return wrong("is not an absolute one such as https://host/path or https://host:8080");
  if (parts->scheme != "http" && parts->scheme != "https")
    return wrong("must begin with http:// or https://");
  if (parts->has_user) return wrong("holds a user or a password: put credentials into their own settings");
  if (parts->has_fragment) return wrong("holds a fragment (#), which is never sent");
  Url url;
  url.origin.tls = parts->scheme == "https";
  url.origin.host = std::move(parts->host);
  url.origin.port = parts->port.value_or(url.origin.tls ? 443 : 80);
  url.target = std::move(parts->target);
  return url;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

bool is_ip_address(std::string_view host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  return !error;
}

}  // namespace auditferry
