// The worked example of docs/profiles.md does what the text says.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "encoding/time_format.h"
#include "sources/page_parser.h"
#include "sources/profile.h"
#include "sources/request_builder.h"

namespace auditferry {
namespace {

// The first block of the document, in that language, that begins with `begin`.
std::string block(const std::string& document, const std::string& language, const std::string& begin) {
  const std::size_t fence = document.find("```" + language + "\n" + begin);
  if (fence == std::string::npos) return {};
  const std::size_t from = fence + 4 + language.size();
  return document.substr(from, document.find("```", from) - from);
}

TEST(WorkedExample, LoadsAsksAndReads) {
  std::stringstream document;
  document << std::ifstream(AUDITFERRY_DOCS "/profiles.md").rdbuf();
  const Result<Profile> profile =
      load_profile(block(document.str(), "toml", "vendor = \"examplesaas\""), "profiles.md");
  ASSERT_TRUE(profile.ok()) << profile.error().message;

  RequestContext context;
  context.profile = &*profile;
  context.stream = &profile->streams.at("audit");
  context.base_url = profile->base_url;
  context.credentials["api_key"] = Secret("example-key");
  PageRequest page;
  page.from = from_micros(1'763'893'512'000'000);
  page.page_size = 200;
  page.cursor = "\"t0k\"";
  const Result<HttpRequest> request = build_page_request(context, page);
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->url, "https://api.saas.example/v2/events?start=1763893512000&count=200&pageToken=t0k");

  const HttpResponse response{200, {}, block(document.str(), "json", "{\"data\"")};
  const auto parsed = parse_page(*profile, *context.stream, response, 1 << 20, {});
  ASSERT_TRUE(std::holds_alternative<Page>(parsed)) << std::get<PageProblem>(parsed).message;
  const Page& answer = std::get<Page>(parsed);
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].id, "e-17");
  EXPECT_EQ(format_rfc3339(answer.records[0].time), "2025-11-23T10:25:12.345Z");
  EXPECT_EQ(answer.cursor, "\"t0k\"");
}

// Every key that the loader knows is in the documentation's tables.
TEST(WorkedExample, EveryKeyIsDocumented) {
  std::stringstream document;
  document << std::ifstream(AUDITFERRY_DOCS "/profiles.md").rdbuf();
  for (const char* table :
       {"zzzzzzzzzzzz = 1\nvendor='x'\n[streams]\n",
        "vendor='x'\n[rate_limit]\nzzzzzzzzzzzz = 1\n[streams]\n",
        "vendor='x'\n[streams.a]\nzzzzzzzzzzzz = 1\n", "vendor='x'\n[streams.a.request]\nzzzzzzzzzzzz = 1\n",
        "vendor='x'\n[streams.a.fields]\nzzzzzzzzzzzz = 1\n"}) {
    const Result<Profile> profile = load_profile(table, "p");
    ASSERT_FALSE(profile.ok());
    const std::string& message = profile.error().message;
    const std::size_t from = message.find("valid here: ");
    ASSERT_NE(from, std::string::npos) << message;
    std::stringstream keys(message.substr(from + 12, message.find('\n', from) - from - 12));
    for (std::string key; std::getline(keys >> std::ws, key, ',');) {
      EXPECT_NE(document.str().find("`" + key + "`"), std::string::npos) << key << " is not documented";
    }
  }
}

}  // namespace
}  // namespace auditferry
