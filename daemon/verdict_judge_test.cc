#include "daemon/verdict_judge.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

using Indices = std::vector<std::size_t>;

WriteOutcome outcome(Verdict verdict, std::string reason, std::vector<RecordOutcome> records = {}) {
  WriteOutcome made;
  made.verdict = verdict;
  made.reason = std::move(reason);
  made.records = std::move(records);
  return made;
}

TEST(Judge, DeliveredButOneThatIsNamed) {
  const Judgement judgement = judge(4, outcome(Verdict::delivered, "", {{2, Verdict::poison, "mapping"}}));
  EXPECT_EQ(judgement.delivered, 3u);
  ASSERT_EQ(judgement.refused.size(), 1u);
  EXPECT_EQ(judgement.refused[0].index, 2u);
  EXPECT_EQ(judgement.refused[0].reason, "mapping");
  EXPECT_EQ(judgement.trouble, Verdict::delivered);
}

TEST(Judge, AMixtureSortsEveryRecordOnce) {
  const Judgement judgement =
      judge(6, outcome(Verdict::retry, "busy",
                       {{0, Verdict::delivered, ""}, {1, Verdict::poison, "bad"}, {3, Verdict::pause, "no index"}, {5, Verdict::delivered, ""}}));
  EXPECT_EQ(judgement.delivered, 2u);
  EXPECT_EQ(judgement.refused.size(), 1u);
  EXPECT_EQ(judgement.again, (Indices{2, 3, 4}));
  EXPECT_EQ(judgement.trouble, Verdict::pause) << "an operator must act: that weighs more";
  EXPECT_EQ(judgement.reason, "no index");
}

TEST(Judge, AWholeRefusalIsHalvedButForASingleRecord) {
  const Judgement many = judge(3, outcome(Verdict::refused, "413"));
  EXPECT_EQ(many.unnamed, (Indices{0, 1, 2}));
  EXPECT_FALSE(many.group);
  EXPECT_EQ(halve(many.unnamed), std::make_pair(Indices{0, 1}, Indices{2}));
  const Judgement one = judge(1, outcome(Verdict::refused, "413"));
  EXPECT_TRUE(one.unnamed.empty());
  EXPECT_EQ(one.refused.at(0).reason, "413");
}

TEST(Judge, PoisonWithoutANameIsAGroup) {
  const Judgement judgement = judge(5, outcome(Verdict::poison, "2 records were rejected"));
  EXPECT_TRUE(judgement.group);
  EXPECT_EQ(judgement.unnamed.size(), 5u);
  EXPECT_EQ(judgement.delivered, 0u);
}

TEST(Judge, RecordsThatWereNotThereAreNotListenedTo) {
  const Judgement judgement = judge(2, outcome(Verdict::delivered, "", {{2, Verdict::poison, "?"}, {99, Verdict::retry, "?"}}));
  EXPECT_EQ(judgement.delivered, 2u);
  EXPECT_TRUE(judgement.refused.empty());
  EXPECT_EQ(judgement.trouble, Verdict::delivered);
}

}  // namespace
}  // namespace auditferry
