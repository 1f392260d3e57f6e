#include "daemon/portal_session.h"

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "sandbox/portal.h"
#include "sources/profile.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

// Refuses for a while, and names the request.
class LimitingPortal final : public HttpClient {
 public:
  Task<Result<HttpResponse>> send(HttpRequest) override {
    HttpResponse response;
    response.status = 429;
    response.headers = {{"Retry-After", "7"}, {"x-request-id", "4711-abc"}};
    co_return response;
  }
};

Task<Status> keep_nothing(const Penalty&) { co_return Status(); }

// Refuses the log, and says with the answer about the plan that no request is left for a minute.
class CountingPortal final : public HttpClient {
 public:
  explicit CountingPortal(Clock& clock) : clock_(clock) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    HttpResponse response;
    const bool plan = request.url.find("get_tenant_subscription") != std::string::npos;
    response.status = plan ? 200 : 403;
    response.body = plan ? "{\"subscription\":\"TEAM\"}" : "{\"error\":\"no\"}";
    const WallTime reset = clock_.now() + std::chrono::seconds(60);
    if (plan) response.headers = {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", std::to_string(to_micros(reset) / 1'000'000)}};
    co_return response;
  }

 private:
  Clock& clock_;
};

class PortalSessionTest : public testing::Test {
 protected:
  PortalSessionTest() {
    Result<Profile> loaded = builtin_profile("apptego");
    source_.name = "acme";
    source_.profile = std::move(loaded).value();
    source_.base_url = "http://127.0.0.1/frontend";
    source_.tenant = sandbox_tenant;
    source_.credentials["token_key"] = Secret(sandbox_token_key);
    source_.credentials["token_secret"] = Secret(sandbox_token_secret);
    stream_.profile = source_.profile.streams.at("audit");
    stream_.name = "audit";
  }
  Task<void> ask(PortalSession& session, Answer& answer) {
    PageRequest request;
    answer = co_await session.ask(std::move(request), 1, false);
  }

  TestLoop loop_;
  RecordingLog log_;
  LimitingPortal portal_;
  Random random_{1};
  RequestBudget budget_{loop_.clock(), 60};
  SourceSettings source_;
  StreamSettings stream_;
};

TEST_F(PortalSessionTest, ALineAboutAnAnswerNamesTheVendorsIdOfTheRequest) {
  PortalSession session(PortalWorld{loop_.clock(), log_, portal_, budget_, random_, keep_nothing, "key"}, source_, stream_);
  Answer answer;
  loop_.run(ask(session, answer));
  EXPECT_EQ(answer.kind, AnswerKind::limited);
  ASSERT_EQ(log_.count("; waiting 7s"), 1u) << log_.text();
  EXPECT_NE(log_.text().find(" source=acme stream=audit request_id=4711-abc\n"), std::string::npos) << log_.text();
}

TEST_F(PortalSessionTest, TheQuestionForThePlanCountsTowardsThePortalsLimitToo) {
  CountingPortal counting(loop_.clock());
  PortalSession session(PortalWorld{loop_.clock(), log_, counting, budget_, random_, keep_nothing, "key"}, source_, stream_);
  Answer answer;
  loop_.run(ask(session, answer));
  EXPECT_NE(answer.message.find("is on TEAM"), std::string::npos) << answer.message;
  const SteadyTime before = loop_.clock().steady_now();
  loop_.run(ask(session, answer));
  EXPECT_GE(loop_.clock().steady_now() - before, Duration(std::chrono::seconds(59)));
}

TEST(LogFields, EveryLineOfAPollerNamesItsSourceAndStream) {
  PortalOptions options;
  options.streams[SandboxLog::audit].rate_per_second = 0.5;
  options.streams[SandboxLog::audit].history = std::chrono::hours(3);
  PollerFixture fixture(options);
  Faults faults;
  for (const FaultKind kind : {FaultKind::malformed, FaultKind::invalid_utf8, FaultKind::cut}) {
    RandomFault sometimes;
    sometimes.rate = 0.2;
    sometimes.fault.kind = kind;
    faults.random.push_back(sometimes);
  }
  fixture.portal_.set_faults(faults);
  fixture.run_for(std::chrono::hours(1));
  EXPECT_GT(fixture.log_.lines.size(), 5u);
  EXPECT_EQ(fixture.log_.first_without("source"), "");
  EXPECT_EQ(fixture.log_.first_without("stream"), "");
}

}  // namespace
}  // namespace auditferry
