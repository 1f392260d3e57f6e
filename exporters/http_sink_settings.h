#pragma once
// Reads the keys that every exporter over HTTP has.

#include <string>
#include <string_view>
#include <vector>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "exporters/http_sink.h"

namespace auditferry {

// What every network peer has, and headers, max_retry_after.
HttpSinkSettings read_http_sink(TomlTable& table, const SecretPlaces& places);
// For protocols whose receivers unpack gzip alone: "zstd" is a problem.
void refuse_zstd(TomlTable& table, const HttpSinkSettings& settings);

enum class ApiKey { none, known };

// auth.bearer, or auth.username and auth.password; with ApiKey::known also api_key (Elasticsearch: the
// encoded form, or ID:KEY). One of them, or none.
void read_auth(TomlTable& table, const SecretPlaces& places, ApiKey api_key, HttpSinkSettings& settings);

// The address without the first of `endings` that it ends in.
std::string without_ending(std::string url, const std::vector<std::string_view>& endings);
// The addresses of one far end: at least one, each once, without slashes at their ends and without the first of
// `endings` that one ends in. The key is there.
std::vector<std::string> read_url_list(TomlTable& table, std::string_view key, const PeerSettings& peer,
                                       const std::vector<std::string_view>& endings = {});

// False when the format's lines are no JSON (cef, leef).
bool format_is_json(TomlTable& table);

// A whole number of at least one, the default being `fallback`.
std::uint32_t read_count(TomlTable& table, std::string_view key, std::uint32_t max, std::uint32_t fallback);
// At least a second.
void read_seconds(TomlTable& table, std::string_view key, Duration& target);
// Reports what no header can hold. `secret` is never part of the message.
bool fits_header(TomlTable& table, std::string_view key, const Secret& secret);

}  // namespace auditferry
