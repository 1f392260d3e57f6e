#include "exporters/json_edit.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/json_scanner.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

const std::string masked = "\"***\"";

std::string edit(std::string_view json, std::string_view pointer, JsonChange change) {
  const auto decide = [&](std::string_view) { return change; };
  return edit_json(json, JsonPath::parse(pointer), decide, masked).text.value_or("unchanged");
}
std::string replace(std::string_view json, std::string_view pointer) {
  return edit(json, pointer, {JsonChange::Kind::replace, "0"});
}
std::string remove(std::string_view json, std::string_view pointer) {
  return edit(json, pointer, {JsonChange::Kind::remove, {}});
}

TEST(JsonEdit, TouchesNothingElse) {
  EXPECT_EQ(replace(R"({"n":1.50e+3,"a":"x","s":"\u00e9\/"})", "/a"),
            R"({"n":1.50e+3,"a":0,"s":"\u00e9\/"})");
  EXPECT_EQ(replace(R"( { "a" : [ 1 , { "b" : true } ] , "c" : 2 } )", "/a/1/b"),
            R"( { "a" : [ 1 , { "b" : 0 } ] , "c" : 2 } )");
  EXPECT_EQ(replace(R"({"a~b/c":1,"~":2})", "/a~0b~1c"), R"({"a~b/c":0,"~":2})");
  EXPECT_EQ(replace(R"({"a#":1,"*":2,"b":"{\"*\":3}"})", "/a~2"), R"({"a#":0,"*":2,"b":"{\"*\":3}"})");
  EXPECT_EQ(replace(R"({"a#":1,"*":2,"b":3})", "/~3"), R"({"a#":1,"*":0,"b":3})");
  EXPECT_EQ(replace(R"({"a#":"{\"*\":3,\"c\":4}"})", "/a~2#/~3"), R"({"a#":"{\"*\":0,\"c\":4}"})");
  EXPECT_EQ(replace(R"({"\u0061":1})", "/a"), R"({"\u0061":0})");
  // Both of a pair of equal keys: readers differ in which one they take.
  EXPECT_EQ(replace(R"({"a":1,"a":2})", "/a"), R"({"a":0,"a":0})");
  EXPECT_EQ(replace(R"({"a":1})", "/b"), "unchanged");
  EXPECT_EQ(replace(R"({"a":1})", "/a/b"), "unchanged");
  EXPECT_EQ(replace("[1,2]", "/01"), "unchanged");
  EXPECT_EQ(replace("7", "/a"), "unchanged");
}

TEST(JsonEdit, EveryMemberAndElement) {
  EXPECT_EQ(replace(R"({"l":[{"ip":1},{"ip":2},3]})", "/l/*/ip"), R"({"l":[{"ip":0},{"ip":0},3]})");
  EXPECT_EQ(replace(R"({"a":{"x":1},"b":{"x":[2]}})", "/*/x"), R"({"a":{"x":0},"b":{"x":0}})");
}

TEST(JsonEdit, RemovesWithOneComma) {
  EXPECT_EQ(remove(R"({"a":1,"b":2,"c":3})", "/a"), R"({"b":2,"c":3})");
  EXPECT_EQ(remove(R"({"a":1,"b":2,"c":3})", "/b"), R"({"a":1,"c":3})");
  EXPECT_EQ(remove(R"({"a":1,"b":2,"c":3})", "/c"), R"({"a":1,"b":2})");
  EXPECT_EQ(remove(R"({"a":1})", "/a"), "{}");
  EXPECT_EQ(remove("[1,2,3]", "/*"), "[]");
  EXPECT_EQ(remove(R"({"a":1,"a":2,"b":3,"a":4})", "/a"), R"({"b":3})");
  EXPECT_EQ(remove(R"([{"x":1,"y":2},{"x":3}])", "/*/x"), R"([{"y":2},{}])");
}

TEST(JsonEdit, InsideOfJsonInAString) {
  // Escapes of the outer string, blanks and digits of the inner JSON stay as they were.
  EXPECT_EQ(replace(R"({"r":"{ \"ip\" : \"\u0031\", \"n\":1.0 }","z":1})", "/r#/ip"),
            R"({"r":"{ \"ip\" : 0, \"n\":1.0 }","z":1})");
  EXPECT_EQ(remove(R"({"r":"{\"a\":1,\"ip\":\"x\"}"})", "/r#/ip"), R"({"r":"{\"a\":1}"})");
  EXPECT_EQ(edit(R"({"r":"{\"ip\":1}"})", "/r#/ip", {JsonChange::Kind::replace, "\"a\\\"b\""}),
            R"({"r":"{\"ip\":\"a\\\"b\"}"})");
  // The vendor sends the object itself.
  EXPECT_EQ(replace(R"({"r":{"ip":1}})", "/r#/ip"), R"({"r":{"ip":0}})");
  // Two levels of strings, and characters of two, three and four bytes before the place.
  const std::string inner = R"({"k":"é€😀","s":"{\"ip\":1}"})";
  std::string outer = "{\"r\":";
  append_json_string(outer, inner);
  EXPECT_EQ(unescape_json(replace(outer + "}", "/r#/s#/ip")), R"({"r":"{"k":"é€😀","s":"{\"ip\":0}"}"})");
  EXPECT_EQ(replace(R"({"r":"{\"k\":\"\ud83d\ude00\u20ac\",\"ip\":1}"})", "/r#/ip"),
            R"({"r":"{\"k\":\"\ud83d\ude00\u20ac\",\"ip\":0}"})");
  // Lone halves of a pair.
  EXPECT_EQ(replace(R"({"r":"{\"k\":\"\ud83d\ud83d\",\"ip\":1}"})", "/r#/ip"),
            R"({"r":"{\"k\":\"\ud83d\ud83d\",\"ip\":0}"})");
}

TEST(JsonEdit, AStringWithoutJsonIsReplacedWhole) {
  const auto keep = [](std::string_view) { return JsonChange(); };
  const JsonPath path = JsonPath::parse("/r#/ip");
  for (const char* json :
       {R"({"r":"ip=192.0.2.7"})", R"({"r":"{\"ip\":"})", R"({"r":"{\"ip\":1}}"})", R"({"r":"tru"})",
        R"({"r":"\"{\\\"ip\\\":1}\""})", R"({"r":"{\"ip\":\"\u0001\"}"})"}) {
    const JsonEdited edited = edit_json(json, path, keep, masked);
    EXPECT_EQ(edited.text, R"({"r":"***"})") << json;
    EXPECT_EQ(edited.unreadable, 1u);
  }
  for (const char* json : {R"({"r":""})", R"({"r":"***"})", R"({"r":null})", R"({"r":5})", R"({"r":"5"})"}) {
    const JsonEdited edited = edit_json(json, path, keep, masked);
    EXPECT_FALSE(edited.text) << json;
    EXPECT_EQ(edited.unreadable, 0u);
  }
}

// Random documents: after an edit the text is valid, the value is gone, and what is not meant is the same.
class Documents {
 public:
  explicit Documents(std::uint64_t seed) : random_(seed) {}
  std::string value(int depth) {
    switch (below(depth > 0 ? 8 : 5)) {
      case 0:
        return "null";
      case 1:
        return "-1.50E+2";
      case 2:
        return "\"SECRET\"";
      case 3:
        return R"("\ud83d\ude00 \" \\ {[")";
      case 4:
        return "true";
      case 5:
        return container('[', ']', depth);
      case 6:
        return container('{', '}', depth);
      default: {
        std::string json;
        append_json_string(json, value(depth - 1));
        return json;
      }
    }
  }
  std::string container(char open, char close, int depth) {
    std::string json(1, open);
    for (std::size_t i = below(4); i > 0; --i) {
      static const char* const keys[] = {"\"a\"", "\"b\"", "\"\\u0061\"", "\"c\\\"\""};
      json += blank();
      if (open == '{') json += keys[below(4)] + blank() + ":" + blank();
      json += value(depth - 1) + blank() + (i > 1 ? "," : "");
    }
    return json + close;
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

 private:
  std::string blank() { return below(6) == 0 ? " \n" : ""; }
  std::mt19937_64 random_;
};

TEST(JsonEdit, RandomDocumentsStayValid) {
  Documents documents(20251123);
  const char* const pointers[] = {"/a",    "/*",   "/a/*",     "/*/a", "/a#/a",
                                  "/*#/*", "/a/0", "/*#/*#/a", "/0",   "/*/*#/*"};
  std::size_t changed = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string json = documents.container(documents.below(2) == 0 ? '{' : '[', '}', 4);
    std::string good = json;
    if (good[0] == '[') good.back() = ']';
    const char* const pointer = pointers[documents.below(std::size(pointers))];
    const JsonPath path = JsonPath::parse(pointer);
    const auto kind = documents.below(2) == 0 ? JsonChange::Kind::replace : JsonChange::Kind::remove;
    const auto decide = [&](std::string_view) { return JsonChange{kind, "\"R\\u0045\""}; };
    const JsonEdited edited = edit_json(good, path, decide, masked);
    if (!edited.text) continue;
    ++changed;
    const auto scanned = scan_json(*edited.text);
    ASSERT_TRUE(scanned.ok()) << good << "\n" << pointer << "\n" << *edited.text;
    // Once more finds only what the first edit has put there.
    std::size_t left = 0;
    const auto look = [&](std::string_view value) {
      if (value != "\"R\\u0045\"") ++left;
      return JsonChange();
    };
    (void)edit_json(*edited.text, path, look, masked);
    if (kind == JsonChange::Kind::remove) continue;  // the elements behind have moved up
    ASSERT_EQ(left, 0u) << good << "\n" << pointer << "\n" << *edited.text;
  }
  EXPECT_GT(changed, 5000u);
}

}  // namespace
}  // namespace auditferry
