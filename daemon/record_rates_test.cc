#include "daemon/record_rates.h"

#include <gtest/gtest.h>

#include <numeric>

namespace auditferry {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

SteadyTime at(Duration since) { return SteadyTime(std::chrono::hours(5) + since); }

std::uint64_t sum(const RecordRates::Minutes& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

TEST(RecordRates, CountsWhatCameInEachMinute) {
  RecordRates rates;
  rates.observe(1, 1000, at(seconds(0)));  // came before: nobody knows when
  EXPECT_EQ(sum(rates.of(1, at(seconds(0)))), 0u);
  rates.observe(1, 1003, at(seconds(10)));
  rates.observe(1, 1005, at(seconds(50)));
  rates.observe(1, 1012, at(seconds(61)));
  const RecordRates::Minutes counts = rates.of(1, at(seconds(62)));
  EXPECT_EQ(counts[58], 5u);
  EXPECT_EQ(counts[59], 7u);
  EXPECT_EQ(sum(counts), 12u);
}

TEST(RecordRates, ForgetsAfterAnHour) {
  RecordRates rates;
  rates.observe(1, 0, at(minutes(0)));
  rates.observe(1, 4, at(minutes(0)));
  rates.observe(1, 4, at(minutes(59)));
  EXPECT_EQ(rates.of(1, at(minutes(59)))[0], 4u);
  EXPECT_EQ(sum(rates.of(1, at(minutes(60)))), 0u);
  rates.observe(1, 9, at(minutes(500)));
  const RecordRates::Minutes counts = rates.of(1, at(minutes(500)));
  EXPECT_EQ(counts[59], 5u);
  EXPECT_EQ(sum(counts), 5u);
}

TEST(RecordRates, StreamsAreApartAndUnknownOnesAreEmpty) {
  RecordRates rates;
  rates.observe(1, 0, at(minutes(0)));
  rates.observe(2, 0, at(minutes(0)));
  rates.observe(2, 3, at(minutes(1)));
  EXPECT_EQ(sum(rates.of(1, at(minutes(1)))), 0u);
  EXPECT_EQ(sum(rates.of(2, at(minutes(1)))), 3u);
  EXPECT_EQ(sum(rates.of(3, at(minutes(1)))), 0u);
}

TEST(RecordRates, ACounterThatGoesBackCountsNothing) {
  RecordRates rates;
  rates.observe(1, 50, at(minutes(0)));
  rates.observe(1, 10, at(minutes(1)));
  rates.observe(1, 12, at(minutes(1)));
  EXPECT_EQ(sum(rates.of(1, at(minutes(1)))), 2u);
}

TEST(RecordRates, TheNumberOfStreamsIsBounded) {
  RecordRates rates;
  for (std::int64_t stream = 0; stream < 5000; ++stream) {
    rates.observe(stream, 0, at(minutes(0)));
    rates.observe(stream, 1, at(minutes(0)));
  }
  EXPECT_EQ(sum(rates.of(999, at(minutes(0)))), 1u);
  EXPECT_EQ(sum(rates.of(1000, at(minutes(0)))), 0u);
}

}  // namespace
}  // namespace auditferry
