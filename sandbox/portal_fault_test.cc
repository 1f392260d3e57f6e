// Faults as a client in memory meets them, under virtual time.
#include <gtest/gtest.h>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "sandbox/portal_client.h"
#include "tests/support/portal_fixture.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

class PortalFaults : public testing::Test {
 protected:
  PortalFaults() : portal_({}, [this] { return loop_.clock().now(); }), client_(portal_, loop_.clock()) {
    portal_.make("audit", 20, loop_.clock().now() - 1h, loop_.clock().now());
  }

  Result<HttpResponse> ask(std::uint64_t max_body_bytes = 32u << 20) {
    std::optional<Result<HttpResponse>> result;
    loop_.run(ask_into(max_body_bytes, result));
    return std::move(*result);
  }
  Task<void> ask_into(std::uint64_t max_body_bytes, std::optional<Result<HttpResponse>>& result) {
    HttpRequest request;
    request.method = "POST";
    request.url = "https://portal.example.com/frontend/audit_logs";
    request.headers = {{"Authorization", "Bearer " + PortalFixture::good_token()},
                       {"tenant", sandbox_tenant}};
    request.body = "{}";
    request.max_body_bytes = max_body_bytes;
    result.emplace(co_await client_.send(std::move(request)));
  }
  Result<HttpResponse> ask_with(FaultKind kind, std::uint64_t bytes = 0) {
    Fault fault;
    fault.kind = kind;
    fault.bytes = bytes;
    portal_.add_fault({"audit", 0, 1, fault});
    return ask();
  }
  void expect_error(FaultKind kind, ErrorKind expected, std::uint64_t bytes = 0) {
    const Result<HttpResponse> result = ask_with(kind, bytes);
    ASSERT_FALSE(result.ok()) << to_string(kind);
    EXPECT_EQ(to_string(result.error().kind), std::string(to_string(expected))) << result.error().message;
    EXPECT_TRUE(ask().ok()) << "the fault is over";
  }

  TestLoop loop_;
  Portal portal_;
  PortalHttpClient client_;
};

TEST_F(PortalFaults, NoneWithoutOrder) {
  const Result<HttpResponse> result = ask();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(scan_json(result->body).ok());
}

TEST_F(PortalFaults, Statuses) {
  for (const int status : {400, 401, 403, 404, 408, 500, 502, 503}) {
    portal_.add_fault({"audit", 0, 1, status_fault(status)});
    const Result<HttpResponse> result = ask();
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->status, status);
  }
}

TEST_F(PortalFaults, APenaltyIsEnforcedAndCounted) {
  portal_.add_fault({"audit", 2, 1, rate_limit_fault(7s)});
  EXPECT_EQ(ask()->status, 200);
  EXPECT_EQ(ask()->status, 200);
  const Result<HttpResponse> limited = ask();
  EXPECT_EQ(limited->status, 429);
  EXPECT_EQ(limited->header("retry-after"), "7");
  EXPECT_EQ(portal_.stats().during_penalty, 0u);
  loop_.run_until_idle(3s);
  const Result<HttpResponse> again = ask();
  EXPECT_EQ(again->status, 429);
  EXPECT_EQ(again->header("retry-after"), "4");
  EXPECT_EQ(portal_.stats().during_penalty, 1u);
  loop_.run_until_idle(4s);
  EXPECT_EQ(ask()->status, 200);
  EXPECT_EQ(portal_.stats().during_penalty, 1u);
}

TEST_F(PortalFaults, RetryAfterInEveryForm) {
  const auto header = [this](const std::string& retry_after) {
    Fault fault = rate_limit_fault(1s);
    fault.penalty = 0s;
    fault.retry_after = retry_after;
    portal_.add_fault({"audit", 0, 1, fault});
    return std::string(ask()->header("Retry-After").value_or("absent"));
  };
  EXPECT_EQ(header(""), "absent");
  EXPECT_EQ(header("-5"), "-5");
  EXPECT_EQ(header("99999999999999999999"), "99999999999999999999");
  EXPECT_EQ(header("soon"), "soon");
  EXPECT_EQ(header("date:7"), "Sun, 23 Nov 2025 10:00:07 GMT");
}

TEST_F(PortalFaults, BodiesThatAreNotPages) {
  EXPECT_EQ(JsonView(ask_with(FaultKind::success_false)->body).find("success")->as_bool(), false);
  EXPECT_TRUE(ask_with(FaultKind::html)->body.starts_with("<!DOCTYPE"));
  EXPECT_EQ(ask_with(FaultKind::empty_body)->body, "");
  EXPECT_FALSE(scan_json(ask_with(FaultKind::truncated)->body).ok());
  EXPECT_FALSE(scan_json(ask_with(FaultKind::malformed)->body).ok());
  EXPECT_FALSE(scan_json(ask_with(FaultKind::deep_nesting)->body).ok());
  for (const FaultKind kind : {FaultKind::invalid_utf8, FaultKind::control_character}) {
    const Result<ScannedJson> scanned = scan_json(ask_with(kind)->body);
    ASSERT_TRUE(scanned.ok());
    EXPECT_FALSE(scanned->repairs.empty()) << to_string(kind);
  }
}

TEST_F(PortalFaults, AnEchoRepeatsWhatWasSent) {
  const std::string secret = sandbox_token_secret;
  const Result<HttpResponse> answer = ask_with(FaultKind::echo);
  EXPECT_NE(answer->body.find(std::string(sandbox_token_key) + ":" + secret), std::string::npos) << answer->body;
  EXPECT_NE(answer->body.find("(Bearer "), std::string::npos);
  EXPECT_TRUE(answer->header("X-Request-Id")->starts_with("Bearer "));
}

TEST_F(PortalFaults, ConnectionsThatBreak) {
  expect_error(FaultKind::cut, ErrorKind::connect);
  expect_error(FaultKind::cut, ErrorKind::connect, 1);
  expect_error(FaultKind::cut, ErrorKind::connect, 1u << 30);
  expect_error(FaultKind::reset, ErrorKind::connect);
  expect_error(FaultKind::half_close, ErrorKind::connect);
  expect_error(FaultKind::refuse, ErrorKind::connect);
  expect_error(FaultKind::hang, ErrorKind::timeout);
  expect_error(FaultKind::trickle, ErrorKind::timeout, 1);
  expect_error(FaultKind::huge_body, ErrorKind::too_large);
  EXPECT_GE(loop_.clock().slept(), 120s);
}

TEST_F(PortalFaults, SlowAnswersTakeTheirTime) {
  Fault fault;
  fault.kind = FaultKind::delay;
  fault.delay = 5s;
  portal_.add_fault({"audit", 0, 1, fault});
  EXPECT_TRUE(ask().ok());
  EXPECT_EQ(loop_.clock().slept(), 5s);
  EXPECT_TRUE(ask_with(FaultKind::trickle, 1'000).ok());
  EXPECT_GT(loop_.clock().slept(), 7s);
  client_.set_latency(1s);
  const Duration before = loop_.clock().slept();
  EXPECT_TRUE(ask().ok());
  EXPECT_EQ(loop_.clock().slept() - before, 1s);
}

TEST_F(PortalFaults, CodedAnswersAreDecodedWithinTheLimit) {
  const std::string plain = ask()->body;
  EXPECT_EQ(ask_with(FaultKind::gzip)->body, plain);
  EXPECT_EQ(ask_with(FaultKind::deflate)->body, plain);
  const Result<HttpResponse> small = ask(100);
  ASSERT_FALSE(small.ok());
  EXPECT_EQ(small.error().kind, ErrorKind::too_large);
}

TEST_F(PortalFaults, AHugeBodyEndsInThePage) {
  Fault fault;
  fault.kind = FaultKind::huge_body;
  fault.bytes = 1u << 20;
  portal_.add_fault({"audit", 0, 1, fault});
  const Result<HttpResponse> result = ask();
  ASSERT_TRUE(result.ok());
  EXPECT_GT(result->body.size(), 1u << 20);
  EXPECT_TRUE(scan_json(result->body).ok());
}

TEST_F(PortalFaults, UnreachableMeansTheRequestIsNotSeen) {
  client_.set_unreachable(true);
  const Result<HttpResponse> result = ask();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::connect);
  EXPECT_EQ(portal_.stats().requests, 0u);
}

TEST(PortalRateLimit, CountsDownAndRefuses) {
  PortalOptions options;
  options.rate_limit.requests = 2;
  options.rate_limit.window = 10s;
  options.rate_limit.reset_as_epoch = false;
  PortalFixture fixture(options);
  EXPECT_EQ(fixture.header(fixture.call("GET", "/frontend/get_tenants", ""), "X-RateLimit-Remaining"), "1");
  EXPECT_EQ(fixture.call("GET", "/frontend/get_tenants", "").status, 200);
  fixture.pass(4s);
  const PortalAnswer refused = fixture.call("GET", "/frontend/get_tenants", "");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(fixture.header(refused, "X-RateLimit-Reset"), "6");
  EXPECT_EQ(fixture.header(refused, "Retry-After"), "6");
  EXPECT_EQ(fixture.portal().stats().during_penalty, 0u);
  fixture.call("GET", "/frontend/get_tenants", "");
  EXPECT_EQ(fixture.portal().stats().during_penalty, 1u);
  fixture.pass(6s);
  EXPECT_EQ(fixture.call("GET", "/frontend/get_tenants", "").status, 200);
}

}  // namespace
}  // namespace auditferry
