#pragma once
// The little that requests need of URLs (RFC 3986).

#include <optional>
#include <string>
#include <string_view>

namespace auditferry {

// Everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

struct UrlParts {
  std::string scheme;     // "http" or "https"
  std::string host;       // lower case; an IPv6 literal with its brackets
  std::string port;       // the scheme's own when the URL names none
  std::string_view rest;  // path and query, of the text that was split; may be empty
  bool same_origin(const UrlParts& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

// Nothing for other schemes, user names or passwords in the URL, white space, control characters,
// backslashes, or an empty host.
std::optional<UrlParts> split_url(std::string_view url);

}  // namespace auditferry
