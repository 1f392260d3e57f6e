#include "net/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace auditferry {
namespace {

TEST(ThreadExecutor, OneThreadKeepsTheOrderAndEverythingRuns) {
  std::vector<int> order;
  {
    ThreadExecutor executor;
    for (int i = 0; i < 100; ++i) executor.post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadExecutor, SeveralThreadsDoNotWaitForEachOther) {
  std::atomic<int> met = 0;
  {
    ThreadExecutor executor(2);
    for (int i = 0; i < 2; ++i) {
      executor.post([&met] {
        ++met;
        while (met < 2) std::this_thread::yield();
      });
    }
  }
  EXPECT_EQ(met, 2);
}

}  // namespace
}  // namespace auditferry
