#include "config/peer_reader.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "encoding/url.h"

namespace auditferry {
namespace {

struct Authority {
  std::string host;  // in lower case, without brackets
  std::string port;
  bool has_port = false;
};

Authority split_authority(std::string_view text) {
  Authority result;
  std::size_t end = text.starts_with('[') ? text.find(']') : text.rfind(':');
  if (text.starts_with('[') && end != text.npos) {
    result.host = text.substr(1, end - 1);
    ++end;
  } else {
    result.host = text.substr(0, end);
    if (result.host.find_first_of("[]:") != std::string::npos) result.host.clear();
  }
  if (end < text.size() && text[end] == ':') {
    result.has_port = true;
    result.port = text.substr(end + 1);
  }
  std::transform(result.host.begin(), result.host.end(), result.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool good_port(const std::string& port) {
  const bool digits = !port.empty() && port.size() <= 5 &&
                      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && std::stoi(port) >= 1 && std::stoi(port) <= 65535;
}

bool plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
}

// As `openssl x509 -fingerprint -sha256` prints it, with RFC 5425's name of the hash before it.
void read_fingerprint(TomlTable& table, TlsSettings& tls) {
  std::string text = table.string("fingerprint").value_or("");
  if (text.empty()) return;
  constexpr std::string_view hash = "sha-256:";
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  bool good = text.starts_with(hash) && text.size() == hash.size() + 32 * 3 - 1;
  for (std::size_t i = hash.size(); good && i < text.size(); ++i) {
    good = (i - hash.size()) % 3 == 2 ? text[i] == ':' : is_hex(text[i]);
    text[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
  }
  if (text.starts_with("sha-1:")) {
    table.error("fingerprint", "SHA-1 can be forged: write the certificate's SHA-256 fingerprint, \"sha-256:AB:CD:…\"");
  } else if (!good) {
    table.error("fingerprint", "expected \"sha-256:\" and 32 pairs of hexadecimal digits with \":\" between them, as "
                               "'openssl x509 -noout -fingerprint -sha256 -in FILE' prints them");
  } else if (!tls.ca_file.empty()) {
    table.error("fingerprint", "stands beside ca_file, which it takes the place of: remove one of the two");
  } else if (tls.insecure) {
    table.error("fingerprint", "stands beside insecure, which verifies nothing: remove one of the two");
  } else {
    tls.fingerprint = std::move(text);
  }
}

void read_tls(TomlTable& table, const SecretPlaces& places, TlsSettings& tls) {
  const auto file = [&](const char* key, std::string& target) {
    if (const auto path = table.string(key)) target = path_under(places.folder, *path);
  };
  file("ca_file", tls.ca_file);
  file("cert_file", tls.cert_file);
  file("key_file", tls.key_file);
  if (const auto name = table.string("server_name")) tls.server_name = *name;
  if (const auto version =
          table.choice<TlsVersion>("min_version", {{"1.2", TlsVersion::tls1_2}, {"1.3", TlsVersion::tls1_3}}))
    tls.min_version = *version;
  if (const auto insecure = table.boolean("insecure")) tls.insecure = *insecure;
  read_fingerprint(table, tls);
  if (tls.cert_file.empty() != tls.key_file.empty())
    table.error(tls.cert_file.empty() ? "cert_file" : "key_file",
                "is missing: a client certificate needs both cert_file and key_file");
}

void read_proxy(TomlTable& table, const SecretPlaces& places, PeerSettings& settings) {
  if (table.kind("proxy") == TomlKind::table) {
    if (const auto secret = read_secret(table, "proxy", places)) settings.proxy = secret->reveal();
    return;
  }
  const auto proxy = table.string("proxy");
  if (!proxy) return;
  if (proxy->find('@') != std::string::npos) {
    table.error("proxy",
                "holds a password: write { env = \"NAME\" } or { file = \"PATH\" } with the whole "
                "address in it, or use HTTPS_PROXY");
    return;
  }
  const bool http = proxy->starts_with("http://");
  const Authority authority = split_authority(std::string_view(*proxy).substr(http ? 7 : 0));
  const bool good = http && plain_text(*proxy) && !authority.host.empty() && authority.has_port &&
                    good_port(authority.port);
  if (proxy->empty() || *proxy == "none" || good) {
    settings.proxy = *proxy;
    return;
  }
  table.error("proxy",
              "expected \"http://HOST:PORT\", \"none\", or \"\" for HTTPS_PROXY, found \"" + *proxy + "\"");
}

// At least a millisecond: zero would fail every request.
void read_wait(TomlTable& table, std::string_view key, Duration& target) {
  const auto value = table.duration(key);
  if (!value) return;
  if (*value < std::chrono::milliseconds(1)) {
    table.error(key, "expected a duration of at least \"1ms\"");
  } else {
    target = *value;
  }
}

}  // namespace

void read_peer(TomlTable& table, const SecretPlaces& places, PeerSettings& settings) {
  if (auto tls = table.table("tls")) read_tls(*tls, places, settings.tls);
  read_proxy(table, places, settings);
  read_wait(table, "connect_timeout", settings.connect_timeout);
  read_wait(table, "timeout", settings.timeout);
  if (const auto compression = table.choice<Compression>(
          "compression",
          {{"none", Compression::none}, {"gzip", Compression::gzip}, {"zstd", Compression::zstd}}))
    settings.compression = *compression;
  if (const auto agent = table.string("user_agent")) {
    const bool good = !agent->empty() &&
                      std::all_of(agent->begin(), agent->end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (good) {
      settings.user_agent = *agent;
    } else {
      table.error("user_agent", "expected printable ASCII characters");
    }
  }
}

std::string read_url(TomlTable& table, std::string_view key, const std::string& fallback,
                     const PeerSettings& peer) {
  if (!table.has(key) && fallback.empty()) {
    table.error(key, "is missing: write the address, such as \"https://portal.example.com/api\"");
  }
  std::string url = fallback;
  if (table.kind(key) != TomlKind::none) {
    const std::optional<std::string> given = table.string(key);
    if (!given) return "";
    url = *given;
  }
  if (url.empty() && !table.has(key)) return "";
  if (!check_url(table, key, url, peer)) return "";
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool check_url(TomlTable& table, std::string_view key, const std::string& url, const PeerSettings& peer) {
  if (url.empty()) {
    table.error(key, "expected an address, found an empty string");
    return false;
  }
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) {
    table.error(key, "expected an address that begins with https://, found \"" + url + "\"");
    return false;
  }
  const std::string_view rest = std::string_view(url).substr(tls ? 8 : 7);
  const std::string_view place = rest.substr(0, rest.find_first_of("/?#"));
  if (place.find('@') != place.npos) {
    table.error(key, "holds a user or password: give credentials under their own keys");
    return false;
  }
  if (rest.find_first_of("?#") != rest.npos) {
    table.error(key, "expected an address without query and fragment ('?', '#')");
    return false;
  }
  const Authority authority = split_authority(place);
  if (!plain_text(url) || authority.host.empty() || (authority.has_port && !good_port(authority.port))) {
    table.error(key, "\"" + url + "\" is not an address: check host and port, and that it has no spaces");
    return false;
  }
  if (!tls && !peer.tls.fingerprint.empty()) {
    table.error(key, "has no certificate that tls.fingerprint could be compared with: write https://, or remove it");
    return false;
  }
  if (!tls && !is_loopback(authority.host) && !peer.tls.insecure) {
    table.error(key, "sends credentials and records in the clear to " + authority.host +
                         ": write https://, or tls.insecure = true if this is meant");
    return false;
  }
  return true;
}

}  // namespace auditferry
