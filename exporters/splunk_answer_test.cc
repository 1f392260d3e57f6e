#include "exporters/splunk_answer.h"

#include <gtest/gtest.h>

#include <random>

namespace auditferry {
namespace {

HttpResponse code_said(int status, int code) {
  return {status, {}, "{\"text\":\"some words\",\"code\":" + std::to_string(code) + "}"};
}

SplunkMeaning meaning(const HttpResponse& answer) {
  return judge_splunk_answer(answer, parse_splunk_answer(answer.body)).meaning;
}

TEST(SplunkAnswer, EveryCodeHasItsMeaning) {
  struct Row {
    int code;
    int status;
    SplunkMeaning meaning;
  };
  const Row table[] = {
      {0, 200, SplunkMeaning::taken},
      {1, 403, SplunkMeaning::pause},
      {2, 401, SplunkMeaning::pause},
      {3, 401, SplunkMeaning::pause},
      {4, 403, SplunkMeaning::pause},
      {5, 400, SplunkMeaning::pause},
      {6, 400, SplunkMeaning::bad_event},
      {7, 400, SplunkMeaning::pause},
      {8, 500, SplunkMeaning::retry},
      {9, 503, SplunkMeaning::retry},
      {10, 400, SplunkMeaning::channel_wanted},
      {11, 400, SplunkMeaning::channel_wanted},
      {12, 400, SplunkMeaning::bad_event},
      {13, 400, SplunkMeaning::bad_event},
      {14, 400, SplunkMeaning::ack_disabled},
      {15, 400, SplunkMeaning::bad_event},
      {16, 400, SplunkMeaning::pause},
      {17, 200, SplunkMeaning::strange},
      {18, 503, SplunkMeaning::retry},
      {19, 503, SplunkMeaning::retry},
      {20, 503, SplunkMeaning::retry},
      {21, 400, SplunkMeaning::pause},
      {22, 400, SplunkMeaning::pause},
      {23, 503, SplunkMeaning::retry},
      {24, 200, SplunkMeaning::taken_slow_down},
      {25, 200, SplunkMeaning::taken_slow_down},
      {26, 429, SplunkMeaning::retry},
      {27, 429, SplunkMeaning::retry},
      {27, 413, SplunkMeaning::refused},
  };
  for (const Row& row : table) EXPECT_EQ(meaning(code_said(row.status, row.code)), row.meaning) << row.code;
}

TEST(SplunkAnswer, WithoutACodeTheStatusCounts) {
  EXPECT_EQ(meaning({200, {}, ""}), SplunkMeaning::strange);
  EXPECT_EQ(meaning({200, {}, "OK"}), SplunkMeaning::strange);
  EXPECT_EQ(meaning({200, {}, "{\"ok\":true}"}), SplunkMeaning::strange);
  EXPECT_EQ(meaning({503, {}, "<html>"}), SplunkMeaning::retry);
  EXPECT_EQ(meaning({400, {}, ""}), SplunkMeaning::refused);
  EXPECT_EQ(meaning({401, {}, ""}), SplunkMeaning::pause);
  EXPECT_EQ(meaning({200, {}, "{\"code\":99}"}), SplunkMeaning::strange);
  EXPECT_EQ(meaning(code_said(500, 0)), SplunkMeaning::retry);  // "Success" it cannot be
}

TEST(SplunkAnswer, ReadsItsNumbers) {
  const SplunkAnswer answer =
      parse_splunk_answer(R"({"text":"Invalid data format","code":6,"invalid-event-number":3,"ackId":"7"})");
  EXPECT_EQ(answer.code, 6);
  EXPECT_EQ(answer.text, "Invalid data format");
  EXPECT_EQ(answer.invalid_event, 3u);
  EXPECT_EQ(answer.ack_id, 7u);
  EXPECT_FALSE(parse_splunk_answer(R"({"code":0,"ackId":-1,"invalid-event-number":1.5})").ack_id);
  EXPECT_FALSE(parse_splunk_answer(R"({"code":0,"ackId":99999999999999999999999})").ack_id);
}

TEST(SplunkAnswer, ReadsAcknowledgements) {
  const auto acks = parse_splunk_acks(R"({"acks":{"0":true,"1":false,"17":true,"x":true,"2":"true"}})");
  ASSERT_TRUE(acks.has_value());
  EXPECT_EQ(*acks, (std::set<std::uint64_t>{0, 17}));
  EXPECT_FALSE(parse_splunk_acks(R"({"acks":[0]})"));
  EXPECT_FALSE(parse_splunk_acks("true"));
}

TEST(SplunkAnswer, SurvivesEveryBody) {
  const std::string good =
      R"({"text":"Success","code":0,"ackId":12,"acks":{"0":true},"invalid-event-number":4})";
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good.substr(0, random() % (good.size() + 1));
    for (std::size_t i = random() % 3; i > 0 && !body.empty(); --i)
      body[random() % body.size()] = static_cast<char>(random());
    static_cast<void>(parse_splunk_answer(body));
    static_cast<void>(parse_splunk_acks(body));
  }
}

}  // namespace
}  // namespace auditferry
