#include "core/record.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

TEST(IdLess, OrdersDecimalIdsByValueBeforeAllOthers) {
  EXPECT_TRUE(id_less("9", "10"));
  EXPECT_FALSE(id_less("10", "9"));
  EXPECT_TRUE(id_less("10", "5x"));
  EXPECT_TRUE(id_less("9", "5x"));
  EXPECT_FALSE(id_less("5x", "9"));
  EXPECT_TRUE(id_less("abc", "abd"));
  EXPECT_FALSE(id_less("7", "7"));
}

TEST(IdLess, TreatsLeadingZerosAsText) {
  EXPECT_TRUE(id_less("7", "007"));
  EXPECT_FALSE(id_less("007", "7"));
  EXPECT_TRUE(id_less("18446744073709551615", "18446744073709551616"));
}

}  // namespace
}  // namespace auditferry
