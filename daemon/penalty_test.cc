// Requests inside a penalty: there must be none, of any stream that shares the credential, in whatever words the
// portal has said "wait", and also across a restart.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/keep_wait.h"
#include "daemon/portal_session.h"
#include "daemon/program.h"
#include "sandbox/portal.h"
#include "sandbox/portal_client.h"
#include "sources/profile.h"
#include "storage/state_dir.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/no_network.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

constexpr Duration longest = std::chrono::hours(2);  // max_retry_after

// When requests left, and when an answer said wait.
struct Traffic {
  std::vector<SteadyTime> sent;
  std::optional<SteadyTime> limited;
};

class WatchedClient final : public HttpClient {
 public:
  WatchedClient(Portal& portal, Clock& clock, Traffic& traffic) : clock_(clock), client_(portal, clock), traffic_(traffic) {
    client_.set_latency(std::chrono::milliseconds(300));
  }
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    traffic_.sent.push_back(clock_.steady_now());
    Result<HttpResponse> response = co_await client_.send(std::move(request));
    if (response.ok() && response->body.find("rate limit") != std::string::npos && !traffic_.limited) traffic_.limited = clock_.steady_now();
    co_return response;
  }

 private:
  Clock& clock_;
  PortalHttpClient client_;
  Traffic& traffic_;
};

// The whole program: two sources with one credential, two streams each.
class PenaltyRig {
 public:
  PenaltyRig() : portal_({}, [this] { return loop_.clock().now(); }) {
    for (const char* tenant : {sandbox_tenant, sandbox_second_tenant}) {
      portal_.set_plan(tenant, "ENTERPRISE");
      SourceSettings source;
      source.name = tenant == sandbox_tenant ? "one" : "two";
      source.profile = builtin_profile("apptego").value();
      source.profile.rate_limit.limited_header = "X-RateLimit-Remaining";
      source.profile.rate_limit.limited_value = "0";
      source.base_url = "http://127.0.0.1/frontend";
      source.tenant = tenant;
      source.credentials["token_key"] = Secret(sandbox_token_key);
      source.credentials["token_secret"] = Secret(sandbox_token_secret);
      source.requests_per_minute = 600;
      source.max_retry_after = longest;
      for (const char* name : {"audit", "device"}) {
        portal_.make(name, 5, loop_.clock().now() - std::chrono::hours(1), loop_.clock().now(), 0, tenant);
        StreamSettings stream;
        stream.name = name;
        stream.profile = source.profile.streams.at(name);
        stream.poll_every = std::chrono::seconds(1);
        source.streams.push_back(stream);
      }
      settings_.sources.push_back(std::move(source));
    }
    settings_.journal.min_free = 1;
    settings_.daemon.state_dir = folder_.path();
  }
  ~PenaltyRig() { end(); }

  void begin() {
    Surroundings surroundings{loop_.executor(), loop_.clock(), log_,  random_, files_, network_, network_, loop_.blocking(),
                              [this] { return std::make_unique<LoopExecutor>(loop_.executor()); },
                              [this](const PeerSettings&) { return std::make_unique<WatchedClient>(portal_, loop_.clock(), traffic_); }};
    program_ = std::make_unique<Program>(std::move(surroundings), settings_, RunOptions());
    const Status opened = program_->open(folder_ / "journal.db");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    program_->start();
  }
  void end() {
    if (!program_) return;
    loop_.run(program_->end());
    program_.reset();
  }
  // Lets the portal refuse one request with these words, and the program meet it.
  void be_refused(int status, const std::string& retry_after) {
    Fault fault;
    fault.kind = FaultKind::rate_limited;
    fault.status = status;
    fault.retry_after = retry_after;
    if (status == 403) fault.headers.push_back({"X-RateLimit-Remaining", "0"});
    portal_.add_fault({"", 0, 1, fault});
    traffic_.limited.reset();
    for (int i = 0; i < 200 && !traffic_.limited; ++i) loop_.run_until_idle(std::chrono::milliseconds(50));
    ASSERT_TRUE(traffic_.limited.has_value()) << "no request has met the limit";
  }
  // What the program itself has noted down: how long it means to wait, from the refusal on.
  Duration intended() {
    std::optional<Penalty> found;
    loop_.run(look(*program_, loop_.clock().now(), found));
    if (!found) return Duration::zero();
    return found->until - loop_.clock().now() + (loop_.clock().steady_now() - *traffic_.limited);
  }
  // Requests that left after the refusal and before `wait` was over.
  std::size_t requests_within(Duration wait) const {
    std::size_t count = 0;
    for (const SteadyTime at : traffic_.sent) count += at > *traffic_.limited && at < *traffic_.limited + wait ? 1 : 0;
    return count;
  }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  RecordingLog log_;
  Random random_{11};
  FaultyFileSystem files_;
  NoNetwork network_;
  Portal portal_;
  Traffic traffic_;
  Settings settings_;
  std::unique_ptr<Program> program_;

 private:
  static Task<void> look(Program& program, WallTime now, std::optional<Penalty>& found) {
    auto job = [now](Journal& journal) { return journal.penalties(now); };
    const Result<std::vector<Penalty>> penalties = co_await program.storage().run(job);
    if (penalties.ok() && !penalties->empty()) found = penalties->front();
  }
};

struct Words {
  const char* name;
  int status;
  const char* retry_after;
  std::optional<std::chrono::seconds> wait;  // nothing: no hint, so the program chooses
};

class PenaltyTest : public testing::TestWithParam<Words> {};

TEST_P(PenaltyTest, NoStreamOfTheCredentialAsksBeforeItIsOver) {
  const Words& words = GetParam();
  PenaltyRig rig;
  rig.begin();
  rig.loop_.run_until_idle(std::chrono::seconds(20));
  const std::size_t before = rig.traffic_.sent.size();
  ASSERT_GT(before, 20u) << "four streams poll every second";
  rig.be_refused(words.status, words.retry_after);
  const Duration intended = rig.intended();
  if (words.wait) {
    // HTTP dates have whole seconds.
    EXPECT_GE(intended, *words.wait - std::chrono::milliseconds(1100));
    EXPECT_LE(intended, *words.wait + std::chrono::milliseconds(1100));
  } else {
    EXPECT_GE(intended, Duration::zero());
    EXPECT_LE(intended, std::chrono::minutes(5));
  }
  rig.loop_.run_until_idle(intended + std::chrono::seconds(30));
  EXPECT_EQ(rig.requests_within(intended), 0u);
  EXPECT_GT(rig.requests_within(intended + std::chrono::seconds(30)), 4u) << "polling goes on afterwards";
}

TEST_P(PenaltyTest, ARestartObeysItToo) {
  const Words& words = GetParam();
  PenaltyRig rig;
  rig.begin();
  rig.loop_.run_until_idle(std::chrono::seconds(20));
  rig.be_refused(words.status, words.retry_after);
  const Duration intended = rig.intended();
  rig.end();
  rig.begin();
  rig.loop_.run_until_idle(intended + std::chrono::seconds(30));
  EXPECT_EQ(rig.requests_within(intended), 0u);
  EXPECT_GT(rig.requests_within(intended + std::chrono::seconds(30)), 4u);
}

INSTANTIATE_TEST_SUITE_P(EveryWayToSayWait, PenaltyTest,
                         testing::Values(Words{"Seconds", 429, "37", std::chrono::seconds(37)},
                                         Words{"SecondsOf503", 503, "37", std::chrono::seconds(37)},
                                         Words{"OneSecond", 429, "1", std::chrono::seconds(1)},
                                         Words{"Date", 429, "date:90", std::chrono::seconds(90)},
                                         Words{"DateInThePast", 429, "date:-90", std::nullopt},
                                         Words{"Zero", 429, "0", std::nullopt},
                                         Words{"Missing", 429, "", std::nullopt},
                                         Words{"Negative", 429, "-5", std::nullopt},
                                         Words{"NoNumber", 429, "soon", std::nullopt},
                                         Words{"TooLong", 429, "86400000", std::chrono::duration_cast<std::chrono::seconds>(longest)},
                                         Words{"BeyondAllNumbers", 429, "99999999999999999999999", std::chrono::duration_cast<std::chrono::seconds>(longest)},
                                         Words{"DateInTheFarFuture", 429, "Fri, 31 Dec 9999 23:59:59 GMT", std::chrono::duration_cast<std::chrono::seconds>(longest)},
                                         Words{"Status403", 403, "45", std::chrono::seconds(45)}),
                         [](const auto& made) { return std::string(made.param.name); });

// The question for the tenant's plan, which follows a 403, is a request like any other.
TEST(PenaltyOfThePlanProbe, HoldsEveryStream) {
  for (const int status : {429, 503}) {
    PenaltyRig rig;
    rig.begin();
    rig.loop_.run_until_idle(std::chrono::seconds(20));
    Fault limit;
    limit.kind = FaultKind::status;
    limit.status = status;
    limit.retry_after = "60";
    limit.body = "{\"error\":\"rate limit exceeded\"}";
    rig.portal_.add_fault({"/frontend/get_tenant_subscription", 0, 1, limit});
    rig.portal_.add_fault({"audit", 0, 1, status_fault(403)});
    rig.traffic_.limited.reset();
    for (int i = 0; i < 200 && !rig.traffic_.limited; ++i) rig.loop_.run_until_idle(std::chrono::milliseconds(50));
    ASSERT_TRUE(rig.traffic_.limited.has_value()) << "no probe has met the limit";
    rig.loop_.run_until_idle(std::chrono::seconds(90));
    EXPECT_EQ(rig.requests_within(std::chrono::seconds(60)), 0u) << status;
    EXPECT_GT(rig.requests_within(std::chrono::seconds(90)), 4u) << "polling goes on afterwards";
    // It is counted, too.
    std::uint64_t counted = 0;
    for (const auto& source : rig.program_->sources()) {
      for (const auto& poller : source->pollers()) {
        const std::map<int, std::uint64_t> requests = poller->status().session.requests_by_status;
        if (requests.count(status) > 0) counted += requests.at(status);
      }
    }
    EXPECT_EQ(counted, 1u);
  }
}

TEST(PenaltyMetByACommand, HoldsADaemonThatRuns) {
  PenaltyRig rig;
  const StateDir held = StateDir::acquire(rig.folder_.path()).value();
  rig.begin();
  rig.loop_.run_until_idle(std::chrono::seconds(20));
  const WallTime now = rig.loop_.clock().now();
  const Penalty penalty{"127.0.0.1", credential_key(rig.settings_.sources.front()), now + std::chrono::seconds(60), "told to check --online"};
  ASSERT_TRUE(keep_wait(rig.folder_.path(), penalty, now).ok());
  rig.loop_.run_until_idle(std::chrono::seconds(2));  // the daemon looks every second
  rig.traffic_.limited = rig.loop_.clock().steady_now();
  rig.loop_.run_until_idle(std::chrono::seconds(70));
  EXPECT_EQ(rig.requests_within(std::chrono::seconds(57)), 0u);
  EXPECT_GT(rig.requests_within(std::chrono::seconds(70)), 4u) << "polling goes on afterwards";
}

TEST(PenaltyBeyondTheLimit, IsToldWithThePortalsWords) {
  PenaltyRig rig;
  rig.begin();
  rig.loop_.run_until_idle(std::chrono::seconds(5));
  rig.be_refused(429, "86400000");
  EXPECT_EQ(rig.log_.count("Retry-After: 86400000", LogLevel::error), 1u);
}

}  // namespace
}  // namespace auditferry
