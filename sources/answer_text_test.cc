#include "sources/answer_text.h"

#include <gtest/gtest.h>

#include "sources/profile.h"

namespace auditferry {
namespace {

HttpResponse answer(int status, std::string body, std::vector<HttpHeader> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

const SecretMask secrets({Secret("to/ken+1"), Secret("key")});

std::string error_of(const Profile& profile, const HttpResponse& response) { return error_text(profile, response, secrets); }
std::string id_of(const Profile& profile, const HttpResponse& response) { return request_id(profile, response, secrets); }
std::optional<std::string> plan_of(const Profile& profile, const HttpResponse& response) { return plan_name(profile, response, secrets); }

TEST(ErrorText, TakesTheVendorsWords) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(error_of(profile, answer(400, R"({"error":"bad query near 'x'","message":"other"})")),
            "bad query near 'x'");
  EXPECT_EQ(error_of(profile, answer(400, R"({"error":"","message":"second"})")), "second");
  EXPECT_EQ(error_of(profile, answer(400, R"({"error":{"code":7}})")), R"({"code":7})");
  EXPECT_EQ(error_of(profile, answer(502, "<html>\x1b[31mBad\r\nGateway\xff</html>")),
            "<html> [31mBad  Gateway\xEF\xBF\xBD</html>");
  EXPECT_EQ(error_of(profile, answer(500, "")), "");
  EXPECT_EQ(error_of(profile, answer(500, R"({"other":1})")), R"({"other":1})");
  EXPECT_EQ(error_of(profile, answer(500, std::string(5000, 'x'))).size(), 203u);
}

TEST(RequestId, TakesTheFirstHeaderThatIsThere) {
  const Profile profile = *builtin_profile("okta");
  EXPECT_EQ(id_of(profile, answer(200, "", {{"x-okta-request-id", "abc\n"}})), "abc ");
  EXPECT_EQ(id_of(profile, answer(200, "")), "");
}

TEST(PlanName, ReadsTheProbesAnswer) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(plan_of(profile,
                      answer(200, R"({"subscription":"TEAM","deletion":false,"enterprise_pricing":null})")),
            "TEAM");
  EXPECT_EQ(plan_of(profile, answer(200, R"({"subscription":null})")), std::nullopt);
  EXPECT_EQ(plan_of(profile, answer(200, "no json")), std::nullopt);
  EXPECT_EQ(plan_of(profile, answer(403, R"({"subscription":"TEAM"})")), std::nullopt);
  EXPECT_EQ(plan_of(*builtin_profile("okta"), answer(200, R"({"subscription":"TEAM"})")), std::nullopt);
}

// The vendor may escape what it was sent otherwise than we would.
TEST(AnswerText, RepeatsNoSecret) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(error_of(profile, answer(401, R"({"error":"invalid token <key:to\/ken\u002b1>"})")), "invalid token <***:***>");
  EXPECT_EQ(error_of(profile, answer(502, "<p>to/ken+1</p>")), "<p>***</p>");
  EXPECT_EQ(error_of(profile, answer(500, std::string(196, 'x') + "to/ken+1")), std::string(196, 'x') + "***...");
  EXPECT_EQ(id_of(profile, answer(401, "", {{"X-Request-Id", "to/ken+1 key"}})), "*** ***");
  EXPECT_EQ(plan_of(profile, answer(200, R"({"subscription":"to/ken+1"})")), "***");
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
