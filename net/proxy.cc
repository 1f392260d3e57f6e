#include "net/proxy.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>
#include <cstdlib>

#include "encoding/base64.h"

namespace auditferry {
namespace {

namespace ip = boost::asio::ip;

Error wrong_proxy(const std::string& what) {
  return Error{ErrorKind::invalid, "the proxy's address " + what + ": write http://host:port, or \"none\""};
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool in_block(std::string_view block, const std::string& host) {
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  if (error) return false;
  const std::string text(block);
  if (address.is_v4()) {
    const auto network = ip::make_network_v4(text, error);
    return !error &&
           ip::make_network_v4(address.to_v4(), network.prefix_length()).canonical() == network.canonical();
  }
  const auto network = ip::make_network_v6(text, error);
  return !error &&
         ip::make_network_v6(address.to_v6(), network.prefix_length()).canonical() == network.canonical();
}

bool same_address(const std::string& a, const std::string& b) {
  boost::system::error_code error_a;
  boost::system::error_code error_b;
  const auto address_a = ip::make_address(a, error_a);
  const auto address_b = ip::make_address(b, error_b);
  return !error_a && !error_b && address_a == address_b;
}

bool entry_covers(std::string_view entry, const Origin& origin) {
  if (entry == "*") return true;
  if (entry.find('/') != std::string_view::npos) return in_block(entry, origin.host);
  // "[v6]:port", "name:port", or a bare IPv6 address, which has more than one colon.
  const std::size_t colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[');
  const bool has_port = colon != std::string_view::npos &&
                        (bracketed ? colon > entry.find(']') && entry.find(']') != std::string_view::npos
                                   : entry.find(':') == colon);
  if (has_port) {
    const std::optional<std::uint16_t> port = read_port(entry.substr(colon + 1));
    if (!port || *port != origin.port) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  std::string name = lower_case(entry);
  if (same_address(name, origin.host)) return true;
  if (is_ip_address(origin.host)) return false;
  if (name.starts_with("*.")) name.erase(0, 1);
  if (name.starts_with('.')) name.erase(0, 1);
  if (name.empty()) return false;
  return origin.host == name || origin.host.ends_with("." + name);
}

}  // namespace

ProxyEnvironment proxy_environment() {
  const auto read = [](const char* upper, const char* lower) {
    const char* value = std::getenv(upper);
    if (!value) value = std::getenv(lower);
    return std::string(value ? value : "");
  };
  return {Secret(read("HTTPS_PROXY", "https_proxy")), read("NO_PROXY", "no_proxy")};
}

Result<ProxyAddress> parse_proxy(std::string_view text) {
  std::string full(text);
  if (full.find("://") == std::string::npos) full.insert(0, "http://");
  const std::optional<UrlParts> parts = split_url(full);
  if (!parts) return wrong_proxy("cannot be read");
  if (parts->scheme != "http")
    return wrong_proxy("must begin with http://; other kinds of proxy are not spoken");
  ProxyAddress proxy;
  proxy.origin.tls = false;
  proxy.origin.host = parts->host;
  proxy.origin.port = parts->port.value_or(80);
  if (parts->has_user)
    proxy.authorization = Secret("Basic " + base64_encode(parts->user + ":" + parts->password));
  return proxy;
}

bool no_proxy_covers(std::string_view no_proxy, const Origin& origin) {
  constexpr std::string_view separators = ", \t\n\r";
  while (!no_proxy.empty()) {
    const std::string_view entry = no_proxy.substr(0, no_proxy.find_first_of(separators));
    if (!entry.empty() && entry_covers(entry, origin)) return true;
    no_proxy.remove_prefix(std::min(no_proxy.size(), entry.size() + 1));
  }
  return false;
}

Result<std::optional<ProxyAddress>> choose_proxy(const std::string& setting,
                                                 const ProxyEnvironment& environment, const Origin& origin) {
  if (setting == "none") return std::optional<ProxyAddress>();
  std::string_view text = setting;
  if (setting.empty()) {
    if (!origin.tls || environment.https_proxy.empty() || is_loopback(origin.host))
      return std::optional<ProxyAddress>();
    if (no_proxy_covers(environment.no_proxy, origin)) return std::optional<ProxyAddress>();
    text = environment.https_proxy.reveal();
  }
  Result<ProxyAddress> proxy = parse_proxy(text);
  if (!proxy.ok()) return proxy.error();
  return std::optional<ProxyAddress>(std::move(proxy).value());
}

}  // namespace auditferry
