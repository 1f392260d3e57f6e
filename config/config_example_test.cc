#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "config/config_parts.h"
#include "exporters/catalog.h"
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

// The real exporters, and an environment in which every secret is set.
ConfigHooks example_hooks() {
  ConfigHooks hooks = fixture::test_hooks();
  hooks.read_exporter = [](ExporterSettings& exporter, TomlTable& table, const SecretPlaces& places) {
    return auditferry::read_exporter(exporter, table, places);
  };
  hooks.exporter_types = exporter_types();
  hooks.formats = format_names();
  const EnvironmentLookup others = hooks.environment;
  hooks.environment = [others](const std::string& name) {
    const std::optional<std::string> value = others(name);
    return value ? value : std::optional<std::string>("example-secret");
  };
  return hooks;
}

void expect_accepted(const std::string& text) {
  const Result<Settings> settings = parse_config(text, "example.toml", "", example_hooks());
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->sources.size(), 1u);
  for (const std::string& type : exporter_types()) {
    const auto shown = std::find_if(settings->exporters.begin(), settings->exporters.end(),
                                    [&](const ExporterSettings& exporter) { return exporter.type == type; });
    EXPECT_TRUE(shown != settings->exporters.end() || type == "stdout") << "no exporter of type " << type << " is shown";
  }
}

// Whether another exporter of the example shows the key: what all have in common is explained once.
bool another_shows(const TomlTable& exporters, const std::string& path) {
  const std::size_t name = path.find('.');
  if (!path.starts_with("exporters.") || name == path.npos) return false;
  const std::size_t rest = path.find('.', name + 1);
  if (rest == path.npos) return false;
  for (const std::string& other : exporters.keys()) {
    TomlTable all = exporters;
    std::optional<TomlTable> table = all.table(other);
    std::size_t begin = rest + 1;
    for (std::size_t dot; table && (dot = path.find('.', begin)) != path.npos; begin = dot + 1)
      table = table->has(path.substr(begin, dot - begin)) ? table->table(path.substr(begin, dot - begin)) : std::nullopt;
    if (table && table->has(path.substr(begin))) return true;
  }
  return false;
}

// The places of a secret are alternatives, and are named in the head of the example.
bool is_place_of_secret(const std::string& path) {
  return path.ends_with(".env") || path.ends_with(".file") || path.ends_with(".credential");
}

TEST(ConfigExample, IsAccepted) {
  expect_accepted(example());
}
TEST(ConfigExample, IsAcceptedWithEverythingSet) {
  expect_accepted(everything_set());
}

TEST(ConfigExample, HasEveryKeyThatTheReadersKnow) {
  const ConfigHooks hooks = example_hooks();
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
    if (is_place_of_secret(path)) continue;
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
    EXPECT_TRUE(named || another_shows(*root.table("exporters"), path)) << path << " is missing from example.toml";
  }
  EXPECT_TRUE(problems.empty()) << problems.status().error().message;
}

}  // namespace
}  // namespace auditferry
