#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config_file.h"
#include "config/settings.h"
#include "core/result.h"

namespace auditferry {

// Reads a configuration with everything that this program has built in: profiles, exporter types, the
// environment. All errors at once, one per line. With resolve_secrets = false no secret is read (status,
// ledger).
Result<Settings> load_settings(const std::string& path, bool resolve_secrets);

// A configuration with what reloading needs to know about it.
struct LoadedSettings {
  Settings settings;
  std::vector<ConfigText> texts;             // the main file, then what it includes
  std::map<std::string, Profile> profiles;   // by what `profile` says
  std::string file;                // its main file, an absolute path
  std::string text_sha256;         // hex, of the main file and then of what it includes, in the order of reading
  std::vector<std::string> files;  // that secrets, certificates and keys are in
};
Result<LoadedSettings> load_for_running(const std::string& path);
// The same texts and profiles once more, whatever the files hold by now: only secrets are read again.
Result<LoadedSettings> read_secrets_again(const LoadedSettings& running);

// The same for a text, without its secrets; `file_name` is for messages.
Result<Settings> parse_settings(const std::string& text, const std::string& file_name, const std::string& folder);

// The profiles of the configured sources, then the built-in ones.
ProfileBook profile_book(const Settings& settings);

// Hex SHA-256 of the file, for the ledger; empty if it cannot be read.
std::string file_sha256(const std::string& path);

}  // namespace auditferry
