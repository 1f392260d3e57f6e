#include "config/config_file.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/config_parts.h"
#include "config/current_user.h"

namespace auditferry {
namespace {

Error file_error(const std::string& path, int code) {
  const ErrorKind kind = code == ENOENT   ? ErrorKind::not_found
                         : code == EACCES ? ErrorKind::permission
                                          : ErrorKind::io;
  const std::string advice = kind == ErrorKind::permission
                                 ? "let the user " + current_user() + " read it, and enter its folders (of the service: chgrp auditferry " + path + "; chmod 0640 " + path + ")"
                                 : "name it with --config; 'auditferry init' writes one";
  return Error{kind, "the configuration " + path + " cannot be read: " + std::strerror(code) + "; " + advice};
}

Result<std::string> read_text(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return file_error(path, EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return file_error(path, errno != 0 ? errno : EIO);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return file_error(path, errno != 0 ? errno : EIO);
  return text;
}

// The files that a pattern names, sorted.
std::vector<std::string> expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> included_files(TomlTable& root, const std::string& folder) {
  std::vector<std::string> files;
  for (const std::string& pattern : root.strings("include").value_or(std::vector<std::string>())) {
    const std::vector<std::string> found = expand(path_under(folder, pattern));
    if (found.empty() && pattern.find_first_of("*?[") == std::string::npos)
      root.error("include", "there is no file " + path_under(folder, pattern));
    for (const std::string& file : found) {
      if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
    }
  }
  return files;
}

// An included file holds sources and exporters, nothing else.
void refuse_main_keys(TomlTable& root) {
  for (const char* key : {"daemon", "admin", "journal", "include"}) {
    if (!root.has(key)) continue;
    root.knows(key);
    root.error(key, "stands in the main file only; an included file holds sources and exporters");
  }
}

std::vector<ConfigText> included_texts(const ConfigContext& context, TomlTable& root) {
  if (context.hooks.included) {
    root.knows("include");
    return *context.hooks.included;
  }
  std::vector<ConfigText> texts;
  for (const std::string& file : included_files(root, context.places.folder)) {
    Result<std::string> text = read_text(file);
    if (text.ok()) {
      texts.push_back({file, std::move(text).value()});
    } else {
      root.error("include", text.error().message);
    }
  }
  return texts;
}

void add_included(ConfigContext& context, TomlTable& root, std::vector<TomlDocument>& documents) {
  for (const ConfigText& file : included_texts(context, root)) {
    if (context.hooks.take_text) context.hooks.take_text(file);
    auto document = TomlDocument::parse(file.text, file.path, context.problems);
    if (!document) continue;
    TomlTable included = document->root();
    refuse_main_keys(included);
    documents.push_back(std::move(*document));
  }
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::optional<std::string> inherited_state_dir(const EnvironmentLookup& environment) {
  const std::optional<std::string> folders = environment("STATE_DIRECTORY");
  const std::string first = folders ? folders->substr(0, folders->find(':')) : std::string();
  return first.empty() ? std::nullopt : std::optional(first);
}

Result<Settings> parse_config(std::string_view text, const std::string& file_name, const std::string& folder,
                              const ConfigHooks& hooks) {
  TomlProblems problems;
  ConfigContext context{
      hooks,    {hooks.environment ? hooks.environment : process_environment, folder, hooks.resolve_secrets},
      problems, {},
      {},       {},
      {},       {},
      true,     {}};
  if (hooks.take_text) hooks.take_text({file_name, std::string(text)});
  auto main = TomlDocument::parse(text, file_name, problems);
  if (!main) return problems.status().error();
  std::vector<TomlDocument> documents;
  documents.push_back(*main);
  TomlTable root = main->root();
  read_program(context, root);
  add_included(context, root, documents);
  for (const TomlDocument& document : documents) {
    TomlTable table = document.root();
    read_sources(context, table);
  }
  for (const TomlDocument& document : documents) {
    TomlTable table = document.root();
    read_exporters(context, table);
  }
  for (const TomlDocument& document : documents) document.report_unknown_keys();
  if (context.source_tables.empty() && context.exporter_tables.empty() && problems.empty())
    root.error("names neither a source nor an exporter: add a [sources.NAME] and an [exporters.NAME]");
  if (!problems.empty()) return problems.status().error();
  return std::move(context.settings);
}

Result<Settings> load_config(const std::string& path, const ConfigHooks& hooks) {
  Result<std::string> text = read_text(path);
  if (!text.ok()) return std::move(text).error();
  const std::string folder = std::filesystem::path(path).parent_path().string();
  // Hooks may join folder and path, so "here" has a name too.
  return parse_config(*text, path, folder.empty() ? "." : folder, hooks);
}

}  // namespace auditferry
