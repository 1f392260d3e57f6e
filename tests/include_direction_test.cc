// Includes point one way (ARCHITECTURE.md), and every header can be understood on its own.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace auditferry {
namespace {

const std::filesystem::path root = AUDITFERRY_SOURCE;

// What the files of a folder may include. Tests may include everything; so may daemon, sandbox and bench.
const std::map<std::string, std::set<std::string>> allowed = {
    {"core", {"core"}},
    {"encoding", {"core", "encoding"}},
    {"config", {"core", "encoding", "config"}},
    {"storage", {"core", "encoding", "storage"}},
    {"net", {"core", "encoding", "net"}},
    {"sources", {"core", "encoding", "config", "sources"}},
    {"exporters", {"core", "encoding", "config", "exporters"}},
};

template <class Visit>
void for_each_source_file(const std::string& folder, Visit visit) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".h" || extension == ".cc")) visit(entry.path());
  }
}

TEST(Includes, PointOneWay) {
  const std::regex include("^#include \"([a-z]+)/");
  std::size_t looked_at = 0;
  for (const auto& [folder, targets] : allowed) {
    for_each_source_file(folder, [&](const std::filesystem::path& path) {
      const std::string name = path.filename();
      if (name.ends_with("_test.cc") || name.ends_with("_fixture.h")) return;
      ++looked_at;
      std::ifstream file(path);
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        EXPECT_TRUE(targets.count(match[1])) << path << " includes " << match[1] << "/: " << folder
                                             << "/ must not know it; pass what it needs in from daemon/, or move the piece down";
      }
    });
  }
  EXPECT_GT(looked_at, 50u);
}

TEST(Includes, HeavyLibrariesStayOutOfHeaders) {
  const std::regex heavy("^#include <(boost/beast|simdjson|sqlite3|toml\\+\\+|toml.hpp|spdlog|openssl|boost/asio/io_context)");
  for (const char* folder : {"core", "encoding", "config", "storage", "net", "sources", "exporters", "daemon"}) {
    for_each_source_file(folder, [&](const std::filesystem::path& path) {
      // Shared by the two .cc files that are the connection; nobody else includes it.
      const bool is_inside_of_connection = path.filename() == "connection_stream.h";
      if (path.extension() != ".h" || is_inside_of_connection) return;
      std::ifstream file(path);
      bool has_pragma = false;
      for (std::string line; std::getline(file, line);) {
        has_pragma = has_pragma || line == "#pragma once";
        EXPECT_FALSE(std::regex_search(line, heavy)) << path << ": " << line << "; include it in the .cc and forward-declare";
      }
      EXPECT_TRUE(has_pragma) << path;
    });
  }
}

TEST(Includes, AFileComesWithItsOwnHeaderFirst) {
  for (const auto& [folder, targets] : allowed) {
    for_each_source_file(folder, [&](const std::filesystem::path& path) {
      std::filesystem::path header = path;
      header.replace_extension(".h");
      if (path.extension() != ".cc" || !std::filesystem::exists(header)) return;
      std::ifstream file(path);
      for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("#include")) continue;
        EXPECT_EQ(line, "#include \"" + folder + "/" + header.filename().string() + "\"") << path;
        break;
      }
    });
  }
}

}  // namespace
}  // namespace auditferry
