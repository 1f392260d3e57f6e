#pragma once
// Which proxy a request goes through: the peer's `proxy` setting, or HTTPS_PROXY and NO_PROXY.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"
#include "encoding/url.h"

namespace auditferry {

struct ProxyAddress {
  Origin origin;         // never TLS: only http:// proxies are spoken
  Secret authorization;  // the value of Proxy-Authorization (Basic, RFC 7617), or empty

  friend bool operator==(const ProxyAddress&, const ProxyAddress&) = default;
};

// The two variables as main found them.
struct ProxyEnvironment {
  Secret https_proxy;  // a URL that may hold credentials
  std::string no_proxy;
};
ProxyEnvironment proxy_environment();  // reads HTTPS_PROXY and NO_PROXY (also in lower case)

// "http://user:password@host:port" or "host:port"; user and password may be percent-encoded. The error
// does not repeat the text.
Result<ProxyAddress> parse_proxy(std::string_view text);

// Entries of NO_PROXY, separated by commas or white space: "*"; a name, which covers itself and all names
// under it, as do ".name" and "*.name"; an address; a CIDR block such as 10.0.0.0/8 or fd00::/8. A name or
// address may be followed by ":port" (IPv6 then in brackets). Unreadable entries cover nothing.
bool no_proxy_covers(std::string_view no_proxy, const Origin& origin);

// `setting` as in PeerSettings::proxy: "none" is never; a URL is always that proxy; "" is the environment,
// whose HTTPS_PROXY is for https:// only, as its name says, and never for loopback.
Result<std::optional<ProxyAddress>> choose_proxy(const std::string& setting,
                                                 const ProxyEnvironment& environment, const Origin& origin);

}  // namespace auditferry
