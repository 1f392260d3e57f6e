#include "storage/lateness.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Lateness, AStepIsATenthWide) {
  EXPECT_EQ(lateness_step(seconds(-5)), 0);
  EXPECT_EQ(lateness_step(seconds(1)), 0);
  EXPECT_EQ(lateness_step(milliseconds(1001)), 1);
  for (int step = 0; step < 200; ++step) {
    EXPECT_EQ(lateness_step(longest_of_step(step)), step);
    EXPECT_EQ(lateness_step(longest_of_step(step) + longest_of_step(step) / 1000), step + 1);
  }
}

TEST(Lateness, QuantilesAreRightToATenth) {
  EXPECT_FALSE(lateness_quantile({}, 0.5));
  std::map<int, std::uint64_t> counts;
  for (int i = 0; i < 98; ++i) ++counts[lateness_step(seconds(60))];
  for (int i = 0; i < 2; ++i) ++counts[lateness_step(hours(24))];
  const Duration half = lateness_quantile(counts, 0.5).value();
  EXPECT_GE(half, seconds(60));
  EXPECT_LE(half, seconds(66));
  EXPECT_EQ(lateness_quantile(counts, 0.98), half);
  const Duration most = lateness_quantile(counts, 0.99).value();
  EXPECT_GE(most, hours(24));
  EXPECT_LE(most, hours(27));
}

}  // namespace
}  // namespace auditferry
