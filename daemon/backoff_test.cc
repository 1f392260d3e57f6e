#include "daemon/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace auditferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Duration longest_of(const std::vector<Duration>& waits) { return *std::max_element(waits.begin(), waits.end()); }

// The waits of the nth try, of many that begin anew.
std::vector<Duration> waits_of(int nth) {
  Random random(1);
  Backoff backoff(random, seconds(1), minutes(5));
  std::vector<Duration> waits;
  for (int round = 0; round < 2000; ++round) {
    backoff.reset();
    for (int i = 1; i < nth; ++i) backoff.next();
    waits.push_back(backoff.next());
  }
  return waits;
}

TEST(Backoff, DoublesWithFullJitterUpToTheCap) {
  for (int nth = 1; nth <= 12; ++nth) {
    const Duration limit = std::min(Duration(minutes(5)), Duration(seconds(1 << (nth - 1))));
    const std::vector<Duration> waits = waits_of(nth);
    EXPECT_LE(longest_of(waits), limit) << nth;
    EXPECT_GT(longest_of(waits), limit * 9 / 10) << nth;
    // Full: a tenth of them is shorter than a tenth of the limit.
    const auto shorter = std::count_if(waits.begin(), waits.end(), [limit](Duration wait) { return wait <= limit / 10; });
    EXPECT_GT(shorter, 130) << nth;
    EXPECT_LT(shorter, 270) << nth;
  }
}

TEST(Backoff, IsNeverShorterThanATenthOfASecond) {
  for (const Duration wait : waits_of(1)) EXPECT_GE(wait, Duration(milliseconds(100)));
}

TEST(Backoff, StaysAtTheCapHoweverOftenItIsAsked) {
  Random random(2);
  Backoff backoff(random, seconds(1), minutes(5));
  std::vector<Duration> waits;
  for (int i = 0; i < 300; ++i) waits.push_back(backoff.next());
  EXPECT_EQ(backoff.tries(), 300);
  EXPECT_LE(longest_of(waits), Duration(minutes(5)));
  waits.erase(waits.begin(), waits.begin() + 100);
  EXPECT_GT(longest_of(waits), Duration(minutes(4)));
}

TEST(Backoff, BeginsAnewAfterAReset) {
  Random random(3);
  Backoff backoff(random, seconds(1), minutes(5));
  for (int i = 0; i < 10; ++i) backoff.next();
  backoff.reset();
  EXPECT_EQ(backoff.tries(), 0);
  EXPECT_LE(backoff.next(), Duration(seconds(1)));
}

}  // namespace
}  // namespace auditferry
