#include "daemon/start_extension.h"

#include <gtest/gtest.h>

#include <future>

namespace auditferry {
namespace {

TEST(StartExtension, AsksAtOnceAndAgainForAsLongAsItLives) {
  std::promise<void> third;
  int told = 0;
  {
    StartExtension extension(
        [&](Duration wanted) {
          EXPECT_EQ(wanted, Duration(std::chrono::milliseconds(4)));
          if (++told == 3) third.set_value();
        },
        std::chrono::milliseconds(1));
    EXPECT_EQ(third.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
  EXPECT_GE(told, 3);
}

TEST(StartExtension, EndsAtOnce) {
  int told = 0;
  const auto before = std::chrono::steady_clock::now();
  { StartExtension extension([&](Duration) { ++told; }, std::chrono::hours(1)); }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::minutes(1));
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace auditferry
