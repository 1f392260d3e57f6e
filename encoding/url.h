#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace auditferry {

// One end of a connection.
struct Origin {
  std::string host;  // a name in lower case, or an address without brackets
  std::uint16_t port = 0;
  bool tls = true;

  std::string text() const;         // "host:port", IPv6 in brackets: for messages
  std::string host_header() const;  // without the scheme's own port
  friend bool operator==(const Origin&, const Origin&) = default;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

struct Url {
  Origin origin;
  std::string target;  // path and query, at least "/"
};

// The parts of an absolute URL of any scheme; user and password are decoded.
struct UrlParts {
  std::string scheme;  // in lower case
  bool has_user = false;
  std::string user;
  std::string password;
  std::string host;  // as in Origin, never empty
  std::optional<std::uint16_t> port;
  std::string target;
  bool has_fragment = false;
};
std::optional<UrlParts> split_url(std::string_view text);

// An absolute http:// or https:// URL (RFC 3986). The error never repeats what may be secret: user,
// password, query. A URL with a user or a fragment is refused.
Result<Url> parse_url(std::string_view text);

// An address of this machine's own: 127.0.0.0/8, ::1, "localhost" and names under it.
bool is_loopback(std::string_view host);
// IPv4 or IPv6, without brackets.
bool is_ip_address(std::string_view host);

}  // namespace auditferry
