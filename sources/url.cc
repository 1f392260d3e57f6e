#include "sources/url.h"

#include <algorithm>

namespace auditferry {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(byte)) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::optional<UrlParts> split_url(std::string_view url) {
  const bool clean = std::none_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f' || c == '\\';
  });
  const std::size_t colon = url.find("://");
  if (!clean || colon == std::string_view::npos) return std::nullopt;
  UrlParts parts;
  parts.scheme = lower(url.substr(0, colon));
  if (parts.scheme != "http" && parts.scheme != "https") return std::nullopt;
  const std::string_view after = url.substr(colon + 3);
  const std::size_t end = std::min(after.find_first_of("/?#"), after.size());
  const std::string_view authority = after.substr(0, end);
  parts.rest = after.substr(end);
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    host_end = authority.find(']');
    if (host_end == std::string_view::npos) return std::nullopt;
    ++host_end;
  }
  host_end = std::min(host_end, authority.size());
  parts.host = lower(authority.substr(0, host_end));
  const std::string_view port = authority.substr(host_end);
  const bool digits = std::all_of(port.begin() + (port.empty() ? 0 : 1), port.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (parts.host.empty() || !digits || port.size() > 6 || (!port.empty() && port[0] != ':'))
    return std::nullopt;
  parts.port = port.size() > 1 ? std::string(port.substr(1)) : parts.scheme == "https" ? "443" : "80";
  return parts;
}

}  // namespace auditferry
