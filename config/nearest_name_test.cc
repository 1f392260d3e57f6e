#include "config/nearest_name.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

const std::vector<std::string> names = {"poll_every", "overlap", "settle", "start", "url"};

TEST(NearestName, FindsSlipsOfTheFinger) {
  EXPECT_EQ(nearest_name("pol_every", names), "poll_every");
  EXPECT_EQ(nearest_name("overlpa", names), "overlap");
  EXPECT_EQ(nearest_name("stat", names), "start");
  EXPECT_EQ(nearest_name("ulr", names), "url");
  EXPECT_EQ(nearest_name("poll-every", names), "poll_every");
}

TEST(NearestName, FindsNothingFarAway) {
  EXPECT_EQ(nearest_name("retention", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(10'000, 'x'), names), std::nullopt);
  EXPECT_EQ(nearest_name("start", {}), std::nullopt);
}

TEST(Suggestion, NamesTheNearestOrAll) {
  EXPECT_EQ(suggestion("setle", names), "did you mean \"settle\"?");
  EXPECT_EQ(suggestion("zzzzzz", {"a", "b"}), "valid here: a, b");
}

}  // namespace
}  // namespace auditferry
