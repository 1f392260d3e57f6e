#pragma once
// For tests of the configuration: a small profile, an exporter type and an environment of their own.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "config/config_file.h"
#include "tests/support/temporary_folder.h"

namespace auditferry::fixture {

// The file exporter's keys as a type of the test's own reads them.
inline bool read_test_exporter(ExporterSettings& exporter, TomlTable& table, const SecretPlaces&) {
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
        {"KEY", "example-key"},
        {"SECRET", "example-secret"},
        {"EMPTY", ""},
        {"REDACT_KEY", "example-redaction-key"},
        {"STATE_DIRECTORY", "/var/lib/one:/var/lib/two"},
        {"CREDENTIALS_DIRECTORY", "/nonexistent/credentials"},
        {"APPTEGO_TOKEN_KEY", "example-key"},
        {"APPTEGO_TOKEN_SECRET", "example-secret"}};
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return hooks;
}

class ConfigFolder : public TemporaryFolder {
 public:
  // Returns the path.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
};

// A source and an exporter that are right, for tests that add to them.
inline const std::string good_source = R"([sources.acme]
profile = "apptego"
tenant = "t1"
credentials.token_key = { env = "KEY" }
credentials.token_secret = { env = "SECRET" }
)";
inline const std::string good_exporter = "[exporters.archive]\ntype = \"file\"\npath = \"/tmp/a\"\n";

// The lines of the error; none when the text is accepted.
inline std::vector<std::string> problems_of(const std::string& text) {
  const Result<Settings> settings = parse_config(text, "f", "/etc/auditferry", test_hooks());
  std::vector<std::string> lines;
  if (settings.ok()) return lines;
  EXPECT_EQ(settings.error().kind, ErrorKind::invalid);
  std::istringstream stream(settings.error().message);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace auditferry::fixture
