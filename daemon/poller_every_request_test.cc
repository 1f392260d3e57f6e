// Every request of a first start goes wrong once, in every way: in the end everything has come, and nothing is
// missing in silence. The requests are those that look for the beginning, prove the range, walk or follow, and ask
// for the tenant's plan.

#include <gtest/gtest.h>

#include "daemon/poller_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Fault fault_once(FaultKind kind) {
  Fault fault;
  fault.kind = kind;
  fault.delay = kind == FaultKind::delay ? Duration(seconds(40)) : Duration();
  fault.bytes = kind == FaultKind::huge_body ? 40u << 20 : 0;
  return fault;
}

const std::vector<Fault>& every_fault() {
  static const std::vector<Fault> faults = [] {
    std::vector<Fault> made;
    for (const int status : {400, 401, 403, 404, 408, 410, 500, 503}) made.push_back(status_fault(status));
    made.push_back(rate_limit_fault(seconds(7)));
    for (const FaultKind kind : {FaultKind::success_false, FaultKind::html, FaultKind::empty_body, FaultKind::truncated, FaultKind::cut,
                                 FaultKind::reset, FaultKind::half_close, FaultKind::refuse, FaultKind::malformed, FaultKind::deep_nesting,
                                 FaultKind::huge_body, FaultKind::delay, FaultKind::hang, FaultKind::gzip, FaultKind::deflate,
                                 FaultKind::expire_cursors}) {
      made.push_back(fault_once(kind));
    }
    return made;
  }();
  return faults;
}

std::string words_for(const Fault& fault) {
  return std::string(to_string(fault.kind)) + (fault.kind == FaultKind::status ? " " + std::to_string(fault.status) : "");
}

// About so many.
void make_five_pages(PollerFixture& fixture) {
  fixture.stream_.profile.page_size = 20;
  fixture.stream_.poll_every = minutes(10);
  fixture.stream_.start = {StartSetting::Kind::oldest, {}, {}};
  const WallTime now = fixture.loop_.clock().now();
  fixture.portal_.make(fixture.log_name_, 90, now - minutes(90), now - minutes(1));
}

void expect_all(PollerFixture& fixture, const std::string& what) {
  fixture.run_for(minutes(15));
  EXPECT_EQ(fixture.ids(), fixture.portal_ids()) << what;
  EXPECT_EQ(fixture.gaps(), std::vector<std::string>()) << what;
  EXPECT_TRUE(fixture.poller_->status().up) << what << ": " << fixture.poller_->status().problem;
}

class EveryRequest : public testing::TestWithParam<const char*> {};

TEST_P(EveryRequest, MayFailOnceInEveryWay) {
  std::uint64_t requests = 0;
  {
    PollerFixture fixture({}, GetParam());
    make_five_pages(fixture);
    fixture.run_for(seconds(30));
    requests = fixture.requests();
    expect_all(fixture, "no fault");
  }
  ASSERT_GE(requests, 6u);
  ASSERT_LT(requests, 40u);
  std::uint64_t first = 0;
  for (const Fault& fault : every_fault()) {
    // Under sanitizers every sixth request, another one for the next fault.
    const std::uint64_t stride = rounds(1, 6);
    for (std::uint64_t skip = first++ % stride; skip < requests; skip += stride) {
      PollerFixture fixture({}, GetParam());
      make_five_pages(fixture);
      fixture.portal_.add_fault({"", skip, 1, fault});
      expect_all(fixture, words_for(fault) + " after " + std::to_string(skip) + " requests");
      EXPECT_EQ(fixture.portal_.stats().faults.size(), 1u) << "the fault was not met";
      EXPECT_EQ(fixture.portal_.stats().during_penalty, 0u);
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, EveryRequest, testing::Values("apptego", "okta", "github"),
                         [](const auto& chosen) { return std::string(chosen.param); });

TEST(EveryPlanProbe, MayFailOnceInEveryWay) {
  for (const Fault& fault : every_fault()) {
    PollerFixture fixture;
    make_five_pages(fixture);
    fixture.portal_.add_fault({"audit", 2, 1, status_fault(403)});
    fixture.portal_.add_fault({"/frontend/get_tenant_subscription", 0, 1, fault});
    expect_all(fixture, words_for(fault));
    EXPECT_GE(fixture.portal_.stats().by_path.at("/frontend/get_tenant_subscription"), 1u);
    EXPECT_EQ(fixture.portal_.stats().during_penalty, 0u);
  }
}

}  // namespace
}  // namespace auditferry
