// select.where, redact and redact_key.

#include <gtest/gtest.h>

#include "config/config_file.h"
#include "tests/support/config_fixture.h"

namespace auditferry {
namespace {

using fixture::good_exporter;
using fixture::good_source;
using fixture::problems_of;

ExporterSettings exporter_of(const std::string& text) {
  const Result<Settings> settings =
      parse_config(good_source + good_exporter + text, "f", "", fixture::test_hooks());
  EXPECT_TRUE(settings.ok()) << settings.error().message;
  return settings.ok() ? settings->exporters.at(0) : ExporterSettings();
}

TEST(ConfigRules, EveryCondition) {
  const auto where = exporter_of(R"(
[[exporters.archive.select.where]]
field = "/action"
equals = "config_update"
[[exporters.archive.select.where]]
field = "outcome"
in = ["failure", 403, true]
not = true
[[exporters.archive.select.where]]
field = "/raw_data#/ip"
matches = "192.0.2.*"
[[exporters.archive.select.where]]
field = "actor"
exists = true
[[exporters.archive.select.where]]
field = "target"
exists = false
[[exporters.archive.select.where]]
field = "device"
exists = false
not = true
)")
                         .select.where;
  ASSERT_EQ(where.size(), 6u);
  EXPECT_EQ(where[0].field, "/action");
  EXPECT_EQ(where[0].test, SelectCondition::Test::one_of);
  EXPECT_EQ(where[0].values, std::vector<SelectValue>{"config_update"});
  EXPECT_FALSE(where[0].negated);
  EXPECT_EQ(where[1].values, (std::vector<SelectValue>{"failure", std::int64_t{403}, true}));
  EXPECT_TRUE(where[1].negated);
  EXPECT_EQ(where[2].test, SelectCondition::Test::matches);
  EXPECT_EQ(where[2].pattern, "192.0.2.*");
  EXPECT_EQ(where[3].test, SelectCondition::Test::exists);
  EXPECT_FALSE(where[3].negated);
  EXPECT_TRUE(where[4].negated);
  EXPECT_FALSE(where[5].negated);
}

TEST(ConfigRules, EveryRedaction) {
  const RedactSettings redact = exporter_of(R"(
redact_key = { env = "REDACT_KEY" }
[[exporters.archive.redact]]
field = "/raw_data#/ip"
action = "hash"
[[exporters.archive.redact]]
field = "/*/address"
action = "truncate_ip"
[[exporters.archive.redact]]
field = "/a"
action = "mask"
[[exporters.archive.redact]]
field = "/b~1c"
action = "remove"
)")
                                    .redact;
  ASSERT_EQ(redact.rules.size(), 4u);
  EXPECT_EQ(redact.rules[0].field, "/raw_data#/ip");
  EXPECT_EQ(redact.rules[0].action, RedactAction::hash);
  EXPECT_EQ(redact.rules[1].action, RedactAction::truncate_ip);
  EXPECT_EQ(redact.rules[2].action, RedactAction::mask);
  EXPECT_EQ(redact.rules[3].action, RedactAction::remove);
  EXPECT_EQ(redact.key.reveal(), "example-redaction-key");
  // Without a hash no key is needed.
  EXPECT_TRUE(exporter_of("redact = [{ field = \"/a\", action = \"mask\" }]\n").redact.key.empty());
}

TEST(ConfigRules, SecretsAreNotReadWhenTheyAreNotNeeded) {
  ConfigHooks hooks = fixture::test_hooks();
  hooks.resolve_secrets = false;
  const std::string rules =
      "redact = [{ field = \"/a\", action = \"hash\" }]\nredact_key = { env = \"NOT_SET\" }\n";
  EXPECT_TRUE(parse_config(good_source + good_exporter + rules, "f", "", hooks).ok());
}

struct WrongRule {
  const char* text;     // in [exporters.archive], which has three lines; five are before it
  const char* problem;  // in the first error line
};

TEST(ConfigRules, SaysWhatIsWrong) {
  const WrongRule cases[] = {
      {"select.where = [{ equals = 1 }]",
       "f:9:17: exporters.archive.select.where[0].field: is missing; a string is needed here"},
      {"select.where = [{ field = \"\", equals = 1 }]", "where[0].field: is empty"},
      {"select.where = [{ field = \"/a\" }]",
       "where[0]: a condition needs one of equals, in, matches and exists"},
      {"select.where = [{ field = \"/a\", equals = 1, in = [1] }]",
       "where[0].in: stands beside equals: a condition has one test; write two conditions, which must both "
       "hold"},
      {"select.where = [{ field = \"actoin\", equals = 1 }]",
       "\"actoin\" is neither a JSON pointer such as \"/actoin\" nor a field of the profile; did you mean "
       "\"action\"?"},
      {"select.where = [{ field = \"/a~\", equals = 1 }]",
       "\"/a~\" is not a JSON pointer: '~' stands only before 0 ('~'), 1 ('/'), 2 ('#') and 3 ('*')"},
      {"select.where = [{ field = \"/a#\", equals = 1 }]",
       "\"/a#\" ends in '#', which steps into JSON inside a string"},
      {"select.where = [{ field = \"/*/a\", equals = 1 }]",
       "'*' cannot be used here: a condition looks at one field"},
      {"select.where = [{ field = \"/\", equals = 1 }]", "names a field without a name"},
      {"select.where = [{ field = 1, equals = 1 }]",
       "where[0].field: expected a string, found the integer 1"},
      {"select.where = [{ field = \"/a\", equals = 1.5 }]",
       "where[0].equals: expected a string, an integer, true or false"},
      {"select.where = [{ field = \"/a\", equals = [1] }]", "for one of several values write in = [...]"},
      {"select.where = [{ field = \"/a\", equals = 2025-01-01 }]",
       "where[0].equals: expected a value that JSON can hold"},
      {"select.where = [{ field = \"/a\", in = [] }]", "where[0].in: is empty and would select nothing"},
      {"select.where = [{ field = \"/a\", in = \"x\" }]",
       "where[0].in: expected an array of strings, integers, true or false"},
      {"select.where = [{ field = \"/a\", in = [1, [2]] }]", "where[0].in: expected an array of strings"},
      {"select.where = [{ field = \"/a\", matches = 1 }]",
       "where[0].matches: expected a string, found the integer 1"},
      {"select.where = [{ field = \"/a\", exists = \"yes\" }]", "where[0].exists: expected true or false"},
      {"select.where = [{ field = \"/a\", exists = true, not = 1 }]", "where[0].not: expected true or false"},
      {"select.where = [{ field = \"/a\", exists = true, nto = true }]",
       "where[0].nto: unknown key; did you mean \"not\"?"},
      {"select.where = { field = \"/a\" }",
       "expected an array of tables ([[exporters.archive.select.where]])"},
      {"redact = [{ action = \"mask\" }]", "exporters.archive.redact[0].field: is missing"},
      {"redact = [{ field = \"/a\" }]",
       "redact[0].action: is missing; write \"remove\", \"mask\", \"hash\" or \"truncate_ip\""},
      {"redact = [{ field = \"/a\", action = \"maks\" }]",
       "redact[0].action: \"maks\" is not a valid value; did you mean \"mask\"?"},
      {"redact = [{ field = \"ip\", action = \"mask\" }]",
       "\"ip\" is not a JSON pointer: it begins with '/', for example \"/ip\""},
      {"redact = [{ field = \"\", action = \"mask\" }]",
       "redact[0].field: is empty, which would be the whole record"},
      {"redact = [{ field = \"/raw_data#\", action = \"mask\" }]", "ends in '#'"},
      {"redact = [{ field = \"/a\", action = \"mask\", feild = 1 }]",
       "redact[0].feild: unknown key; did you mean \"field\"?"},
      {"redact = [{ field = \"/a\", action = \"hash\" }]",
       "exporters.archive.redact_key: is missing: a rule with action = \"hash\" needs it; write redact_key = "
       "{ env = \"NAME\" }"},
      {"redact_key = \"hunter2\"", "exporters.archive.redact_key: a secret never stands in this file"},
      {"redact_key = { env = \"NOT_SET\" }", "exporters.archive.redact_key"},
      {"redact_key = { env = \"KEY\" }", "exporters.archive.redact_key: is shorter than 16 bytes"},
      {"redact = \"mask\"",
       "exporters.archive.redact: expected an array of tables ([[exporters.archive.redact]])"},
      {"redcat = []", "exporters.archive.redcat: unknown key; did you mean \"redact\"?"},
  };
  for (const WrongRule& wrong : cases) {
    const std::vector<std::string> lines = problems_of(good_source + good_exporter + wrong.text + "\n");
    ASSERT_EQ(lines.size(), 1u) << wrong.text << ::testing::PrintToString(lines);
    EXPECT_NE(lines[0].find(wrong.problem), std::string::npos) << wrong.text << "\n" << lines[0];
    EXPECT_EQ(lines[0].find("hunter2"), std::string::npos) << lines[0];
  }
  const std::string deep = "redact = [{ field = \"" + [] {
    std::string path;
    for (int i = 0; i < 33; ++i) path += "/a";
    return path;
  }() + "\", action = \"mask\" }]";
  EXPECT_EQ(problems_of(good_source + good_exporter + deep).size(), 1u);
}

}  // namespace
}  // namespace auditferry
