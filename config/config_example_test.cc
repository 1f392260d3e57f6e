#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "config/config_parts.h"
#include "tests/support/config_fixture.h"

namespace auditferry {
namespace {

std::string example() {
  std::ifstream file(CONFIG_EXAMPLE, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// With every key set that stands behind '#' without a blank; but not `tenants`, which excludes `tenant`.
std::string everything_set() {
  std::istringstream lines(example());
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ' && !line.starts_with("#tenants");
    out += (key ? line.substr(1) : line) + "\n";
  }
  return out;
}

void expect_accepted(const std::string& text) {
  const Result<Settings> settings = parse_config(text, "example.toml", "", testing::test_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->sources.size(), 1u);
  EXPECT_EQ(settings->exporters.size(), 1u);
}

TEST(ConfigExample, IsAccepted) {
  expect_accepted(example());
}
TEST(ConfigExample, IsAcceptedWithEverythingSet) {
  expect_accepted(everything_set());
}

TEST(ConfigExample, ShowsTheDefaults) {
  const Result<Settings> shown = parse_config(example(), "example.toml", "", testing::test_hooks());
  ASSERT_TRUE(shown.ok());
  const SourceSettings source;
  const JournalSettings journal;
  EXPECT_EQ(shown->journal.keep, journal.keep);
  EXPECT_EQ(shown->journal.remember, journal.remember);
  EXPECT_EQ(shown->journal.ledger_keep, journal.ledger_keep);
  EXPECT_EQ(shown->journal.max_size, journal.max_size);
  EXPECT_EQ(shown->journal.min_free, journal.min_free);
  EXPECT_EQ(shown->sources[0].max_retry_after, source.max_retry_after);
  EXPECT_EQ(shown->sources[0].max_page_bytes, source.max_page_bytes);
  EXPECT_EQ(shown->sources[0].max_record, source.max_record);
  EXPECT_EQ(shown->sources[0].peer.timeout, source.peer.timeout);
  EXPECT_EQ(shown->sources[0].streams[0].overlap, StreamSettings().overlap);
  EXPECT_EQ(shown->sources[0].streams[0].slice, StreamSettings().slice);
  EXPECT_EQ(shown->exporters[0].batch.records, BatchSettings().records);
  EXPECT_EQ(shown->exporters[0].batch.bytes, BatchSettings().bytes);
}

TEST(ConfigExample, HasEveryKeyThatTheReadersKnow) {
  const ConfigHooks hooks = testing::test_hooks();
  TomlProblems problems;
  ConfigContext context{hooks, {hooks.environment, "", true}, problems, {}, {}, {}, {}, {}, true, {}};
  const auto document = TomlDocument::parse(everything_set(), "example.toml", problems);
  ASSERT_TRUE(document) << problems.status().error().message;
  TomlTable root = document->root();
  read_program(context, root);
  read_sources(context, root);
  read_exporters(context, root);

  const std::string text = example();
  for (const std::string& path : document->asked_keys()) {
    // Alternatives to the places that the example takes its secrets from are named in its head.
    if (path.starts_with("sources.acme.credentials.")) continue;
    if (path.starts_with("exporters.archive.redact_key.")) continue;
    // The other streams of the profile have the keys of the one that is shown.
    if (path == "sources.acme.stream.audit") continue;
    TomlTable table = root;
    std::size_t begin = 0;
    bool there = true;
    for (std::size_t dot; there && (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1) {
      auto inner = table.table(path.substr(begin, dot - begin));
      there = inner.has_value();
      if (inner) table = *inner;
    }
    const std::string key = path.substr(begin);
    const bool named = (there && table.has(key)) || text.find("\n#" + key + " = ") != std::string::npos;
    EXPECT_TRUE(named) << path << " is missing from example.toml";
  }
  EXPECT_TRUE(problems.empty()) << problems.status().error().message;
}

}  // namespace
}  // namespace auditferry
