#pragma once
// The configuration file: TOML into checked values. docs/configuration.md is its reference for users, and
// config/example.toml shows every key. What belongs to other folders (profiles, exporter types) comes in
// through hooks, since config includes neither sources/ nor exporters/.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret_reader.h"
#include "config/settings.h"
#include "config/toml_reader.h"
#include "core/result.h"

namespace auditferry {

// A file as it was read.
struct ConfigText {
  std::string path;
  std::string text;
};

struct ConfigHooks {
  // A profile that is built in, or else the file at a path, relative ones under `folder`.
  std::function<Result<Profile>(const std::string& name_or_path, const std::string& folder)> load_profile;
  // Reads the type's own keys out of [exporters.NAME] into `own`, and sets output_key and the type's
  // default batch. False: there is no such type; nothing was read then.
  std::function<bool(ExporterSettings& exporter, TomlTable& table, const SecretPlaces& places)> read_exporter;
  std::vector<std::string> exporter_types;             // what read_exporter knows, for messages
  std::vector<std::string> formats = {"json", "raw"};  // what `format` may say
  EnvironmentLookup environment;                       // none: the environment of the process
  // Gets every file as it was read, the main file first; none: nobody wants them.
  std::function<void(const ConfigText& file)> take_text = {};
  // What `include` leads to; none: it is looked up and read.
  std::optional<std::vector<ConfigText>> included = {};
  bool resolve_secrets = true;  // false: secrets are checked in form only, and empty (`status`, `ledger`)
};

// Reads `path` and what it includes; blocks. Relative paths of profiles, secrets, TLS files and includes
// begin at the folder of `path`. The error is ErrorKind::invalid with all errors, one per line, each as
// "file:line:column: key.path: message"; an unreadable file is not_found, permission or io.
Result<Settings> load_config(const std::string& path, const ConfigHooks& hooks);
// The same for a text; `file_name` is for messages.
Result<Settings> parse_config(std::string_view text, const std::string& file_name, const std::string& folder,
                              const ConfigHooks& hooks);

// The value of a variable of this process's environment.
std::optional<std::string> process_environment(const std::string& name);

// What daemon.state_dir is where the configuration says nothing: the first folder of $STATE_DIRECTORY.
std::optional<std::string> inherited_state_dir(const EnvironmentLookup& environment);

}  // namespace auditferry
