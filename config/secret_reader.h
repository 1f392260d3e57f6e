#pragma once
// Reads secrets out of TOML tables. A secret never stands in the configuration itself; there it says
// where the secret is: { env = "NAME" }, { file = "PATH" } or { credential = "NAME" } (a file of that name
// in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= makes it).

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/toml_reader.h"
#include "core/secret.h"

namespace auditferry {

// Looks up a variable of the environment; nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

struct SecretPlaces {
  EnvironmentLookup environment;
  std::string folder;   // relative paths begin here: the folder of the main configuration file
  bool resolve = true;  // false: only the form is checked, and the secret is empty
};

// Nothing when the key is absent, or when its value is wrong or leads to nothing; the latter has then been
// reported, without a byte of what may be a secret. One line end at the end of a file is not part of it.
// Blocks on reading the file.
std::optional<Secret> read_secret(TomlTable& table, std::string_view key, const SecretPlaces& places);
// Like read_secret, but absence is an error too.
std::optional<Secret> read_required_secret(TomlTable& table, std::string_view key,
                                           const SecretPlaces& places);

// `path` as it is when absolute, else under `folder`.
std::string path_under(const std::string& folder, const std::string& path);

}  // namespace auditferry
