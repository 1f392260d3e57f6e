#include "sources/template.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "encoding/json_scanner.h"

namespace auditferry {
namespace {

TemplateValues sample_values() {
  TemplateValues values;
  values["token_key"] = text_value("key");
  values["token_secret"] = text_value("s:e/c?");
  values["tenant"] = text_value("a b/\xc3\xa9");
  values["page_size"] = number_value(100);
  values["from"] = {"2025-11-23T10:25:12.500Z", "\"2025-11-23T10:25:12.500Z\"", "2025-11-23T10:25:12Z"};
  values["query"] = text_value("");
  return values;
}

std::string rendered(std::string_view text) {
  return render_template(text, sample_values());
}

TEST(Template, RendersPlaceholdersAndFilters) {
  EXPECT_EQ(rendered("plain"), "plain");
  EXPECT_EQ(rendered("Bearer {token_key:token_secret|base64}"), "Bearer a2V5OnM6ZS9jPw==");
  EXPECT_EQ(rendered("{token_key:token_secret}"), "key:s:e/c?");
  EXPECT_EQ(rendered("{token_secret|url}"), "s%3Ae%2Fc%3F");
  EXPECT_EQ(rendered("{token_secret|base64|url}"), "czplL2M%2F");
  EXPECT_EQ(rendered("{from} {from|second}"), "2025-11-23T10:25:12.500Z 2025-11-23T10:25:12Z");
  EXPECT_EQ(rendered("{{x}} [[y]]"), "{x} [y]");
  EXPECT_EQ(rendered("{query}{unset}"), "");
  EXPECT_EQ(render_template("/orgs/{tenant}/log", sample_values(), true), "/orgs/a%20b%2F%C3%A9/log");
}

TEST(Template, LeavesOutGroupsWithAnEmptyPlaceholder) {
  EXPECT_EQ(rendered("[created:>={from|second} ]{query}"), "created:>=2025-11-23T10:25:12Z ");
  EXPECT_EQ(rendered("a[ and {query} and {from}]b[ {page_size}]"), "ab 100");
}

TEST(Template, RefusesBadText) {
  const std::vector<std::string> known = {"tenant", "token"};
  for (const char* bad : {"{", "}", "{tenant", "{}", "{ten ant}", "{tenant|}", "{tenant|base46}", "{a:}", "[",
                          "]", "[x[y]]", "[{tenant}", "{tenent}", "{token_key}"}) {
    const Status checked = check_template(bad, known);
    ASSERT_FALSE(checked.ok()) << bad;
    EXPECT_EQ(checked.error().kind, ErrorKind::invalid);
  }
  EXPECT_EQ(check_template("{tenent}", known).error().message,
            "unknown placeholder {tenent}; did you mean \"tenant\"?");
  EXPECT_NE(check_template("{tenant|base46}", known).error().message.find("did you mean \"base64\"?"),
            std::string::npos);
  EXPECT_TRUE(check_template("[{tenant}]{token|url}", known).ok());
}

TemplateField field(std::vector<std::string> path, std::string text) {
  return {std::move(path), std::move(text), "", false};
}
TemplateField literal(std::vector<std::string> path, std::string json) {
  return {std::move(path), "", std::move(json), true};
}

TEST(BuildJsonBody, KeepsTypesNestsAndLeavesOutWhatIsEmpty) {
  TemplateValues values = sample_values();
  values["cursor"] = {"17", "17", ""};
  const std::vector<TemplateField> fields = {field({"query"}, "{query}"),
                                             field({"limit"}, "{page_size}"),
                                             field({"cursor"}, "{cursor}"),
                                             field({"range", "from"}, "{from}"),
                                             field({"range", "deep", "a"}, "x{page_size}"),
                                             field({"range", "deep", "b"}, "{unset}"),
                                             literal({"range", "open"}, "true"),
                                             field({"gone", "x"}, "{query}"),
                                             literal({"list"}, "[1,\"a\"]"),
                                             field({"text"}, ""),
                                             field({"quote\""}, "a\"{query}")};
  const std::string body = build_json_body(fields, values);
  EXPECT_EQ(
      body,
      R"({"limit":100,"cursor":17,"range":{"from":"2025-11-23T10:25:12.500Z","deep":{"a":"x100"},"open":true},)"
      R"("list":[1,"a"],"text":"","quote\"":"a\""})");
  EXPECT_TRUE(scan_json(body).ok());
  EXPECT_EQ(build_json_body({}, values), "{}");
  EXPECT_EQ(build_json_body({field({"a"}, "{query}")}, values), "{}");
  EXPECT_EQ(build_json_body({field({"a", "b", "c"}, "1"), field({"d"}, "2")}, values),
            R"({"a":{"b":{"c":"1"}},"d":"2"})");
}

TEST(BuildUrlQuery, EncodesAndLeavesOutWhatIsEmpty) {
  EXPECT_EQ(build_url_query({field({"$filter"}, "a eq '{tenant}'"), field({"q"}, "{query}"),
                             field({"limit"}, "{page_size}"), literal({"types"}, "[\"a&b\",2]"),
                             literal({"deep"}, "true"), field({"f"}, "[x{query}]")},
                            sample_values()),
            "%24filter=a%20eq%20%27a%20b%2F%C3%A9%27&limit=100&types=a%26b&types=2&deep=true");
}

TEST(Template, SurvivesAnyText) {
  Random random(17);
  constexpr std::string_view bytes = "{}[]|:ab=\"\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(14); i > 0; --i) text += bytes[random.below(bytes.size())];
    const Result<Template> parsed = Template::parse(text);
    if (parsed) (void)parsed->render(sample_values());
  }
}

}  // namespace
}  // namespace auditferry
