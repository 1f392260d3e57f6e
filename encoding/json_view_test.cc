#include "encoding/json_view.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "encoding/json_scanner.h"

namespace auditferry {
namespace {

constexpr std::string_view document =
    R"({"id":81723,"big":18446744073709551616,"ok":true,"none":null,"f":1.0,"list":[10,[20,"x"],{"a":{"b":"deep"}}],)"
    R"("a/b":1,"m~n":2,"":3,"e\u0301":4,"text":"q\"\\\/\n\u00e9\ud83d\ude00\ud800x","id":"second"})";

std::string raw_at(std::string_view pointer) {
  const std::optional<JsonView> found = JsonView(document).at_pointer(pointer);
  return found ? std::string(found->raw()) : "nothing";
}

TEST(JsonView, FollowsPointers) {
  EXPECT_EQ(raw_at("/id"), "81723");  // the first of two
  EXPECT_EQ(raw_at("/list/0"), "10");
  EXPECT_EQ(raw_at("/list/1"), "[20,\"x\"]");
  EXPECT_EQ(raw_at("/list/1/1"), "\"x\"");
  EXPECT_EQ(raw_at("/list/2/a/b"), "\"deep\"");
  EXPECT_EQ(raw_at("/a~1b"), "1");
  EXPECT_EQ(raw_at("/m~0n"), "2");
  EXPECT_EQ(raw_at("/"), "3");
  EXPECT_EQ(raw_at("/e\xcc\x81"), "4");
  EXPECT_EQ(raw_at(""), document);
}

TEST(JsonView, FollowsKeysThatLookLikeSigns) {
  const std::string text = R"({"a#":{"*":"one"},"a":"{\"#\":\"two\"}"})";
  EXPECT_EQ(json_lookup(text, "/a~2/~3"), "\"one\"");
  EXPECT_EQ(json_lookup(text, "/a~2#/~3"), "\"one\"");
  EXPECT_EQ(json_lookup(text, "/a#/~2"), "\"two\"");
  EXPECT_EQ(json_lookup(text, "/a~2#/~2"), std::nullopt);
}

TEST(JsonView, FindsNothingWhereNothingIs) {
  for (const char* pointer : {"/no", "/list/3", "/list/-", "/list/01", "/list/x", "/list/1/1/0", "/id/0",
                              "id", "/e\\u0301", "/list/99999999999999999999999", "/none/x"}) {
    EXPECT_EQ(raw_at(pointer), "nothing") << pointer;
  }
}

TEST(JsonView, GivesScalarsExactly) {
  const JsonView view(document);
  EXPECT_EQ(view.find("id")->as_int64(), 81723);
  EXPECT_EQ(view.find("big")->as_int64(), std::nullopt);
  EXPECT_EQ(view.find("f")->as_int64(), std::nullopt);
  EXPECT_EQ(view.find("ok")->as_bool(), true);
  EXPECT_EQ(view.find("none")->as_bool(), std::nullopt);
  EXPECT_TRUE(view.find("none")->is_null());
  EXPECT_EQ(view.find("id")->as_string(), std::nullopt);
  EXPECT_EQ(view.find("text")->as_string(), "q\"\\/\n\xc3\xa9\xf0\x9f\x98\x80\xEF\xBF\xBDx");
  EXPECT_EQ(view.find("big")->scalar_text(), "18446744073709551616");
  EXPECT_EQ(view.find("ok")->scalar_text(), "true");
  EXPECT_EQ(view.find("none")->scalar_text(), "");
  EXPECT_EQ(JsonView("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
}

TEST(JsonView, IteratesMembersAndElements) {
  std::string seen;
  for (const JsonView::Member& member : JsonView(R"({"a":[1,2],"b\n":{},"c":"}"})").members()) {
    seen += member.key() + "=" + std::string(member.value.raw()) + ";";
  }
  EXPECT_EQ(seen, "a=[1,2];b\n={};c=\"}\";");
  seen.clear();
  for (const JsonView element : JsonView(R"([[],{"a":[1,"]"]},3,"x,y",null])").elements())
    seen += std::string(element.raw()) + ";";
  EXPECT_EQ(seen, "[];{\"a\":[1,\"]\"]};3;\"x,y\";null;");
  for (const char* empty : {"[]", "{}", "1", "\"[1]\"", "null"}) {
    for (const JsonView element : JsonView(empty).elements()) FAIL() << element.raw();
    for (const JsonView::Member& member : JsonView(empty).members()) FAIL() << member.raw_key;
  }
}

TEST(JsonLookup, StepsIntoJsonInsideStrings) {
  const std::string record =
      R"({"raw_data":"{\"ip\": \"192.0.2.7\", \"more\": \"{\\\"deep\\\": [1, 2]}\"}","object":{"ip":"x"},"text":"no json"})";
  EXPECT_EQ(json_lookup(record, "/raw_data#/ip"), "\"192.0.2.7\"");
  EXPECT_EQ(json_lookup(record, "/raw_data#/more#/deep/1"), "2");
  EXPECT_EQ(json_lookup(record, "/raw_data#"), R"({"ip":"192.0.2.7","more":"{\"deep\": [1, 2]}"})");
  EXPECT_EQ(json_lookup(record, "/object#/ip"), "\"x\"");  // the object itself instead of a string
  EXPECT_EQ(json_lookup(record, "/object/ip"), "\"x\"");
  EXPECT_EQ(json_lookup(record, "/text#/ip"), std::nullopt);
  EXPECT_EQ(json_lookup(record, "/raw_data#/no"), std::nullopt);
  EXPECT_EQ(json_lookup(record, "/none#/ip"), std::nullopt);
}

TEST(JsonPointer, IsChecked) {
  for (const char* good : {"", "/", "/a", "/a~0b~1", "/a#/b", "/a~2~3"}) EXPECT_TRUE(is_json_pointer(good)) << good;
  for (const char* bad : {"a", "/a~", "/a~4", "#"}) EXPECT_FALSE(is_json_pointer(bad)) << bad;
}

TEST(JsonView, SurvivesTextThatIsNotJson) {
  Random random(7);
  constexpr std::string_view bytes = "{}[],:\"\\u0dnt1 ";
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(24); i > 0; --i) text += bytes[random.below(bytes.size())];
    // A heap block of exactly this size lets the sanitizer see a read behind its end.
    const std::vector<char> exact(text.begin(), text.end());
    const JsonView view(std::string_view(exact.data(), exact.size()));
    std::size_t steps = 0;
    for (const JsonView element : view.elements()) steps += element.scalar_text().size() + 1;
    for (const JsonView::Member& member : view.members()) steps += member.key().size() + 1;
    ASSERT_LT(steps, 1000u);
    (void)view.find("n");
    (void)view.at_pointer("/0/1");
  }
}

}  // namespace
}  // namespace auditferry
