#include "sources/recent_maximum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace auditferry {
namespace {

TEST(RecentMaximum, IsTheMaximumOfTheLastOnes) {
  std::mt19937 random(20251123);
  for (const std::size_t window : {1u, 3u, 10u, 100u}) {
    RecentMaximum recent;
    std::vector<WallTime> all;
    EXPECT_FALSE(recent.maximum());
    for (int i = 0; i < 1000; ++i) {
      all.push_back(WallTime(Duration(random() % 50)));
      recent.note(all.back(), window);
      const auto begin = all.size() > window ? all.end() - static_cast<std::ptrdiff_t>(window) : all.begin();
      ASSERT_EQ(recent.maximum(), *std::max_element(begin, all.end())) << "window " << window << ", number " << i;
      ASSERT_EQ(recent.noted(), all.size());
    }
    recent.clear();
    EXPECT_FALSE(recent.maximum());
    EXPECT_EQ(recent.noted(), 0u);
  }
}

}  // namespace
}  // namespace auditferry
