#pragma once
// For tests of the configuration: a small profile, an exporter type and an environment of their own.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "config/config_file.h"

namespace auditferry::testing {

// The file exporter's keys as a type of the test's own reads them.
inline bool read_test_exporter(ExporterSettings& exporter, TomlTable& table) {
  if (exporter.type != "file") return false;
  exporter.batch.records = 5000;
  exporter.output_key = table.required_string("path");
  if (auto rotate = table.table("rotate")) {
    (void)rotate->size("size");
    (void)rotate->duration("every");
  }
  (void)table.choice<int>("compress", {{"none", 0}, {"gzip", 1}, {"zstd", 2}});
  (void)table.string("mode");
  (void)table.string("group");
  (void)table.integer("max_open", 1, 10'000);
  (void)table.duration("close_after");
  return true;
}

inline Profile test_profile() {
  Profile profile;
  profile.vendor = "apptego";
  profile.title = "AppTego Management API";
  profile.base_url = "https://portal.example.com/frontend";
  profile.credentials = {"token_key", "token_secret"};
  for (const char* name : {"audit", "device"}) {
    StreamProfile stream;
    stream.name = name;
    stream.fields.id = "/event";
    profile.streams[name] = stream;
  }
  profile.streams["device"].reread = {std::chrono::hours(1)};
  return profile;
}

inline ConfigHooks test_hooks() {
  ConfigHooks hooks;
  hooks.load_profile = [](const std::string& name, const std::string& folder) -> Result<Profile> {
    if (name == "apptego") return test_profile();
    if (name == "open") {
      Profile profile = test_profile();
      profile.vendor = "open";
      profile.tenant_required = false;
      profile.credentials.clear();
      return profile;
    }
    return Error{ErrorKind::invalid, folder + "/" + name + ":1:1: a: bad\n" + name + ":2:1: b: bad"};
  };
  hooks.read_exporter = read_test_exporter;
  hooks.exporter_types = {"file"};
  hooks.environment = [](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> variables = {
        {"KEY", "example-key"}, {"SECRET", "example-secret"}, {"EMPTY", ""},
        {"STATE_DIRECTORY", "/var/lib/one:/var/lib/two"}, {"CREDENTIALS_DIRECTORY", "/nonexistent/credentials"},
        {"APPTEGO_TOKEN_KEY", "example-key"}, {"APPTEGO_TOKEN_SECRET", "example-secret"}};
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return hooks;
}

// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "auditferry-config-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

 private:
  std::string path_;
};

}  // namespace auditferry::testing
