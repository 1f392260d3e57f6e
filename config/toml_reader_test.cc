#include "config/toml_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "core/random.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

TEST(TomlReader, ReadsEveryType) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(R"(
name = "acme"
count = 7
share = 0.5
flag = true
wait = "250ms"
room = "64KiB"
since = 2025-11-23T12:25:12+02:00
until = "2025-11-23T10:25:12Z"
list = ["a", "b"]
reread = ["1h", "24h"]
mode = "two"
json = { b = [1, "x"], a = false }
[inner]
deep = "x"
[[many]]
n = 1
[[many]]
n = 2
)",
                                            "test.toml", problems);
  ASSERT_TRUE(document);
  TomlTable root = document->root();
  EXPECT_EQ(root.string("name"), "acme");
  EXPECT_EQ(root.integer("count", 1, 10), 7);
  EXPECT_EQ(root.number("share", 0, 1), 0.5);
  EXPECT_EQ(root.boolean("flag"), true);
  EXPECT_EQ(root.duration("wait"), 250ms);
  EXPECT_EQ(root.size("room"), 65'536u);
  EXPECT_EQ(root.time("since"), from_micros(1'763'893'512'000'000));
  EXPECT_EQ(root.time("until"), root.time("since"));
  EXPECT_EQ(root.strings("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.durations("reread"), (std::vector<Duration>{1h, 24h}));
  EXPECT_EQ(root.choice<int>("mode", {{"one", 1}, {"two", 2}}), 2);
  EXPECT_EQ(root.json("json"), R"({"a":false,"b":[1,"x"]})");
  EXPECT_EQ(root.table("inner")->string("deep"), "x");
  ASSERT_EQ(root.tables("many").size(), 2u);
  EXPECT_EQ(root.tables("many")[1].integer("n", 0, 9), 2);
  EXPECT_EQ(root.tables("many")[0].integer("n", 0, 9), 1);
  EXPECT_EQ(root.string("absent"), std::nullopt);
  EXPECT_EQ(root.keys()[1], "count");
  document->report_unknown_keys();
  EXPECT_TRUE(problems.empty()) << problems.status().error().message;
}

TEST(TomlReader, ReportsAllErrorsWithPositionAndPath) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(R"([sources.acme]
poll_every = 30
overlap = "10 minutes"
pol_evry = "30s"
[sources.acme.stream.device]
reread = ["1h", 24]
page_size = 0
[sources."a b"]
tenant = 5
)",
                                            "f.toml", problems);
  ASSERT_TRUE(document);
  TomlTable sources = *document->root().table("sources");
  TomlTable acme = *sources.table("acme");
  EXPECT_EQ(acme.duration("poll_every"), std::nullopt);
  EXPECT_EQ(acme.duration("overlap"), std::nullopt);
  TomlTable device = *acme.table("stream")->table("device");
  EXPECT_EQ(device.durations("reread"), std::nullopt);
  EXPECT_EQ(device.integer("page_size", 1, 1000), std::nullopt);
  EXPECT_EQ(sources.table("a b")->string("tenant"), std::nullopt);
  EXPECT_EQ(acme.required_string("profile"), "");
  document->report_unknown_keys();
  const std::vector<std::string> lines = problems.lines();
  ASSERT_EQ(lines.size(), 7u) << problems.status().error().message;
  EXPECT_EQ(lines[0], "f.toml:1:1: sources.acme.profile: is missing; a string is needed here");
  EXPECT_EQ(lines[1],
            "f.toml:2:1: sources.acme.poll_every: expected a duration such as \"30s\" (a whole number and "
            "one of us ms s m "
            "h d y), found the integer 30: write \"30s\" for seconds");
  EXPECT_NE(lines[2].find("f.toml:3:1: sources.acme.overlap: "), std::string::npos) << lines[2];
  EXPECT_EQ(lines[3], "f.toml:4:1: sources.acme.pol_evry: unknown key; did you mean \"poll_every\"?");
  EXPECT_NE(lines[4].find("f.toml:6:1: sources.acme.stream.device.reread: "), std::string::npos) << lines[4];
  EXPECT_EQ(lines[5],
            "f.toml:7:1: sources.acme.stream.device.page_size: expected an integer from 1 to 1000, found the "
            "integer 0");
  EXPECT_EQ(lines[6], "f.toml:9:1: sources.\"a b\".tenant: expected a string, found the integer 5");
}

TEST(TomlReader, ReportsASyntaxErrorWithItsPlace) {
  TomlProblems problems;
  EXPECT_FALSE(TomlDocument::parse("a = 1\nb = = 2\n", "f.toml", problems));
  ASSERT_EQ(problems.lines().size(), 1u);
  EXPECT_EQ(problems.lines()[0].rfind("f.toml:2:", 0), 0u) << problems.lines()[0];
  EXPECT_EQ(problems.status().error().kind, ErrorKind::invalid);
}

TEST(TomlReader, ReadsTextOutsideOfAsciiAfterALineContinuation) {
  TomlProblems problems;
  const auto document = TomlDocument::parse("s = \"\"\"\\\n\xc2\xa7 5\"\"\"\n", "f", problems);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().string("s"), "\xc2\xa7 5");
}

TEST(TomlReader, RefusesWrongTypesOfEveryKind) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(
      "s = 1\ni = 'x'\nb = 1\nd = 1.5\nz = 8\nt = 2025-01-01\nl = 'a'\nk = [1]\no = 1\na = 1\nm = 'x'\n", "f",
      problems);
  ASSERT_TRUE(document);
  TomlTable root = document->root();
  EXPECT_FALSE(root.string("s"));
  EXPECT_FALSE(root.integer("i", 0, 1));
  EXPECT_FALSE(root.boolean("b"));
  EXPECT_FALSE(root.duration("d"));
  EXPECT_FALSE(root.size("z"));
  EXPECT_FALSE(root.time("t"));
  EXPECT_FALSE(root.strings("l"));
  EXPECT_FALSE(root.strings("k"));
  EXPECT_FALSE(root.table("o"));
  EXPECT_TRUE(root.tables("a").empty());
  EXPECT_FALSE(root.choice<int>("m", {{"one", 1}}));
  EXPECT_EQ(problems.lines().size(), 11u);
}

TEST(TomlReader, SurvivesAnyBytes) {
  Random random(99);
  constexpr std::string_view bytes = "ab=[]{}\"'\n.#1 ,:-T\\\xff";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(30); i > 0; --i) text += bytes[random.below(bytes.size())];
    TomlProblems problems;
    const auto document = TomlDocument::parse(text, "f", problems);
    ASSERT_EQ(document.has_value(), problems.empty());
    if (!document) continue;
    TomlTable root = document->root();
    for (const std::string& key : root.keys()) (void)root.json(key);
    document->report_unknown_keys();
  }
}

// Where the parser fails its own assertions it says no place; the first line is never to blame here.
TEST(TomlReader, PlacesWhatTheParserGivesUpOn) {
  Random random(99);
  constexpr std::string_view bytes = "ab=[]{}\"'\n.#1 ,:-T\\\xff";
  std::size_t given_up = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(30); i > 0; --i) text += bytes[random.below(bytes.size())];
    TomlProblems problems;
    (void)TomlDocument::parse("first = 1\n" + text + "\nlast = 1\n", "f", problems);
    for (const std::string& line : problems.lines()) {
      if (line.find("cannot explain") == std::string::npos) continue;
      ++given_up;
      const long place = std::strtol(line.c_str() + 2, nullptr, 10);
      EXPECT_GE(place, 2) << line << "\n" << text;
      EXPECT_LE(place, 2 + std::count(text.begin(), text.end(), '\n')) << line << "\n" << text;
    }
  }
  EXPECT_GT(given_up, 0u);
}

}  // namespace
}  // namespace auditferry
