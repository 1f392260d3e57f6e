// What the fuzzers of outside_input.h check, on their corpus and on seeded changes of it, without a fuzzer.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/outside_input.h"

namespace auditferry {
namespace {

using Check = void (*)(std::string_view);
constexpr std::pair<const char*, Check> checks[] = {{"config", fixture::check_config},
                                                    {"header", fixture::check_header},
                                                    {"page", fixture::check_page},
                                                    {"profile", fixture::check_profile},
                                                    {"rows", fixture::check_rows}};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Sorted by name: the order of a folder is the disk's.
std::vector<std::filesystem::path> corpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(AUDITFERRY_SOURCE) + "/tests/fuzz/corpus")) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(OutsideReplay, TheCorpusOfTheFuzzers) {
  for (const auto& [name, check] : checks) {
    std::size_t own = 0;
    for (const std::filesystem::path& path : corpus()) {
      SCOPED_TRACE(path.string());
      check(content_of(path));
      own += path.filename().string().starts_with(name) ? 1 : 0;
    }
    EXPECT_GE(own, 2u) << name << " has inputs of its own";
  }
}

TEST(OutsideReplay, ChangedInputs) {
  std::mt19937_64 random(44);
  for (const std::filesystem::path& path : corpus()) {
    const std::string content = content_of(path);
    const std::string file = path.filename().string();
    for (const auto& [name, check] : checks) {
      const int rounds = file.starts_with(name) ? 120 : 6;
      for (int round = 0; round < rounds; ++round) {
        std::string bytes = content;
        if (random() % 3 == 0) bytes.resize(random() % (bytes.size() + 1));
        for (int change = 0; change < 3 && !bytes.empty(); ++change) {
          const std::size_t at = random() % bytes.size();
          if (random() % 2 == 0) {
            bytes[at] = static_cast<char>(random());
          } else {
            // Parts that change places reach deeper than single bytes.
            const std::size_t from = random() % bytes.size();
            bytes.insert(at, bytes.substr(from, random() % 40));
          }
        }
        check(bytes);
      }
    }
  }
}

}  // namespace
}  // namespace auditferry
