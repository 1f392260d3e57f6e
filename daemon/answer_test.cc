#include "daemon/answer.h"

#include <gtest/gtest.h>

#include "encoding/time_format.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

const WallTime answered_at = *parse_rfc3339("2025-11-23T10:00:00Z");

HttpResponse response(int status, std::vector<HttpHeader> headers = {}, std::string body = "") {
  HttpResponse made;
  made.status = status;
  made.headers = std::move(headers);
  made.body = std::move(body);
  return made;
}

TEST(RateHint, ReadsEpochAndDelta) {
  RateLimitProfile profile;
  const std::string epoch = std::to_string(to_micros(answered_at) / 1'000'000 + 30);
  const auto by_epoch = rate_hint(profile, response(200, {{"X-RateLimit-Remaining", "5"}, {"X-RateLimit-Reset", epoch}}), answered_at);
  ASSERT_TRUE(by_epoch.has_value());
  EXPECT_EQ(by_epoch->remaining, 5u);
  EXPECT_EQ(by_epoch->until_reset, Duration(seconds(30)));
  profile.reset = RateReset::delta;
  const auto by_delta = rate_hint(profile, response(200, {{"X-RateLimit-Remaining", "5"}, {"X-RateLimit-Reset", "30"}}), answered_at);
  ASSERT_TRUE(by_delta.has_value());
  EXPECT_EQ(by_delta->until_reset, Duration(seconds(30)));
  EXPECT_FALSE(rate_hint(profile, response(200, {{"X-RateLimit-Remaining", "-1"}, {"X-RateLimit-Reset", "30"}}), answered_at));
}

class JudgeAnswer : public testing::Test {
 protected:
  Answer judge(Result<HttpResponse> result, bool follows_cursor = false) {
    const AnswerContext context{profile_, profile_.streams.at("audit"), "acme", "tenant-1", "portal:443", secrets_, follows_cursor, 1u << 20};
    return judge_answer(context, std::move(result), answered_at);
  }
  Profile profile_ = builtin_profile("apptego").value();
  const SecretMask secrets_{{Secret("example-token")}};
};

TEST_F(JudgeAnswer, TellsEveryStatusApart) {
  EXPECT_EQ(judge(response(400)).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(400), true).kind, AnswerKind::cursor_refused);
  EXPECT_EQ(judge(response(404), true).kind, AnswerKind::cursor_refused);
  EXPECT_EQ(judge(response(410), true).kind, AnswerKind::cursor_refused);
  EXPECT_EQ(judge(response(401), true).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(403)).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(404)).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(302)).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(408)).kind, AnswerKind::again);
  EXPECT_EQ(judge(response(500)).kind, AnswerKind::again);
  EXPECT_EQ(judge(response(502)).kind, AnswerKind::again);
  EXPECT_EQ(judge(response(429)).kind, AnswerKind::limited);
  EXPECT_EQ(judge(response(503)).kind, AnswerKind::limited);
  EXPECT_EQ(judge(response(200, {}, R"({"logs":[]})")).kind, AnswerKind::page);
  EXPECT_EQ(judge(response(200, {}, R"({"logs":[)")).kind, AnswerKind::unreadable);
  EXPECT_EQ(judge(response(200, {}, R"({"entries":[]})")).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(200, {}, R"({"success":false,"error":"no"})")).kind, AnswerKind::stop);
  EXPECT_EQ(judge(response(200, {}, "<html></html>")).kind, AnswerKind::stop);
  EXPECT_EQ(judge(Error{ErrorKind::timeout, "slow"}).kind, AnswerKind::again);
  EXPECT_EQ(judge(Error{ErrorKind::tls, "who are you"}).kind, AnswerKind::again);
  EXPECT_EQ(judge(Error{ErrorKind::too_large, "2 GB"}).kind, AnswerKind::too_large);
}

TEST_F(JudgeAnswer, EveryMessageNamesTheSourceTheStreamAndTheVendorsWords) {
  for (const int status : {302, 400, 401, 403, 404, 418}) {
    const Answer answer = judge(response(status, {}, R"({"error":"the vendor's words"})"));
    EXPECT_NE(answer.message.find("source acme, stream audit"), std::string::npos) << status;
    if (status != 302) {
      EXPECT_NE(answer.message.find("the vendor's words"), std::string::npos) << answer.message;
    }
  }
}

// Whatever the portal repeats of what it was sent.
TEST_F(JudgeAnswer, NothingButARecordHoldsASecret) {
  for (const int status : {200, 400, 401, 403, 404, 418, 429, 500, 503}) {
    for (const std::string body : {R"({"error":"invalid token example-token"})", R"({"success":false,"error":"example-token"})", "example-token",
                                   R"({"logs":[{"event":1,"raw_data":"example-token)", R"({"example-token":[]})"}) {
      const Answer answer = judge(response(status, {{"X-Request-Id", "id example-token"}, {"Retry-After", "example-token"}}, body));
      for (const std::string& text : {answer.message, answer.body, answer.request_id, answer.raw_wait, answer.server_date}) {
        EXPECT_EQ(text.find("example-token"), std::string::npos) << status << " " << body << ": " << text;
      }
      EXPECT_EQ(answer.request_id, "id ***");
    }
  }
  const Answer repaired = judge(response(200, {}, "{\"logs\":[{\"event\":1,\"creation_time\":1763893512,\"raw_data\":\"\xff example-token\"}]}"));
  ASSERT_EQ(repaired.kind, AnswerKind::page);
  EXPECT_EQ(repaired.body, "{\"logs\":[{\"event\":1,\"creation_time\":1763893512,\"raw_data\":\"\xff ***\"}]}");
  EXPECT_NE(repaired.page.records.at(0).raw.find("example-token"), std::string::npos);
}

TEST_F(JudgeAnswer, A403ThatIsALimitIsALimit) {
  profile_ = builtin_profile("github").value();
  EXPECT_EQ(judge(response(403, {{"X-RateLimit-Remaining", "0"}})).kind, AnswerKind::limited);
  EXPECT_EQ(judge(response(403, {{"X-RateLimit-Remaining", "12"}})).kind, AnswerKind::stop);
}

}  // namespace
}  // namespace auditferry
