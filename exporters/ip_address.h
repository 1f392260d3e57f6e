#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auditferry {

// An IPv4 (RFC 791) or IPv6 (RFC 4291) address as text has it.
class IpAddress {
 public:
  // The whole text is an address: no port, no brackets, no zone, no blanks.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v6() const { return v6_; }
  // IPv6 as in RFC 5952.
  std::string text() const;
  // The network of 24 bits (IPv4, also when mapped into IPv6) or 48 bits: the rest of the address is zero.
  IpAddress network() const;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};  // the first four of IPv4
};

// The address in "192.0.2.7", "192.0.2.7:443", "[2001:db8::1]" and "[2001:db8::1]:443".
std::optional<IpAddress> address_of_endpoint(std::string_view text);

}  // namespace auditferry
