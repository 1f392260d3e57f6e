// The program calls no shell and starts no other program: nothing that a portal says can become a command.

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>

#include "tests/support/program_lines.h"

namespace auditferry {
namespace {

const std::regex starts_a_program(R"((^|[^A-Za-z0-9_])(system|popen|exec[lv][a-z]*|fexecve|posix_spawnp?|v?fork|wordexp)\s*\()");

// Without comments and without what stands in quotes.
std::string code_of(const std::string& line) {
  static const std::regex quoted(R"re("([^"\\]|\\.)*")re");
  const std::string code = std::regex_replace(line, quoted, "\"\"");
  return code.substr(0, code.find("//"));
}

TEST(NoShell, NothingStartsAnotherProgram) {
  std::size_t looked_at = 0;
  for (const char* folder : {"core", "encoding", "config", "storage", "net", "sources", "exporters", "daemon"}) {
    looked_at += for_each_program_line(folder, [](const std::filesystem::path& file, const std::string& line) {
      EXPECT_FALSE(std::regex_search(code_of(line), starts_a_program)) << file << ": " << line << "; auditferry starts no other program";
    });
  }
  EXPECT_GT(looked_at, 200u);
}

TEST(NoShell, IsNoticed) {
  for (const char* line : {"  system(\"ls\");", "  if (::popen(name, \"r\")) {", "x = execvp (a, b);", "std::system(text.c_str());", "pid_t p = fork();"}) {
    EXPECT_TRUE(std::regex_search(code_of(line), starts_a_program)) << line;
  }
  for (const char* line : {"a_file_system(x);", "file.exec(\"PRAGMA\");", "// calls system(3)", "return \"network file system (NFS)\";"}) {
    EXPECT_FALSE(std::regex_search(code_of(line), starts_a_program)) << line;
  }
}

}  // namespace
}  // namespace auditferry
