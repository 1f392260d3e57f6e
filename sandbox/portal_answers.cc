#include <cctype>

#include "encoding/json_text.h"
#include "sandbox/portal_state.h"

namespace auditferry {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string url_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string url_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

ParsedTarget parse_target(std::string_view target) {
  ParsedTarget parsed;
  const std::size_t mark = target.find('?');
  parsed.path = std::string(target.substr(0, mark));
  if (mark == std::string_view::npos) return parsed;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    parsed.query[url_decode(pair.substr(0, equals))] = url_decode(value);
  }
  return parsed;
}

std::optional<std::string_view> find_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (same_header_name(header.name, name)) return header.value;
  }
  return std::nullopt;
}

PortalAnswer json_answer(int status, std::string body) {
  PortalAnswer answer;
  answer.status = status;
  answer.headers.push_back({"Content-Type", "application/json"});
  answer.body = std::move(body);
  return answer;
}

PortalAnswer error_answer(int status, std::string_view text) {
  std::string body = "{\"error\":";
  append_json_string(body, text);
  return json_answer(status, body + "}");
}

std::string_view stream_of_path(std::string_view path) {
  if (path == "/frontend/audit_logs" || path == "/audit_logs") return "audit";
  if (path == "/frontend/device_logs" || path == "/device_logs") return "device";
  if (path == "/api/v1/logs") return "okta";
  if (path.starts_with("/orgs/") && path.ends_with("/audit-log")) return "github";
  return {};
}

}  // namespace auditferry
