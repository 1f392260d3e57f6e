#include "exporters/path_template.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

Record record_at(std::int64_t seconds) {
  Record record;
  record.source = "acme";
  record.tenant = "t1";
  record.stream = "audit";
  record.time = from_micros(seconds * 1'000'000);
  record.received = from_micros(0);
  return record;
}

TEST(PathTemplate, FillsInThePlaceholders) {
  const PathTemplate path =
      PathTemplate::parse("/var/log/{tenant}/{source}-{stream}-{date}T{hour}.jsonl").value();
  Record record = record_at(1763893512);
  EXPECT_EQ(path.expand(record), "/var/log/t1/acme-audit-2025-11-23T10.jsonl");
  record.has_time = false;
  EXPECT_EQ(path.expand(record), "/var/log/t1/acme-audit-1970-01-01T00.jsonl") << "by the time of receipt";
  EXPECT_EQ(path.fixed_folder(), "/var/log");
  EXPECT_EQ(PathTemplate::parse("{stream}.jsonl").value().fixed_folder(), ".");
  EXPECT_EQ(PathTemplate::parse("logs-{stream}/x").value().fixed_folder(), ".");
}

TEST(PathTemplate, KnowsWhenItsPeriodEnds) {
  const Record record = record_at(1763893512);
  const auto day = std::chrono::sys_days(std::chrono::year(2025) / 11 / 23);
  EXPECT_EQ(PathTemplate::parse("{date}").value().period_end(record), WallTime(day + std::chrono::hours(24)));
  EXPECT_EQ(PathTemplate::parse("{date}{hour}").value().period_end(record),
            WallTime(day + std::chrono::hours(11)));
  EXPECT_EQ(PathTemplate::parse("x").value().period_end(record), WallTime::max());
}

TEST(PathTemplate, SamePathIsNeverWrong) {
  const PathTemplate path = PathTemplate::parse("{stream}-{date}-{hour}").value();
  const Record a = record_at(1763893512);
  Record b = record_at(1763893513);
  EXPECT_TRUE(path.same_path(a, b));
  b.tenant = "t2";
  EXPECT_TRUE(path.same_path(a, b)) << "the tenant is not part of it";
  b.stream = "device";
  EXPECT_FALSE(path.same_path(a, b));
  EXPECT_FALSE(path.same_path(a, record_at(1763893512 + 3600)));
}

TEST(PathTemplate, RefusesWhatCannotWork) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "a path is needed"},      {"logs/", "name of a file"}, {"x{streem}", "did you mean \"stream\"?"},
      {"x{", "without a '}'"},       {"x}", "without a '{'"},     {"{hour}.jsonl", "needs {date}"},
      {"x\ny", "control character"}, {"a/..", "name of a file"},  {"{}", "not a placeholder"},
  };
  for (const auto& [text, words] : bad) {
    const Result<PathTemplate> parsed = PathTemplate::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(words), std::string::npos) << parsed.error().message;
  }
}

TEST(SafeComponent, LeadsNowhereElse) {
  EXPECT_EQ(safe_component("audit"), "audit");
  EXPECT_EQ(safe_component(""), "_");
  EXPECT_EQ(safe_component(".."), "_.");
  EXPECT_EQ(safe_component("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(safe_component(std::string("a\0b\n\x7F\xFF", 6)), "a_b___");
  EXPECT_EQ(safe_component("Zürich"), "Zürich");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string safe = safe_component(std::string(3, static_cast<char>(byte)));
    EXPECT_EQ(safe.find('/'), std::string::npos);
    EXPECT_NE(safe.front(), '.');
  }
}

TEST(SafeComponent, LongValuesStayApart) {
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "ü";
  const std::string a = safe_component(umlauts + "a");
  const std::string b = safe_component(umlauts + "b");
  EXPECT_LE(a.size(), 120u);
  EXPECT_NE(a, b);
}

TEST(NumberedPath, GoesBeforeTheExtension) {
  EXPECT_EQ(numbered_path("a.b/x.jsonl", 0), "a.b/x.jsonl");
  EXPECT_EQ(numbered_path("a.b/x.jsonl", 12), "a.b/x.12.jsonl");
  EXPECT_EQ(numbered_path("a.b/x", 1), "a.b/x.1");
  EXPECT_EQ(numbered_path("x", 1), "x.1");
  EXPECT_EQ(numbered_path("a/.x", 1), "a/.x.1");
  EXPECT_EQ(numbered_path(".x", 1), ".x.1");
}

}  // namespace
}  // namespace auditferry
