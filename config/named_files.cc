#include "config/named_files.h"

#include <algorithm>

namespace auditferry {
namespace {

void add(std::string path, std::vector<std::string>& files) {
  if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(std::move(path));
}

void collect(TomlTable table, const SecretPlaces& places, std::vector<std::string>& files) {
  const std::vector<std::string> keys = table.keys();
  for (const std::string& key : keys) {
    const TomlKind kind = table.kind(key);
    if (kind == TomlKind::table) collect(*table.table(key), places, files);
    if (kind == TomlKind::array) {
      for (TomlTable& element : table.tables(key)) collect(std::move(element), places, files);
    }
    if (kind != TomlKind::string) continue;
    const std::string value = table.string(key).value_or("");
    const bool secret = keys.size() == 1;
    if (key == "ca_file" || key == "cert_file" || key == "key_file" || (secret && key == "file")) {
      if (!value.empty()) add(path_under(places.folder, value), files);
    } else if (secret && key == "credential") {
      const auto folder = places.environment ? places.environment("CREDENTIALS_DIRECTORY") : std::nullopt;
      if (folder) add(path_under(*folder, value), files);
    }
  }
}

}  // namespace

std::vector<std::string> named_files(std::string_view text, const SecretPlaces& places) {
  TomlProblems problems;
  std::vector<std::string> files;
  const auto document = TomlDocument::parse(text, "", problems);
  if (document) collect(document->root(), places, files);
  return files;
}

}  // namespace auditferry
