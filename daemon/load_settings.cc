#include "daemon/load_settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/config_file.h"
#include "config/named_files.h"
#include "encoding/hash.h"
#include "exporters/catalog.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// A name that is built in, else the path of a profile file, relative to the configuration's folder.
Result<Profile> find_profile(const std::string& name_or_path, const std::string& folder) {
  Result<Profile> builtin = builtin_profile(name_or_path);
  const bool is_path = name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml");
  if (builtin.ok() || !is_path) return builtin;
  const std::string path = name_or_path.starts_with('/') ? name_or_path : folder + "/" + name_or_path;
  const std::optional<std::string> text = read_file(path);
  if (!text) return Error{ErrorKind::not_found, "the profile file " + path + " cannot be read: check the path and its rights"};
  return load_profile(*text, path);
}

std::string config_folder(const std::string& path) {
  const std::filesystem::path file(path);
  return file.has_parent_path() ? file.parent_path().string() : ".";
}

ConfigHooks own_hooks(bool resolve_secrets) {
  ConfigHooks hooks;
  hooks.load_profile = find_profile;
  hooks.read_exporter = read_exporter;
  hooks.exporter_types = exporter_types();
  hooks.formats = format_names();
  hooks.environment = process_environment;
  hooks.resolve_secrets = resolve_secrets;
  return hooks;
}

}  // namespace

Result<Settings> load_settings(const std::string& path, bool resolve_secrets) {
  return load_config(path, own_hooks(resolve_secrets));
}

Result<LoadedSettings> load_for_running(const std::string& path) {
  LoadedSettings loaded;
  const SecretPlaces places{process_environment, config_folder(path), true};
  Sha256Stream texts;
  ConfigHooks hooks = own_hooks(true);
  hooks.load_profile = [&](const std::string& name_or_path, const std::string& folder) {
    Result<Profile> profile = find_profile(name_or_path, folder);
    if (profile) loaded.profiles[name_or_path] = *profile;
    return profile;
  };
  hooks.take_text = [&](const ConfigText& one) {
    texts.update(one.text);
    loaded.texts.push_back(one);
    for (std::string& named : named_files(one.text, places)) {
      if (std::find(loaded.files.begin(), loaded.files.end(), named) == loaded.files.end()) loaded.files.push_back(std::move(named));
    }
  };
  Result<Settings> settings = load_config(path, hooks);
  if (!settings) return std::move(settings).error();
  loaded.settings = std::move(settings).value();
  std::error_code error;
  loaded.file = std::filesystem::absolute(path, error).lexically_normal().string();
  loaded.text_sha256 = hex(texts.finish());
  return loaded;
}

Result<LoadedSettings> read_secrets_again(const LoadedSettings& running) {
  const ConfigText& main = running.texts.front();
  ConfigHooks hooks = own_hooks(true);
  hooks.load_profile = [&running](const std::string& name_or_path, const std::string&) -> Result<Profile> {
    const auto kept = running.profiles.find(name_or_path);
    if (kept == running.profiles.end()) return Error{ErrorKind::not_found, "there is no profile " + name_or_path};
    return kept->second;
  };
  hooks.included.emplace(running.texts.begin() + 1, running.texts.end());
  Result<Settings> settings = parse_config(main.text, main.path, config_folder(main.path), hooks);
  if (!settings) return std::move(settings).error();
  LoadedSettings again = running;
  again.settings = std::move(settings).value();
  return again;
}

Result<Settings> parse_settings(const std::string& text, const std::string& file_name, const std::string& folder) {
  return parse_config(text, file_name, folder, own_hooks(false));
}

ProfileBook profile_book(const Settings& settings) {
  ProfileBook book;
  for (const SourceSettings& source : settings.sources) book.add(source.profile);
  for (const std::string& name : builtin_profile_names()) {
    const Result<Profile> profile = builtin_profile(name);
    if (profile.ok()) book.add(*profile);
  }
  return book;
}

std::string file_sha256(const std::string& path) {
  const std::optional<std::string> text = read_file(path);
  return text ? hex(sha256(*text)) : std::string();
}

}  // namespace auditferry
