// The configurations that the documentation shows are accepted as they stand there.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/load_settings.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

// What the exporters that are shown stand beside.
const std::string source_of_documents =
    "[sources.acme]\nprofile = \"apptego\"\nbase_url = \"https://app.apptego.com/frontend\"\ntenant = \"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11\"\n"
    "credentials.token_key = { env = \"KEY\" }\ncredentials.token_secret = { env = \"SECRET\" }\nstreams = [\"audit\"]\n";

std::vector<std::string> toml_blocks(const std::string& text) {
  std::vector<std::string> blocks;
  const std::string begin = "```toml\n";
  for (std::size_t at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
    at += begin.size();
    blocks.push_back(text.substr(at, text.find("```", at) - at));
  }
  return blocks;
}

TEST(Documents, TheExportersThatAreShownAreAccepted) {
  for (const char* name : {"README.md", "docs/files.md", "docs/syslog.md"}) {
    const std::vector<std::string> blocks = toml_blocks(text_of(AUDITFERRY_SOURCE "/" + std::string(name)));
    EXPECT_FALSE(blocks.empty()) << name;
    for (const std::string& block : blocks) {
      const Result<Settings> settings = parse_settings(source_of_documents + block, name, "/etc/auditferry");
      ASSERT_TRUE(settings.ok()) << settings.error().message << "\n" << block;
      EXPECT_EQ(settings->exporters.size(), 1u) << block;
    }
  }
}

}  // namespace
}  // namespace auditferry
