// config/example.toml says of itself that it shows the defaults: so a line may be left out without anything changing.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "daemon/load_settings.h"
#include "daemon/same_settings.h"

namespace auditferry {
namespace {

struct ExampleLine {
  std::string text;
  std::string table;      // its header, "[exporters.hook]"; empty: none yet
  std::string key;        // empty: it sets nothing
  bool may_differ = false;  // its comment, or that of its table, says that it is needed, an example, or what the default is otherwise
};

constexpr const char* exemptions[] = {"An example", "Examples", "Needed", "Default: "};

std::vector<ExampleLine> lines_of_example() {
  std::ifstream file(EXAMPLE_CONFIG, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<ExampleLine> lines;
  std::string comment;
  std::string table;
  bool table_may_differ = false;
  bool key_before = false;
  const auto says = [](const std::string& words) {
    return std::any_of(std::begin(exemptions), std::end(exemptions), [&words](const char* one) { return words.find(one) != std::string::npos; });
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    ExampleLine line;
    line.text = text.substr(begin, end + 1 - begin);
    begin = end + 1;
    const bool blank = line.text == "\n";
    const bool is_comment = line.text.starts_with("# ");
    const bool header = line.text.starts_with("[");
    if (blank || (is_comment && key_before)) comment.clear();
    if (is_comment) comment += line.text;
    key_before = !blank && !is_comment && !header;
    if (header) {
      table = line.text.substr(0, line.text.size() - 1);
      table_may_differ = says(comment);
      comment.clear();
    }
    line.table = table;
    const std::size_t equals = line.text.find(" = ");
    if (key_before && line.text[0] != '#' && equals != std::string::npos) {
      line.key = line.text.substr(0, equals);
      line.may_differ = table_may_differ || says(comment) || line.key == "type";  // said once, of the first exporter
    }
    lines.push_back(line);
  }
  return lines;
}

Result<Settings> read_without(const std::vector<ExampleLine>& lines, const ExampleLine* left_out) {
  std::string text;
  for (const ExampleLine& line : lines) text += &line == left_out ? std::string("\n") : line.text;
  return parse_settings(text, "example.toml", "");
}

bool all_same(const Settings& a, const Settings& b) {
  const auto same_part = [](const ExporterSettings& one, const ExporterSettings& other) { return same_exporter(one, other); };
  return same_settings(a.daemon, b.daemon) && same_settings(a.admin, b.admin) && same_settings(a.journal, b.journal) &&
         same_settings(a.sources, b.sources) && std::equal(a.exporters.begin(), a.exporters.end(), b.exporters.begin(), b.exporters.end(), same_part);
}

TEST(ExampleDefaults, EveryKeyThatIsNoExampleMayBeLeftOut) {
  const std::vector<ExampleLine> lines = lines_of_example();
  const Result<Settings> whole = read_without(lines, nullptr);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  ASSERT_TRUE(all_same(*whole, *read_without(lines, nullptr)));
  std::set<std::string> compared;
  for (const ExampleLine& line : lines) {
    if (line.key.empty() || line.may_differ) continue;
    const std::string name = line.table + " " + line.key;
    const Result<Settings> without = read_without(lines, &line);
    ASSERT_TRUE(without.ok()) << name << " is needed, and does not say so: " << without.error().message;
    EXPECT_TRUE(all_same(*whole, *without)) << name << ": another value is the default: " << line.text;
    compared.insert(name);
  }
  EXPECT_GT(compared.size(), 85u);
  for (const char* key : {"[exporters.archive.batch] records", "[exporters.archive.batch] bytes", "[daemon] shutdown_timeout", "[journal] keep",
                          "[sources.acme] overlap", "[exporters.splunk] ack_timeout", "[exporters.siem.severity] failure"})
    EXPECT_TRUE(compared.contains(key)) << key;
}

// What a comment says of it stands nowhere else: the default of each type.
TEST(ExampleDefaults, TheBatchesOfEveryTypeAreAsTheDocumentationSays) {
  const std::vector<ExampleLine> lines = lines_of_example();
  const Settings settings = read_without(lines, nullptr).value();
  std::set<std::string> types;
  for (const ExporterSettings& exporter : settings.exporters) {
    const bool large = exporter.type == "file" || exporter.type == "elasticsearch";
    EXPECT_EQ(exporter.batch.records, large ? 5000u : 1000u) << exporter.type;
    EXPECT_EQ(exporter.batch.bytes, large ? 4u << 20 : 1u << 20) << exporter.type;
    types.insert(exporter.type);
  }
  EXPECT_EQ(types.size(), 6u);
}

}  // namespace
}  // namespace auditferry
