#include "config/toml_problems.h"

#include <algorithm>
#include <tuple>

#include "encoding/harmless_text.h"

namespace auditferry {
namespace {

constexpr std::size_t longest_line = 4000;

}  // namespace

std::string to_string(const TomlPosition& position) {
  if (position.line == 0) return position.file;
  return position.file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

void TomlProblems::add(TomlPosition at, std::string path, std::string message) {
  const auto known = std::find(files_.begin(), files_.end(), at.file);
  const auto order = static_cast<std::size_t>(known - files_.begin());
  if (known == files_.end()) files_.push_back(at.file);
  problems_.push_back({std::move(at), std::move(path), std::move(message), order});
}

std::vector<std::string> TomlProblems::lines() const {
  std::vector<const Problem*> sorted;
  for (const Problem& problem : problems_) sorted.push_back(&problem);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem* a, const Problem* b) {
    return std::tie(a->file_order, a->at.line, a->at.column) <
           std::tie(b->file_order, b->at.line, b->at.column);
  });
  std::vector<std::string> lines;
  for (const Problem* problem : sorted) {
    std::string line = to_string(problem->at);
    if (!problem->path.empty()) line += ": " + problem->path;
    // Keys, values and the parser's words come as they were typed, with an escaped line break or tab.
    lines.push_back(harmless_text(line + ": " + problem->message, longest_line));
  }
  return lines;
}

Status TomlProblems::status() const {
  if (empty()) return {};
  std::string message;
  for (const std::string& line : lines()) message += (message.empty() ? "" : "\n") + line;
  return Error{ErrorKind::invalid, std::move(message)};
}

}  // namespace auditferry
