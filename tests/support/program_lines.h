#pragma once
// The lines of the program's own code, for the tests of house rules.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace auditferry {

// Every line of the sources and headers in a folder of the tree, but for tests and what only they include. Returns how
// many files that were.
template <class Visit>
std::size_t for_each_program_line(const std::string& folder, Visit visit) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(AUDITFERRY_SOURCE) / folder)) {
    const std::string name = entry.path().filename();
    const std::string extension = entry.path().extension();
    if ((extension != ".cc" && extension != ".h") || name.ends_with("_test.cc") || name.ends_with("_fixture.h")) continue;
    ++files;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) visit(entry.path(), line);
  }
  return files;
}

}  // namespace auditferry
