#include "exporters/far_hosts.h"

#include <gtest/gtest.h>

#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using Order = std::vector<std::size_t>;

class FarHostsTest : public testing::Test {
 protected:
  void pass(Duration time) { loop.run(loop.clock().sleep(time)); }
  TestLoop loop;
  FarHosts hosts{{"https://a.example.com:1", "https://b.example.com:2", "https://c.example.com:3"}, {"", "hosts", "token"}, loop.clock()};
};

TEST_F(FarHostsTest, TheOneThatWorkedLastComesFirst) {
  EXPECT_EQ(hosts.order(), (Order{0, 1, 2}));
  hosts.worked(1);
  EXPECT_EQ(hosts.order(), (Order{1, 2, 0}));
  EXPECT_EQ(hosts.who(1).peer, "b.example.com:2");
  EXPECT_EQ(hosts.who(1).url_key, "hosts");
  EXPECT_EQ(hosts.who(1).credential_key, "token");
}

TEST_F(FarHostsTest, OneThatFailedComesLastForHalfAMinute) {
  hosts.worked(2);
  hosts.failed(0);
  EXPECT_EQ(hosts.order(), (Order{2, 1, 0}));
  pass(std::chrono::seconds(29));
  EXPECT_EQ(hosts.order(), (Order{2, 1, 0}));
  pass(std::chrono::seconds(1));
  EXPECT_EQ(hosts.order(), (Order{2, 0, 1}));
}

TEST_F(FarHostsTest, WhereAllHaveFailedAllAreTried) {
  for (const std::size_t host : {0u, 1u, 2u}) hosts.failed(host);
  EXPECT_EQ(hosts.order(), (Order{0, 1, 2}));
  hosts.worked(1);
  EXPECT_EQ(hosts.order(), (Order{1, 2, 0}));
}

TEST_F(FarHostsTest, OneThatHasAskedToWaitIsNotAskedBefore) {
  hosts.failed(0, std::chrono::minutes(2));
  hosts.failed(1);
  hosts.failed(2, std::chrono::seconds(5));
  EXPECT_EQ(hosts.order(), (Order{1}));
  EXPECT_FALSE(hosts.wait());
  pass(std::chrono::seconds(31));
  EXPECT_EQ(hosts.order(), (Order{1, 2}));
  hosts.forgive();
  EXPECT_EQ(hosts.order(), (Order{1, 2}));
  pass(std::chrono::seconds(89));
  EXPECT_EQ(hosts.order(), (Order{0, 1, 2}));
}

TEST_F(FarHostsTest, WhereAllHaveAskedToWaitTheFirstEndCounts) {
  hosts.failed(0, std::chrono::minutes(2));
  hosts.failed(1, std::chrono::minutes(1));
  hosts.failed(2, std::chrono::minutes(3));
  EXPECT_EQ(hosts.order(), Order());
  EXPECT_EQ(hosts.wait(), std::chrono::minutes(1));
  pass(std::chrono::minutes(1));
  EXPECT_EQ(hosts.order(), (Order{1}));
  EXPECT_FALSE(hosts.wait());
}

TEST_F(FarHostsTest, AFailureIsToldOnceUntilTheHostHasWorkedAgain) {
  EXPECT_TRUE(hosts.failed(1));
  EXPECT_FALSE(hosts.failed(1));
  EXPECT_TRUE(hosts.failed(2));
  hosts.worked(1);
  EXPECT_TRUE(hosts.failed(1));
  FarHosts alone({"https://a.example.com:1"}, {"", "hosts", "token"}, loop.clock());
  EXPECT_FALSE(alone.failed(0)) << "whoever asks says so";
}

TEST_F(FarHostsTest, ForgivenOnesAreAskedInTheirTurn) {
  hosts.failed(0);
  hosts.forgive();
  EXPECT_EQ(hosts.order(), (Order{0, 1, 2}));
}

TEST_F(FarHostsTest, KnowsWhatAnotherHostMayDoBetter) {
  for (const int status : {502, 503, 504}) EXPECT_TRUE(needs_another_host(HttpResponse{status, {}, ""})) << status;
  for (const int status : {200, 400, 401, 404, 429, 500}) EXPECT_FALSE(needs_another_host(HttpResponse{status, {}, ""})) << status;
  EXPECT_TRUE(needs_another_host(Error{ErrorKind::connect, "refused"}));
}

}  // namespace
}  // namespace auditferry
