#include "daemon/health_command.h"

#include <gtest/gtest.h>

#include <fstream>

#include "daemon/life_signs.h"
#include "storage/state_dir.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

// Answers as it is told.
class FakeListener final : public HttpClient {
 public:
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    asked = request.url;
    co_return answer;
  }
  Result<HttpResponse> answer = Error{ErrorKind::connect, "connection refused\nand more"};
  std::string asked;
};

class AskHealthTest : public testing::Test {
 protected:
  std::optional<HealthVerdict> ask() {
    std::optional<HealthVerdict> verdict;
    loop_.run(keep(verdict));
    return verdict;
  }
  Task<void> keep(std::optional<HealthVerdict>& verdict) { verdict = co_await ask_health(listener_, "http://127.0.0.1:9640/healthz"); }
  void answers(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    listener_.answer = std::move(response);
  }
  TestLoop loop_;
  FakeListener listener_;
};

TEST_F(AskHealthTest, IsHealthyWhenTheListenerSaysSo) {
  answers(200, "ok\n");
  const std::optional<HealthVerdict> verdict = ask();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->healthy);
  EXPECT_EQ(listener_.asked, "http://127.0.0.1:9640/healthz");
}

TEST_F(AskHealthTest, HandsOnWhyItIsNotInOneHarmlessLine) {
  answers(503, "the storage thread hangs\x1b[31m\nmore\n");
  const std::optional<HealthVerdict> verdict = ask();
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->healthy);
  EXPECT_NE(verdict->words.find("the storage thread hangs"), std::string::npos) << verdict->words;
  EXPECT_EQ(verdict->words.find_first_of("\x1b\n"), std::string::npos) << verdict->words;
}

TEST_F(AskHealthTest, IsNotHealthyWhenNothingAnswers) {
  const std::optional<HealthVerdict> verdict = ask();
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->healthy);
  EXPECT_NE(verdict->words.find("nothing answers at http://127.0.0.1:9640/healthz (connection refused)"), std::string::npos) << verdict->words;
}

TEST_F(AskHealthTest, LeavesItToTheLifeSignWhenTheNameIsNotServed) {
  answers(403, "this name is not served here\n");
  EXPECT_FALSE(ask());
}

TEST(HealthUrl, AsksThisMachineWhereTheListenerTakesEverybody) {
  AdminSettings admin;
  EXPECT_EQ(health_url(admin), "http://127.0.0.1:9640/healthz");
  admin.host = "0.0.0.0";
  EXPECT_EQ(health_url(admin), "http://127.0.0.1:9640/healthz");
  admin.host = "::";
  EXPECT_EQ(health_url(admin), "http://[::1]:9640/healthz");
  admin.host = "10.1.2.3";
  EXPECT_EQ(health_url(admin), "http://10.1.2.3:9640/healthz");
  admin.port = 0;
  EXPECT_EQ(health_url(admin), std::nullopt);
  admin.port = 9640;
  admin.enabled = false;
  EXPECT_EQ(health_url(admin), std::nullopt);
}

class HealthByLifeSignTest : public testing::Test {
 protected:
  static SteadyTime at(seconds since) { return SteadyTime(since); }
  HealthVerdict judge(seconds now) const { return health_by_life_sign(folder_.path(), at(now)); }
  TemporaryFolder folder_;
};

TEST_F(HealthByLifeSignTest, GoesByTheLastMinute) {
  const Result<StateDir> held = StateDir::acquire(folder_.path());
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(judge(seconds(1000)).healthy);
  write_life_sign(life_sign_path(folder_.path()), {1, at(seconds(1000))});
  EXPECT_TRUE(judge(seconds(1000)).healthy);
  EXPECT_TRUE(judge(seconds(1070)).healthy);
  EXPECT_FALSE(judge(seconds(1071)).healthy);
  EXPECT_FALSE(judge(seconds(5)).healthy) << "of before the machine's start";
  write_life_sign(life_sign_path(folder_.path()), {1, at(seconds(1071))});
  EXPECT_TRUE(judge(seconds(1071)).healthy);
}

TEST_F(HealthByLifeSignTest, AProcessMustHoldTheFolder) {
  write_life_sign(life_sign_path(folder_.path()), {1, at(seconds(1000))});
  const HealthVerdict verdict = judge(seconds(1000));
  EXPECT_FALSE(verdict.healthy);
  EXPECT_NE(verdict.words.find("it is not running"), std::string::npos) << verdict.words;
}

TEST_F(HealthByLifeSignTest, ABrokenSignIsNone) {
  const Result<StateDir> held = StateDir::acquire(folder_.path());
  ASSERT_TRUE(held.ok());
  std::ofstream(life_sign_path(folder_.path())) << "nonsense";
  EXPECT_FALSE(judge(seconds(1000)).healthy);
}

}  // namespace
}  // namespace auditferry
