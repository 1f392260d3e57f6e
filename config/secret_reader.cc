#include "config/secret_reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "config/current_user.h"

namespace auditferry {
namespace {

constexpr std::size_t max_secret_bytes = 64 * 1024;
constexpr const char* right_form =
    "write { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }";

// Reports at `key` of `at` when the file gives nothing.
std::optional<Secret> secret_of_file(TomlTable& at, std::string_view key, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    at.error(key, "the secret's file " + path + " is a folder: name a file in it");
    return std::nullopt;
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int code = errno;
    at.error(key, "the secret's file " + path + " cannot be read: " + std::strerror(code) +
                      (code == EACCES ? "; let the user " + current_user() + " read it, and enter its folders"
                                      : std::string("; create it, and let the user that runs auditferry read it")));
    return std::nullopt;
  }
  std::string value(max_secret_bytes + 1, '\0');
  file.read(value.data(), static_cast<std::streamsize>(value.size()));
  value.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) {
    at.error(key, "reading the secret's file " + path + " failed: " + std::strerror(errno));
    return std::nullopt;
  }
  if (value.size() > max_secret_bytes) {
    at.error(key, "the secret's file " + path + " holds more than 64 KiB: this cannot be the right file");
    return std::nullopt;
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) {
    at.error(key, "the secret's file " + path + " is empty: write the secret into it");
    return std::nullopt;
  }
  return Secret(std::move(value));
}

std::optional<Secret> secret_of_environment(TomlTable& at, const std::string& name,
                                            const SecretPlaces& places) {
  std::optional<std::string> value = places.environment ? places.environment(name) : std::nullopt;
  if (!value) {
    at.error("env", "the environment variable " + name + " is not set: set it before auditferry starts");
  } else if (value->empty()) {
    at.error("env", "the environment variable " + name + " is empty: put the secret into it");
  } else {
    return Secret(std::move(*value));
  }
  return std::nullopt;
}

std::optional<Secret> secret_of_credential(TomlTable& at, const std::string& name,
                                           const SecretPlaces& places) {
  if (name.find('/') != std::string::npos) {
    at.error("credential", "\"" + name + "\" is a path: write the name of a credential, or { file = … }");
    return std::nullopt;
  }
  const auto folder = places.environment ? places.environment("CREDENTIALS_DIRECTORY") : std::nullopt;
  if (!folder || folder->empty()) {
    at.error("credential", "CREDENTIALS_DIRECTORY is not set: in the service systemd sets it, with LoadCredential=" + name +
                               ":PATH in the unit; outside of the service, as root, say where that file is: "
                               "CREDENTIALS_DIRECTORY=/run/credentials/auditferry.service auditferry … (or /etc/auditferry/secrets); "
                               "or write { file = … }");
    return std::nullopt;
  }
  return secret_of_file(at, "credential", path_under(*folder, name));
}

}  // namespace

std::string path_under(const std::string& folder, const std::string& path) {
  if (folder.empty() || path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(folder) / path).string();
}

std::optional<Secret> read_secret(TomlTable& table, std::string_view key, const SecretPlaces& places) {
  const TomlKind kind = table.kind(key);
  if (kind == TomlKind::none) return std::nullopt;
  if (kind != TomlKind::table) {
    table.error(key, std::string("a secret never stands in this file: ") + right_form);
    return std::nullopt;
  }
  TomlTable place = *table.table(key);
  const std::optional<std::string> env = place.string("env");
  const std::optional<std::string> file = place.string("file");
  const std::optional<std::string> credential = place.string("credential");
  const int given = int{place.has("env")} + int{place.has("file")} + int{place.has("credential")};
  if (given != 1) {
    table.error(key, std::string(given == 0 ? "says no place to take the secret from: "
                                            : "names more than one place: ") +
                         right_form);
    return std::nullopt;
  }
  const std::optional<std::string>& name = env ? env : (file ? file : credential);
  if (!name) return std::nullopt;  // of the wrong type, and reported
  if (name->empty()) {
    table.error(key, std::string("names an empty place: ") + right_form);
    return std::nullopt;
  }
  if (!places.resolve) return Secret();
  if (env) return secret_of_environment(place, *env, places);
  if (file) return secret_of_file(place, "file", path_under(places.folder, *file));
  return secret_of_credential(place, *credential, places);
}

std::optional<Secret> read_required_secret(TomlTable& table, std::string_view key,
                                           const SecretPlaces& places) {
  if (!table.has(key)) table.error(key, std::string("is missing: ") + right_form);
  return read_secret(table, key, places);
}

}  // namespace auditferry
