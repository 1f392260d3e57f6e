#include "daemon/start_extension.h"

#include <gtest/gtest.h>

#include <future>

namespace auditferry {
namespace {

TEST(StartExtension, AsksAtOnceAndAgainForAsLongAsTheStartGetsOn) {
  std::promise<void> third;
  int told = 0;
  std::uint64_t steps = 0;
  {
    StartExtension extension(
        [&](Duration wanted) {
          EXPECT_EQ(wanted, Duration(std::chrono::milliseconds(4)));
          if (++told == 3) third.set_value();
        },
        [&] { return ++steps; }, std::chrono::milliseconds(1));
    EXPECT_EQ(third.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
  EXPECT_GE(told, 3);
}

TEST(StartExtension, AsksForNoMoreTimeWhileTheStartHangs) {
  std::promise<void> asked_often;
  int told = 0;
  int asked = 0;
  {
    StartExtension extension([&](Duration) { ++told; },
                             [&]() -> std::uint64_t {
                               if (++asked == 20) asked_often.set_value();
                               return asked < 10 ? 7 : 8;
                             },
                             std::chrono::milliseconds(1));
    EXPECT_EQ(asked_often.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
  EXPECT_EQ(told, 2) << "at once, and for the one step";
}

TEST(StartExtension, EndsAtOnce) {
  int told = 0;
  const auto before = std::chrono::steady_clock::now();
  { StartExtension extension([&](Duration) { ++told; }, [] { return std::uint64_t{0}; }, std::chrono::hours(1)); }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::minutes(1));
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace auditferry
