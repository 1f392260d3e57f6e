// The end of the real program: signals that come while it ends, and a far end that takes its time.

#include <gtest/gtest.h>

#include <atomic>

#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

class ShutdownTest : public ProcessTest {
 protected:
  static PortalOptions few() {
    PortalOptions options;
    options.streams[SandboxLog::audit].rate_per_second = 2;
    options.streams[SandboxLog::audit].history = std::chrono::seconds(60);
    options.streams[SandboxLog::device] = options.streams[SandboxLog::audit];
    return options;
  }
  ShutdownTest() : ProcessTest(few()) { portal_.stop_making(); }
};

// The first asks for an orderly end, every later one for an end at once; none of them is an end by a signal, however
// late it comes. How long an end takes is measured first, so that the hail of each round begins at another part of it.
TEST_F(ShutdownTest, SignalsInTheLastMomentsAreNoEndOfTheirOwn) {
  constexpr int rounds = 8;
  std::chrono::steady_clock::duration takes{};
  for (int round = 0; round <= rounds; ++round) {
    const auto daemon = start({"run"});
    ASSERT_TRUE(eventually([&] { return said().find(" runs: ") != std::string::npos; })) << said();
    const auto begin = std::chrono::steady_clock::now();
    daemon->signal(SIGTERM);
    std::optional<int> status;
    while (!status && std::chrono::steady_clock::now() < begin + patience) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      status = daemon->wait(std::chrono::milliseconds(0));
      const bool late = std::chrono::steady_clock::now() >= begin + takes * round / rounds;
      if (round > 0 && late && !status) daemon->signal(SIGTERM);
    }
    ASSERT_EQ(status, 0) << "round " << round << "\n" << said();
    if (round == 0) takes = std::chrono::steady_clock::now() - begin;
  }
}

// Record by record, a third of a second each: at the end the request under way is finished, and what it and those
// before it have brought is settled, so that nothing is sent twice.
TEST_F(ShutdownTest, ASlowReceiverOfSingleRecordsIsLeftInOrder) {
  std::atomic<bool> slow{true};
  KeptIds kept;
  CollectorServer server([&](const CollectorServer::Request& request) {
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(330));
    kept.take(request.body, "id");
    return http_answer(200, "{}");
  });
  write_config("[exporters.hook]\ntype = \"http\"\nbody = \"single\"\ncompression = \"none\"\nmax_backoff = \"1s\"\nurl = \"" + server.url() + "\"\n");
  {
    const auto daemon = start({"run"});
    ASSERT_TRUE(eventually([&] { return kept.distinct() >= 3; })) << said();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(patience), 0) << said();
  }
  const std::size_t before = kept.distinct();
  const std::size_t made = portal_.all_records("audit").size() + portal_.all_records("device").size();
  EXPECT_LT(before, made) << "there must be something left";
  slow = false;
  const auto daemon = start({"run"});
  EXPECT_TRUE(eventually([&] { return kept.distinct() == made; })) << kept.distinct() << " of " << made << "\n" << said();
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(patience), 0) << said();
  EXPECT_EQ(kept.repeats(), 0u);
}

}  // namespace
}  // namespace auditferry
