#include "storage/range_text.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

TEST(RangeText, IsReadBackAsItWasWritten) {
  const std::vector<std::vector<TimeRange>> all = {{},
                                                   {{from_micros(1), from_micros(2)}},
                                                   {{from_micros(-5), from_micros(-5)}, {from_micros(7), from_micros(1'763'890'000'000'000)}}};
  for (const std::vector<TimeRange>& ranges : all) EXPECT_EQ(decode_ranges(encode_ranges(ranges)).value(), ranges);
}

TEST(RangeText, WhatWasNotWrittenSoIsRefused) {
  for (const char* text : {"1", "1:", ":2", "1:2,", "1:2,3", "1:2:3", "1,2", "x1:2", "1:2x", " 1:2", "1:99999999999999999999", "1:2,,3:4", "+1:2"}) {
    EXPECT_FALSE(decode_ranges(text).ok()) << text;
  }
}

}  // namespace
}  // namespace auditferry
