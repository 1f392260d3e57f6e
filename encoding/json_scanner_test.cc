#include "encoding/json_scanner.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace auditferry {
namespace {

std::string scanned(std::string_view body) {
  const Result<ScannedJson> result = scan_json(body);
  return result ? result->text : "error: " + result.error().message;
}

TEST(JsonScanner, RemovesOnlyWhiteSpaceBetweenTokens) {
  EXPECT_EQ(scanned(" { \"a b\" : [ 1 , 2.50e+01 ,\t-0 ] , \"a b\" : { } ,\n\"z\":\"\\u00e9 \\/ x\" }\r\n"),
            "{\"a b\":[1,2.50e+01,-0],\"a b\":{},\"z\":\"\\u00e9 \\/ x\"}");
  EXPECT_EQ(scanned("123456789012345678901234567890.000100"), "123456789012345678901234567890.000100");
  EXPECT_EQ(scanned(" null "), "null");
  EXPECT_EQ(scanned("[[],[[]],{\"\":{}}]"), "[[],[[]],{\"\":{}}]");
  EXPECT_EQ(scanned("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"");
}

TEST(JsonScanner, AcceptsEveryFormOfTheGrammar) {
  for (const char* body :
       {"0", "-0", "1", "-10", "0.0", "1E5", "1e-05", "true", "false", "null", "\"\"", "[]", "{}",
        "\"\\ud800\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uABcd\"", "[1,[2,{\"a\":[]}]]"}) {
    EXPECT_EQ(scanned(body), body);
  }
}

TEST(JsonScanner, RefusesWhatIsNotJson) {
  for (const char* body :
       {"tru ",        "trux",   "01",   "-01",       "+1",    ".5",      "1.",        "1.e5",
        "1e",          "1e+",    "-",    "- 1",       "0x10",  "NaN",     "Infinity",  "[1,]",
        "{\"a\":1,}",  "[,1]",   "{,}",  "{\"a\" 1}", "{a:1}", "{'a':1}", "[1 2]",     "{\"a\":1 \"b\":2}",
        "1 2",         "{} x",   "[1]]", "}",         "]",     "[1}",     "{\"a\":1]", "\"\\x\"",
        "\"\\u12g4\"", "/* */1", "1,",   "<html>",    "\x01"}) {
    const Result<ScannedJson> result = scan_json(body);
    ASSERT_FALSE(result.ok()) << body;
    EXPECT_EQ(result.error().kind, ErrorKind::protocol) << body;
  }
}

TEST(JsonScanner, TellsCutTextFromMalformedText) {
  const std::string whole = R"( {"a": [1.5e+3, true, "x\u00e9\n", null], "b": {"c": {}}} )";
  ASSERT_TRUE(scan_json(whole).ok());
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    const Result<ScannedJson> result = scan_json(std::string_view(whole).substr(0, length));
    ASSERT_FALSE(result.ok()) << length;
    EXPECT_NE(result.error().message.find("ends early"), std::string::npos) << result.error().message;
  }
  EXPECT_EQ(scan_json("[1,x]").error().message, "malformed JSON: 'x' at byte 3, where a value should be");
  EXPECT_EQ(scan_json("[1").error().message, "the JSON text ends early, at byte 2, inside an array");
  EXPECT_EQ(scan_json("{}\x02").error().message,
            "malformed JSON: byte 0x02 at byte 2, after the end of the document");
}

TEST(JsonScanner, SkipsOneByteOrderMarkAtTheStart) {
  EXPECT_EQ(scanned("\xEF\xBB\xBF {}"), "{}");
  EXPECT_FALSE(scan_json("\xEF\xBB\xBF\xEF\xBB\xBF{}").ok());
  EXPECT_FALSE(scan_json("{\xEF\xBB\xBF}").ok());
}

TEST(JsonScanner, LimitsDepth) {
  EXPECT_TRUE(scan_json(std::string(256, '[') + std::string(256, ']')).ok());
  const Result<ScannedJson> deep = scan_json(std::string(257, '[') + std::string(257, ']'));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().kind, ErrorKind::too_large);
  EXPECT_FALSE(scan_json("[[{\"a\":1}]]", 2).ok());
  EXPECT_TRUE(scan_json("[[1]]", 2).ok());
  EXPECT_FALSE(scan_json(std::string(10'000'000, '[')).ok());
}

struct RepairCase {
  std::string body;
  std::string text;
  std::vector<std::size_t> repairs;
};

TEST(JsonScanner, RepairsStringsAndSaysWhere) {
  const std::string mark = "\xEF\xBF\xBD";
  const std::vector<RepairCase> cases = {
      {"\"a\nb\"", "\"a\\u000ab\"", {2}},
      {std::string("\"\0\x1f\"", 4), "\"\\u0000\\u001f\"", {1, 7}},
      {"\"\xff\"", "\"" + mark + "\"", {1}},
      {"\"\xe2\x82\"", "\"" + mark + "\"", {1}},                          // one cut sequence: one mark
      {"\"\xc0\xaf\"", "\"" + mark + mark + "\"", {1, 4}},                // overlong: each byte
      {"\"\xed\xa0\x80\"", "\"" + mark + mark + mark + "\"", {1, 4, 7}},  // a surrogate
      {"\"\xf0\x9f\x98x\"", "\"" + mark + "x\"", {1}},
      {"\"\xf4\x90\x80\x80\"", "\"" + mark + mark + mark + mark + "\"", {1, 4, 7, 10}},
      {"\"\x80\xc3\xa9\"", "\"" + mark + "\xc3\xa9\"", {1}},
      {"{ \"k\xff\" : \"v\t\" }", "{\"k" + mark + "\":\"v\\u0009\"}", {3, 10}},
  };
  for (const RepairCase& repair : cases) {
    const Result<ScannedJson> result = scan_json(repair.body);
    ASSERT_TRUE(result.ok()) << repair.body;
    EXPECT_EQ(result->text, repair.text);
    EXPECT_EQ(result->repairs, repair.repairs);
    const Result<ScannedJson> again = scan_json(result->text);
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->repairs.empty());
  }
}

TEST(JsonScanner, ReplacesCutSequenceBeforeAQuoteWithoutEatingIt) {
  EXPECT_EQ(scanned("[\"\xe2\x82\",1]"), "[\"\xEF\xBF\xBD\",1]");
  EXPECT_FALSE(scan_json("\"\xe2\x82").ok());
}

std::string random_value(Random& random, int depth) {
  static const char* const spaces[] = {"", " ", "\n", "\t\r "};
  const auto space = [&] { return std::string(spaces[random.below(4)]); };
  const std::uint64_t kind = random.below(depth > 4 ? 5 : 7);
  if (kind < 2) return std::to_string(static_cast<std::int64_t>(random.next()));
  if (kind == 2) return random.below(2) == 0 ? "true" : "null";
  if (kind < 5) {
    std::string text = "\"";
    for (std::uint64_t i = random.below(30); i > 0; --i) {
      static const char* const pieces[] = {"a", "\\n", "\\u00e9", "\xc3\xa9", "\xe2\x82\xac",
                                           "{", "]",   ",",       "\\\"",     "\\\\"};
      text += pieces[random.below(10)];
    }
    return text + "\"";
  }
  std::string text = kind == 5 ? "[" : "{";
  for (std::uint64_t i = random.below(6); i > 0; --i) {
    text += space();
    if (kind == 6) text += "\"k" + std::to_string(random.below(5)) + "\"" + space() + ":" + space();
    text += random_value(random, depth + 1) + space() + (i > 1 ? "," : "");
  }
  return text + space() + (kind == 5 ? "]" : "}");
}

TEST(JsonScanner, MutatedDocumentsAreRefusedOrComeOutValid) {
  Random random(20251123);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = random_value(random, 0);
    const Result<ScannedJson> plain = scan_json(body);
    ASSERT_TRUE(plain.ok()) << body << plain.error().message;
    ASSERT_TRUE(plain->repairs.empty());
    for (std::uint64_t i = random.below(4); i > 0 && !body.empty(); --i) {
      const std::size_t at = random.below(body.size());
      switch (random.below(3)) {
        case 0: body[at] = static_cast<char>(random.below(256)); break;
        case 1: body.erase(at, 1 + random.below(3)); break;
        default: body.insert(at, 1, static_cast<char>(random.below(256)));
      }
    }
    const Result<ScannedJson> result = scan_json(body);
    if (!result) continue;
    ++accepted;
    const Result<ScannedJson> again = scan_json(result->text);
    ASSERT_TRUE(again.ok()) << result->text;
    ASSERT_EQ(again->text, result->text);
    ASSERT_TRUE(again->repairs.empty());
    for (const std::size_t at : result->repairs) ASSERT_LT(at, result->text.size());
  }
  EXPECT_GT(accepted, 4000u);
}

}  // namespace
}  // namespace auditferry
