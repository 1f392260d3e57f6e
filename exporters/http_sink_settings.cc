#include "exporters/http_sink_settings.h"

#include <algorithm>

#include "config/peer_reader.h"
#include "encoding/base64.h"

namespace auditferry {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

// A string, or a place to take a secret from.
std::optional<Secret> read_text_or_secret(TomlTable& table, std::string_view key,
                                          const SecretPlaces& places) {
  if (table.kind(key) == TomlKind::table) return read_secret(table, key, places);
  const std::optional<std::string> text = table.string(key);
  if (!text) return std::nullopt;
  return Secret(*text);
}

void read_headers(TomlTable& table, const SecretPlaces& places, HttpSinkSettings& settings) {
  std::optional<TomlTable> headers = table.table("headers");
  if (!headers) return;
  static constexpr std::string_view ours[] = {
      "host",       "content-length",  "transfer-encoding", "connection",
      "user-agent", "accept-encoding", "content-encoding",  "content-type"};
  std::vector<std::string> seen;
  for (const std::string& name : headers->keys()) {
    const std::string lower = lower_case(name);
    const std::optional<Secret> value = read_text_or_secret(*headers, name, places);
    if (!is_token(name)) {
      headers->error(name, "is no name of a header: letters, digits and '-'");
    } else if (std::find(std::begin(ours), std::end(ours), lower) != std::end(ours)) {
      headers->error(name, lower == "user-agent" ? "has a setting of its own: user_agent"
                           : lower == "content-type"
                               ? "has a setting of its own: content_type, where it can be chosen"
                               : "is set by auditferry itself: remove it");
    } else if (std::find(seen.begin(), seen.end(), lower) != seen.end()) {
      headers->error(name, "is there twice, in upper and lower case");
    } else if (value && fits_header(*headers, name, *value)) {
      settings.headers.emplace(name, *value);
      if (headers->kind(name) == TomlKind::table) settings.hidden.push_back(*value);
    }
    seen.push_back(lower);
  }
}

void read_user(TomlTable& auth, const SecretPlaces& places, HttpSinkSettings& settings) {
  const std::optional<Secret> name = read_text_or_secret(auth, "username", places);
  const std::optional<Secret> password = read_secret(auth, "password", places);
  if (auth.has("username") != auth.has("password")) {
    const char* missing = auth.has("username") ? "password" : "username";
    auth.error(missing, "is missing: username and password go together");
    return;
  }
  if (!name || !password) return;
  if (name->reveal().find(':') != std::string::npos) {
    auth.error("username", "holds a ':', which basic authentication cannot carry (RFC 7617)");
    return;
  }
  if (!fits_header(auth, "username", *name) || !fits_header(auth, "password", *password)) return;
  settings.hidden.push_back(*password);
  settings.authorization = Secret("Basic " + base64_encode(name->reveal() + ":" + password->reveal()));
}

}  // namespace

bool fits_header(TomlTable& table, std::string_view key, const Secret& secret) {
  const std::string& text = secret.reveal();
  const bool fits = std::all_of(text.begin(), text.end(),
                                [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (!fits) table.error(key, "holds a control character, such as a line break, which no header can carry");
  return fits;
}

HttpSinkSettings read_http_sink(TomlTable& table, const SecretPlaces& places) {
  HttpSinkSettings settings;
  read_peer(table, places, settings.peer);
  read_headers(table, places, settings);
  read_seconds(table, "max_retry_after", settings.max_retry_after);
  return settings;
}

void refuse_zstd(TomlTable& table, const HttpSinkSettings& settings) {
  if (settings.peer.compression == Compression::zstd)
    table.error("compression", "receivers of this type unpack gzip alone: use \"gzip\" or \"none\"");
}

void read_auth(TomlTable& table, const SecretPlaces& places, ApiKey api_key, HttpSinkSettings& settings) {
  std::vector<std::string> given;
  if (api_key == ApiKey::known) {
    if (const auto key = read_secret(table, "api_key", places); key && fits_header(table, "api_key", *key)) {
      const bool pair = key->reveal().find(':') != std::string::npos;
      settings.hidden.push_back(*key);
      settings.authorization = Secret("ApiKey " + (pair ? base64_encode(key->reveal()) : key->reveal()));
    }
    if (table.has("api_key")) given.push_back("api_key");
  }
  if (std::optional<TomlTable> auth = table.table("auth")) {
    if (const auto bearer = read_secret(*auth, "bearer", places);
        bearer && fits_header(*auth, "bearer", *bearer))
      settings.authorization = Secret("Bearer " + bearer->reveal());
    if (auth->has("bearer")) given.push_back("auth.bearer");
    read_user(*auth, places, settings);
    if (auth->has("username") || auth->has("password")) given.push_back("auth.username");
  }
  for (const auto& [name, value] : settings.headers) {
    if (same_header_name(name, "Authorization")) given.push_back("headers." + name);
  }
  if (given.size() > 1)
    table.error("auth", given[0] + " and " + given[1] + " exclude each other: keep one of them");
}

std::string without_ending(std::string url, const std::vector<std::string_view>& endings) {
  const auto ending = std::find_if(endings.begin(), endings.end(), [&url](std::string_view end) { return url.ends_with(end); });
  if (ending != endings.end()) url.resize(url.size() - ending->size());
  return url;
}

std::vector<std::string> read_url_list(TomlTable& table, std::string_view key, const PeerSettings& peer,
                                       const std::vector<std::string_view>& endings) {
  std::vector<std::string> urls;
  const auto given = table.strings(key);
  if (!given) return urls;
  if (given->empty()) table.error(key, "is empty: write at least one address");
  for (std::string url : *given) {
    if (!check_url(table, key, url, peer)) continue;
    while (url.ends_with('/')) url.pop_back();
    url = without_ending(std::move(url), endings);
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) {
      table.error(key, "\"" + url + "\" is there twice");
    } else {
      urls.push_back(std::move(url));
    }
  }
  return urls;
}

bool format_is_json(TomlTable& table) {
  if (table.kind("format") != TomlKind::string) return true;  // the default, or reported elsewhere
  const std::string format = *table.string("format");
  return format != "cef" && format != "leef";
}

std::uint32_t read_count(TomlTable& table, std::string_view key, std::uint32_t max, std::uint32_t fallback) {
  return static_cast<std::uint32_t>(table.integer(key, 1, max).value_or(fallback));
}

void read_seconds(TomlTable& table, std::string_view key, Duration& target) {
  const std::optional<Duration> value = table.duration(key);
  if (!value) return;
  if (*value < std::chrono::seconds(1)) {
    table.error(key, "must be at least 1s");
  } else {
    target = *value;
  }
}

}  // namespace auditferry
