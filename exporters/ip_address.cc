#include "exporters/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/check.h"

namespace auditferry {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // No address is longer, and inet_pton stops at a NUL.
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) return address;
  address.bytes_.fill(0);
  address.v6_ = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN];
  AUDITFERRY_CHECK(inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text) != nullptr);
  return text;
}

IpAddress IpAddress::network() const {
  IpAddress result = *this;
  const bool mapped = v6_ && std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
  const std::size_t kept = !v6_ ? 3 : mapped ? 15 : 6;
  std::fill(result.bytes_.begin() + static_cast<std::ptrdiff_t>(kept), result.bytes_.end(), std::uint8_t{0});
  return result;
}

std::optional<IpAddress> address_of_endpoint(std::string_view text) {
  if (auto address = IpAddress::parse(text)) return address;
  const std::size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    auto address = IpAddress::parse(text.substr(1, bracket - 1));
    return address && address->is_v6() ? address : std::nullopt;
  }
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return std::nullopt;
  auto address = IpAddress::parse(text.substr(0, colon));
  return address && !address->is_v6() ? address : std::nullopt;
}

}  // namespace auditferry
