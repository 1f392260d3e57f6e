#include "encoding/json_text.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "encoding/json_canonical.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(AppendJsonString, EscapesWhatMustBe) {
  EXPECT_EQ(json_string("plain text / and 'this'"), "\"plain text / and 'this'\"");
  EXPECT_EQ(json_string("a\"b\\c\b\f\n\r\t"), R"("a\"b\\c\b\f\n\r\t")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(json_string("\xc3\xa9 \xff \xe2\x82"), "\"\xc3\xa9 \xEF\xBF\xBD \xEF\xBF\xBD\"");
  EXPECT_EQ(json_string(""), "\"\"");
}

TEST(AppendJsonString, AnyBytesMakeAValidString) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(20); i > 0; --i) text += static_cast<char>(random.below(256));
    const std::string out = json_string(text);
    const Result<ScannedJson> scanned = scan_json(out);
    ASSERT_TRUE(scanned.ok());
    ASSERT_EQ(scanned->text, out);
    ASSERT_TRUE(scanned->repairs.empty());
    // Reading it back and writing it again gives the same.
    ASSERT_EQ(json_string(*JsonView(out).as_string()), out);
  }
}

TEST(CanonicalJson, SortsKeysAtEveryLevel) {
  EXPECT_EQ(canonical_json(R"({"b":1,"a":{"z":[{"y":1,"x":2}],"c":null},"B":"{\"b\":1,\"a\":2}"})"),
            R"({"B":"{\"b\":1,\"a\":2}","a":{"c":null,"z":[{"x":2,"y":1}]},"b":1})");
  EXPECT_EQ(canonical_json(R"({"aa":1,"a":2,"":3})"), R"({"":3,"a":2,"aa":1})");
  EXPECT_EQ(canonical_json(R"([3,1,2])"), "[3,1,2]");
  EXPECT_EQ(canonical_json(R"(["b","a"])"), R"(["b","a"])");
  EXPECT_EQ(canonical_json("7"), "7");
  EXPECT_EQ(canonical_json("{}"), "{}");
  EXPECT_EQ(canonical_json(R"({"a":{}})"), R"({"a":{}})");
}

TEST(CanonicalJson, KeepsTheOrderOfEqualKeys) {
  EXPECT_EQ(canonical_json(R"({"b":1,"a":1,"b":2,"a":2})"), R"({"a":1,"a":2,"b":1,"b":2})");
}

TEST(CanonicalJson, OneCanonicalizerServesManyDocuments) {
  JsonCanonicalizer canonicalizer;
  EXPECT_EQ(canonicalizer.canonical(R"({"b":{"d":1,"c":2},"a":1})"), R"({"a":1,"b":{"c":2,"d":1}})");
  EXPECT_EQ(canonicalizer.canonical(R"([])"), "[]");
  EXPECT_EQ(canonicalizer.canonical(R"({"b":1,"a":1})"), R"({"a":1,"b":1})");
}

// An object with shuffled members, and the same with sorted ones.
void random_object(Random& random, int depth, std::string& shuffled, std::string& sorted) {
  std::vector<std::pair<std::string, std::string>> members;  // as shuffled text and as sorted text
  const std::uint64_t count = random.below(40);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string key = "\"" + std::to_string(100 + i) + (random.below(2) == 0 ? "\\u0061" : "") + "\":";
    std::string a = "[1,\"x\"]";
    std::string b = a;
    if (depth < 3 && random.below(5) == 0) random_object(random, depth + 1, a, b);
    members.emplace_back(key + a, key + b);
  }
  sorted = "{";
  for (const auto& member : members) sorted += (sorted.size() > 1 ? "," : "") + member.second;
  sorted += "}";
  for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random.below(i)]);
  shuffled = "{";
  for (const auto& member : members) shuffled += (shuffled.size() > 1 ? "," : "") + member.first;
  shuffled += "}";
}

TEST(CanonicalJson, IsTheSameForEveryOrderOfKeys) {
  Random random(5);
  for (int round = 0; round < rounds(300, 60); ++round) {
    std::string shuffled;
    std::string sorted;
    random_object(random, 0, shuffled, sorted);
    ASSERT_EQ(canonical_json(shuffled), sorted);
    ASSERT_EQ(canonical_json(sorted), sorted);
  }
}

}  // namespace
}  // namespace auditferry
