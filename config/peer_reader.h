#pragma once
// Reads what every network peer has, the same keys for sources and exporters: tls.*, proxy,
// connect_timeout, timeout, compression, user_agent; and URLs.

#include <string>
#include <string_view>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "core/peer_settings.h"

namespace auditferry {

// `settings` come with the defaults and keep them where a key is absent. Paths of tls.* are made absolute
// or relative to the working directory; whether the files can be used is seen when they are used.
void read_peer(TomlTable& table, const SecretPlaces& places, PeerSettings& settings);

// An absolute http:// or https:// URL without user, query and fragment; the slashes at its end are
// removed. http:// to anything but this machine needs tls.insecure. `fallback` is taken when the key is
// absent ("": that is an error). Empty when wrong, which has then been reported.
std::string read_url(TomlTable& table, std::string_view key, const std::string& fallback,
                     const PeerSettings& peer);
// The same judgement of an address that was read otherwise, such as one of a list. False when it is wrong,
// which has then been reported at `key`.
bool check_url(TomlTable& table, std::string_view key, const std::string& url, const PeerSettings& peer);

}  // namespace auditferry
