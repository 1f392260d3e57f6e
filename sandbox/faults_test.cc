#include "sandbox/faults.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

TEST(Faults, AreReadFromJson) {
  const Result<Faults> faults = parse_faults(
      R"({"seed":9,"script":[{"target":"audit","skip":2,"times":3,"kind":"rate_limited","status":429,"retry_after":"7","penalty_seconds":7,)"
      R"("headers":{"X-A":"b"},"body":"{}","delay_ms":5}],"random":[{"rate":0.5,"kind":"cut","bytes":10}]})");
  ASSERT_TRUE(faults.ok()) << faults.error().message;
  ASSERT_EQ(faults->script.size(), 1u);
  EXPECT_EQ(faults->script[0].skip, 2u);
  EXPECT_EQ(faults->script[0].fault.penalty, std::chrono::seconds(7));
  EXPECT_EQ(faults->script[0].fault.headers.at(0).value, "b");
  ASSERT_EQ(faults->random.size(), 1u);
  EXPECT_EQ(faults->random[0].fault.kind, FaultKind::cut);
  EXPECT_EQ(faults->random[0].fault.bytes, 10u);
  for (const char* wrong :
       {"", "[]", "{", R"({"script":{}})", R"({"script":[1]})", R"({"script":[{"kind":"none"}]})",
        R"({"script":[{"what":1}]})", R"({"else":1})", R"({"script":[{"headers":{"a":1}}]})"}) {
    EXPECT_FALSE(parse_faults(wrong).ok()) << wrong;
  }
}

TEST(Faults, EveryKindHasAName) {
  for (int kind = 0; kind <= static_cast<int>(FaultKind::expire_cursors); ++kind) {
    const Result<FaultKind> read = parse_fault_kind(to_string(static_cast<FaultKind>(kind)));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(static_cast<int>(*read), kind);
  }
}

TEST(FaultPlan, ScriptCountsTheRequestsOfItsTarget) {
  FaultPlan plan;
  plan.add({"audit", 2, 1, status_fault(500)});
  plan.add({"", 0, 1, status_fault(502)});
  EXPECT_EQ(plan.next("audit", "/a")->status, 502);
  EXPECT_FALSE(plan.next("device", "/d"));
  EXPECT_FALSE(plan.next("audit", "/a"));
  EXPECT_EQ(plan.next("audit", "/a")->status, 500);
  EXPECT_FALSE(plan.next("audit", "/a"));
}

TEST(FaultPlan, ChanceFollowsTheSeed) {
  Faults faults;
  faults.random.push_back({"audit", 0.3, status_fault(500)});
  FaultPlan a;
  FaultPlan b;
  a.set(faults);
  b.set(faults);
  int struck = 0;
  for (int i = 0; i < 1'000; ++i) {
    const bool strikes = a.next("audit", "/").has_value();
    EXPECT_EQ(strikes, b.next("audit", "/").has_value());
    struck += strikes ? 1 : 0;
  }
  EXPECT_GT(struck, 230);
  EXPECT_LT(struck, 370);
}

}  // namespace
}  // namespace auditferry
