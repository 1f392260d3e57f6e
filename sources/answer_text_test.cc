#include "sources/answer_text.h"

#include <gtest/gtest.h>

#include "sources/profile.h"

namespace auditferry {
namespace {

HttpResponse answer(int status, std::string body, std::vector<HttpHeader> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

TEST(ErrorText, TakesTheVendorsWords) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(error_text(profile, answer(400, R"({"error":"bad query near 'x'","message":"other"})")),
            "bad query near 'x'");
  EXPECT_EQ(error_text(profile, answer(400, R"({"error":"","message":"second"})")), "second");
  EXPECT_EQ(error_text(profile, answer(400, R"({"error":{"code":7}})")), R"({"code":7})");
  EXPECT_EQ(error_text(profile, answer(502, "<html>\x1b[31mBad\r\nGateway\xff</html>")),
            "<html> [31mBad  Gateway\xEF\xBF\xBD</html>");
  EXPECT_EQ(error_text(profile, answer(500, "")), "");
  EXPECT_EQ(error_text(profile, answer(500, R"({"other":1})")), R"({"other":1})");
  EXPECT_EQ(error_text(profile, answer(500, std::string(5000, 'x'))).size(), 203u);
}

TEST(HarmlessText, CutsBetweenCharactersAndHidesControls) {
  EXPECT_EQ(harmless_text("a\xc3\xa9z", 2), "a...");
  EXPECT_EQ(harmless_text("a\xc2\x9b"
                          "31m\x7f",
                          100),
            "a 31m ");
  EXPECT_EQ(harmless_text("", 10), "");
}

TEST(RequestId, TakesTheFirstHeaderThatIsThere) {
  const Profile profile = *builtin_profile("okta");
  EXPECT_EQ(request_id(profile, answer(200, "", {{"x-okta-request-id", "abc\n"}})), "abc ");
  EXPECT_EQ(request_id(profile, answer(200, "")), "");
}

TEST(PlanName, ReadsTheProbesAnswer) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(plan_name(profile,
                      answer(200, R"({"subscription":"TEAM","deletion":false,"enterprise_pricing":null})")),
            "TEAM");
  EXPECT_EQ(plan_name(profile, answer(200, R"({"subscription":null})")), std::nullopt);
  EXPECT_EQ(plan_name(profile, answer(200, "no json")), std::nullopt);
  EXPECT_EQ(plan_name(profile, answer(403, R"({"subscription":"TEAM"})")), std::nullopt);
  EXPECT_EQ(plan_name(*builtin_profile("okta"), answer(200, R"({"subscription":"TEAM"})")), std::nullopt);
}

TEST(SaysRateLimited, KnowsTheRefusalThatIsALimit) {
  const Profile github = *builtin_profile("github");
  EXPECT_TRUE(says_rate_limited(github, answer(403, "", {{"x-ratelimit-remaining", "0"}})));
  EXPECT_FALSE(says_rate_limited(github, answer(403, "", {{"x-ratelimit-remaining", "10"}})));
  EXPECT_FALSE(says_rate_limited(github, answer(403, "")));
  EXPECT_FALSE(
      says_rate_limited(*builtin_profile("apptego"), answer(403, "", {{"x-ratelimit-remaining", "0"}})));
}

}  // namespace
}  // namespace auditferry
