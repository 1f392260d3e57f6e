#pragma once
// The errors of one or more TOML files, collected so that a user sees all of them at once.

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace auditferry {

struct TomlPosition {
  std::string file;
  std::uint32_t line = 0;    // from 1; 0: not known
  std::uint32_t column = 0;  // from 1, in characters
};

// "file:line:column", or "file" when the line is not known.
std::string to_string(const TomlPosition& position);

class TomlProblems {
 public:
  // `path` is the full key path ("sources.acme.poll_every"), "" for the file as a whole.
  void add(TomlPosition at, std::string path, std::string message);
  bool empty() const { return problems_.empty(); }
  // "file:line:column: path: message", in the order of the files and of their lines.
  std::vector<std::string> lines() const;
  // Success, or ErrorKind::invalid with all lines, one per line.
  Status status() const;

 private:
  struct Problem {
    TomlPosition at;
    std::string path;
    std::string message;
    std::size_t file_order = 0;
  };
  std::vector<std::string> files_;  // in the order in which they were met
  std::vector<Problem> problems_;
};

}  // namespace auditferry
