#include "net/resolver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "core/task_group.h"
#include "tests/support/real_loop.h"

namespace auditferry {
namespace {

using Addresses = Result<std::vector<std::string>>;
using namespace std::chrono_literals;

Task<void> resolve_into(Resolver& resolver, std::string host, Duration limit,
                        std::optional<Addresses>& result) {
  result.emplace(co_await resolver.resolve(std::move(host), limit));
}

// Look-ups of "dead..." hang until the test lets them go.
class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : released_(release_.get_future().share()) {}
  ~ResolverTest() override { release_.set_value(); }

  LookUp look_up() {
    return [released = released_, calls = calls_](const std::string& host) -> Addresses {
      ++*calls;
      if (host.starts_with("dead")) released.wait();
      if (host == "none") return Error{ErrorKind::resolve, "no such name"};
      return std::vector<std::string>{"192.0.2.1"};
    };
  }

  RealLoop loop_;
  std::promise<void> release_;
  std::shared_future<void> released_;
  std::shared_ptr<std::atomic<int>> calls_ = std::make_shared<std::atomic<int>>(0);
};

Task<void> ask_past_a_dead_name(Resolver& resolver, Executor executor, std::optional<Addresses>& dead,
                                std::optional<Addresses>& alive) {
  TaskGroup group(executor);
  group.spawn("dead", resolve_into(resolver, "dead.example.com", 50ms, dead));
  co_await resolve_into(resolver, "alive.example.com", 5s, alive);
  co_await group.join();
}

TEST_F(ResolverTest, ADeadNameHoldsUpNobodyElse) {
  SystemResolver resolver(loop_.executor(), loop_.clock(), 4, look_up());
  std::optional<Addresses> dead;
  std::optional<Addresses> alive;
  loop_.run(ask_past_a_dead_name(resolver, loop_.executor(), dead, alive));
  ASSERT_TRUE(alive->ok());
  EXPECT_EQ(alive->value().at(0), "192.0.2.1");
  ASSERT_FALSE(dead->ok());
  EXPECT_EQ(dead->error().kind, ErrorKind::resolve);
  EXPECT_NE(dead->error().message.find("dead.example.com"), std::string::npos);
  release_.set_value();
  release_ = {};
}

TEST_F(ResolverTest, OneNameTakesOneThreadAndTheThreadsAreBounded) {
  SystemResolver resolver(loop_.executor(), loop_.clock(), 1, look_up());
  std::optional<Addresses> result;
  for (int i = 0; i < 3; ++i) loop_.run(resolve_into(resolver, "dead", 5ms, result));
  EXPECT_EQ(*calls_, 1);
  loop_.run(resolve_into(resolver, "other", 5s, result));
  ASSERT_FALSE(result->ok());
  EXPECT_NE(result->error().message.find("too many"), std::string::npos);
  release_.set_value();
  release_ = {};
}

TEST_F(ResolverTest, PassesFailuresAndTakesAddressesAsTheyAre) {
  SystemResolver resolver(loop_.executor(), loop_.clock(), 4, look_up());
  std::optional<Addresses> result;
  loop_.run(resolve_into(resolver, "none", 5s, result));
  EXPECT_FALSE(result->ok());
  loop_.run(resolve_into(resolver, "::1", 5s, result));
  EXPECT_EQ(result->value(), std::vector<std::string>{"::1"});
  EXPECT_EQ(*calls_, 1);
}

TEST_F(ResolverTest, CanBeCancelledAndDestroyedWhileALookUpHangs) {
  std::optional<Addresses> result;
  {
    auto resolver = std::make_unique<SystemResolver>(loop_.executor(), loop_.clock(), 4, look_up());
    TaskGroup group(loop_.executor());
    group.spawn("dead", resolve_into(*resolver, "dead", 1h, result));
    loop_.run_for(5ms);
    group.cancel();
    loop_.run(group.join());
    const auto before = std::chrono::steady_clock::now();
    resolver.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  }
  EXPECT_FALSE(result.has_value());
}

TEST_F(ResolverTest, LocalhostIsLoopbackWithoutALookUp) {
  SystemResolver resolver(loop_.executor(), loop_.clock(), 4, [](const std::string& host) -> Addresses {
    return Error{ErrorKind::resolve, "asked for " + host};
  });
  std::optional<Addresses> result;
  loop_.run(resolve_into(resolver, "db.localhost", 5s, result));
  ASSERT_TRUE(result->ok()) << result->error().message;
  EXPECT_EQ(result->value(), (std::vector<std::string>{"127.0.0.1", "::1"}));
}

// Every machine knows its own addresses; a name is another matter (a bare container has no /etc/hosts).
TEST(SystemResolver, AsksTheSystem) {
  RealLoop loop;
  SystemResolver resolver(loop.executor(), loop.clock());
  std::optional<Addresses> result;
  loop.run(resolve_into(resolver, "127.1", 5s, result));
  ASSERT_TRUE(result->ok()) << result->error().message;
  EXPECT_EQ(result->value().at(0), "127.0.0.1");
}

}  // namespace
}  // namespace auditferry
