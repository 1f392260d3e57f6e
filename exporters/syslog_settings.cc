#include "exporters/syslog_settings.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/peer_reader.h"

namespace auditferry {
namespace {

constexpr const char* facilities[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                      "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                      "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                      "local2", "local3", "local4", "local5", "local6",   "local7"};

// The largest payload of a UDP datagram over IPv4.
constexpr std::uint32_t largest_datagram = 65507;
// Receivers must take this (RFC 5424 section 6.1), and a header needs room.
constexpr std::uint32_t smallest_message = 480;
constexpr std::uint32_t largest_message = 16u << 20;

bool over_unix(SyslogTransport transport) {
  return transport == SyslogTransport::unix_datagram || transport == SyslogTransport::unix_stream;
}
bool over_tls(SyslogTransport transport) {
  return transport == SyslogTransport::tls || transport == SyslogTransport::relp_tls;
}
// Where the framing can be chosen and delivery is judged by lingering.
bool bare_stream(SyslogTransport transport) {
  return transport == SyslogTransport::tcp || transport == SyslogTransport::tls ||
         transport == SyslogTransport::unix_stream;
}

void read_address(TomlTable& table, PeerAddress& address) {
  const std::string text = table.required_string("address");
  if (text.empty()) return;
  const bool bracketed = text.starts_with('[');
  const std::size_t colon = text.rfind(':');
  const std::size_t host_end = bracketed ? text.find("]:") : colon;
  const std::string wrong = "\"" + text + "\" is not an address: write \"HOST:PORT\", IPv6 as \"[::1]:6514\"";
  if (colon == text.npos || host_end == text.npos || colon + 6 < text.size())
    return table.error("address", wrong);
  address.host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  const std::string port = text.substr(colon + 1);
  const auto plain = [bracketed](char c) {
    return c > 0x20 && c < 0x7f && c != '/' && c != '@' && (bracketed || c != ':');
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (address.host.empty() || port.empty() || !std::all_of(address.host.begin(), address.host.end(), plain) ||
      !std::all_of(port.begin(), port.end(), digit) || std::stoul(port) < 1 || std::stoul(port) > 65535) {
    return table.error("address", wrong);
  }
  address.port = static_cast<std::uint16_t>(std::stoul(port));
}

void read_where(TomlTable& table, const SecretPlaces& places, SyslogSettings& settings) {
  const auto transport =
      table.choice<SyslogTransport>("transport", {{"udp", SyslogTransport::udp},
                                                  {"tcp", SyslogTransport::tcp},
                                                  {"tls", SyslogTransport::tls},
                                                  {"unix", SyslogTransport::unix_datagram},
                                                  {"unix_stream", SyslogTransport::unix_stream},
                                                  {"relp", SyslogTransport::relp},
                                                  {"relp_tls", SyslogTransport::relp_tls}});
  if (!table.has("transport")) {
    table.error("transport", "is missing: \"relp\" is the reliable one; docs/syslog.md compares them all");
  }
  settings.transport = transport.value_or(settings.transport);
  settings.address.tls = over_tls(settings.transport);
  if (over_unix(settings.transport)) {
    table.knows("address");
    if (table.has("address")) table.error("address", "belongs to transports of the network: write path");
    settings.address.unix_path = table.required_string("path");
    if (!settings.address.unix_path.empty() && !settings.address.unix_path.starts_with('/'))
      table.error("path", "must begin with '/', for example \"/dev/log\"");
  } else {
    table.knows("path");
    if (table.has("path"))
      table.error("path", "belongs to transport \"unix\" and \"unix_stream\": write address");
    read_address(table, settings.address);
  }
  read_peer(table, places, settings.peer);
  const bool proxied = !settings.peer.proxy.empty() && settings.peer.proxy != "none";
  if (proxied && !over_tls(settings.transport))
    table.error("proxy", "can carry TLS only: use transport \"tls\" or \"relp_tls\", or remove it");
  if (table.has("tls") && !over_tls(settings.transport))
    table.error("tls", "belongs to the transports \"tls\" and \"relp_tls\"; this one sends in the clear: remove it, or change transport");
  if (settings.peer.compression != Compression::none)
    table.error("compression", "syslog has none: remove it");
}

void read_form(TomlTable& table, SyslogSettings& settings) {
  const auto protocol = table.choice<SyslogProtocol>(
      "protocol", {{"rfc5424", SyslogProtocol::rfc5424}, {"rfc3164", SyslogProtocol::rfc3164}});
  settings.protocol = protocol.value_or(settings.protocol);
  // What listens at a Unix stream socket reads lines by old custom.
  if (settings.transport == SyslogTransport::unix_stream) settings.framing = SyslogFraming::newline;
  const auto framing = table.choice<SyslogFraming>(
      "framing", {{"octet_counting", SyslogFraming::octet_counting}, {"newline", SyslogFraming::newline}});
  if (framing && !bare_stream(settings.transport))
    table.error("framing", "belongs to the transports \"tcp\", \"tls\" and \"unix_stream\": remove it");
  settings.framing = framing.value_or(settings.framing);
  if (const auto size = table.size("max_message")) {
    const bool datagram =
        settings.transport == SyslogTransport::udp || settings.transport == SyslogTransport::unix_datagram;
    const std::uint32_t limit = datagram ? largest_datagram : largest_message;
    if (*size < smallest_message || *size > limit) {
      table.error("max_message", "expected 480B to " + std::to_string(limit) + "B for this transport");
    } else {
      settings.max_message = static_cast<std::uint32_t>(*size);
    }
  }
  const auto oversize = table.choice<SyslogOversize>(
      "oversize", {{"dead_letter", SyslogOversize::dead_letter}, {"truncate", SyslogOversize::truncate}});
  settings.oversize = oversize.value_or(settings.oversize);
  settings.structured_data = table.boolean("structured_data").value_or(settings.structured_data);
  settings.bom = table.boolean("bom").value_or(settings.bom);
  settings.enterprise_number = static_cast<std::uint32_t>(
      table.integer("enterprise_number", 1, 4294967295).value_or(settings.enterprise_number));
  for (const char* key : {"structured_data", "bom", "enterprise_number"}) {
    if (settings.protocol == SyslogProtocol::rfc3164 && table.has(key))
      table.error(key, "belongs to protocol \"rfc5424\": remove it");
  }
  if (const auto linger = table.duration("linger")) {
    if (!bare_stream(settings.transport)) {
      table.error("linger", "belongs to the transports \"tcp\", \"tls\" and \"unix_stream\": remove it");
    } else if (*linger > std::chrono::minutes(10)) {
      table.error("linger", "must be at most 10m");
    } else {
      settings.linger = *linger;
    }
  }
}

void read_severities(TomlTable& table, SyslogSeverities& severities) {
  auto inner = table.table("severity");
  if (!inner) return;
  const auto read = [&inner](const char* key, SyslogSeverity& target) {
    const auto value = inner->choice<SyslogSeverity>(key, {{"emergency", SyslogSeverity::emergency},
                                                           {"alert", SyslogSeverity::alert},
                                                           {"critical", SyslogSeverity::critical},
                                                           {"error", SyslogSeverity::error},
                                                           {"warning", SyslogSeverity::warning},
                                                           {"notice", SyslogSeverity::notice},
                                                           {"info", SyslogSeverity::info},
                                                           {"debug", SyslogSeverity::debug}});
    target = value.value_or(target);
  };
  read("default", severities.usual);
  read("failure", severities.failure);
  read("detection", severities.detection);
  read("gap", severities.gap);
}

void read_names(TomlTable& table, SyslogSettings& settings) {
  if (const auto name = table.string("facility")) {
    const auto* const found = std::find(std::begin(facilities), std::end(facilities), *name);
    if (found == std::end(facilities)) {
      table.error("facility",
                  "\"" + *name +
                      "\" is none: local0 to local7, audit, authpriv, auth, user, daemon … (docs/syslog.md)");
    } else {
      settings.facility = static_cast<std::uint8_t>(found - std::begin(facilities));
    }
  }
  const auto name = [&table](const char* key, std::string& target, std::size_t limit) {
    const auto text = table.string(key);
    if (!text) return;
    const bool good = text->size() <= limit &&
                      std::all_of(text->begin(), text->end(), [](char c) { return c > 32 && c < 127; });
    if (!good)
      table.error(key,
                  "expected at most " + std::to_string(limit) + " printable ASCII characters without spaces");
    target = *text;
  };
  name("hostname", settings.hostname, 255);
  name("app_name", settings.app_name, 48);
}

}  // namespace

std::string SyslogSettings::peer_name() const {
  if (!address.unix_path.empty()) return address.unix_path;
  const char* const scheme = transport == SyslogTransport::udp    ? "udp://"
                             : transport == SyslogTransport::tcp  ? "tcp://"
                             : transport == SyslogTransport::tls  ? "tls://"
                             : transport == SyslogTransport::relp ? "relp://"
                                                                  : "relp+tls://";
  const bool brackets = address.host.find(':') != std::string::npos;
  return scheme + (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

SyslogSettings read_syslog_settings(TomlTable& table, const SecretPlaces& places) {
  SyslogSettings settings;
  read_where(table, places, settings);
  read_form(table, settings);
  read_names(table, settings);
  read_severities(table, settings.severities);
  return settings;
}

}  // namespace auditferry
