// The whole program on one deterministic loop: a fixed list of seeds, or those that the command line names.
//   simulation_test --seed N            repeats one, with its trace
//   simulation_test --seeds N --from M  a longer run over fresh seeds
//   … --everything 1                    also what simulate.cc excludes

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/simulation/simulate.h"
#include "tests/simulation/weather.h"
#include "tests/support/sanitized.h"

namespace auditferry::simulation {
namespace {

constexpr std::uint64_t fixed_seeds = rounds(60, 3);

// Seeds beyond these that once showed a defect, or meet what no other does, each with a sentence of what it is.
struct Kept {
  std::uint64_t seed;
  const char* what;
};
constexpr std::array<Kept, 4> kept{{
    {3042, "a poll that a crash interrupted was no look at all of the overlap any more, so a late record was missed"},
    {3087, "the same, in another place"},
    {8042, "a gap was told as healed by a reread that found nothing, since the portal had forgotten its time"},
    {61, "the portal answers with status 404"},
}};

std::string program;

// True when nothing was wrong.
bool check(std::uint64_t seed, const Outcome& run, bool everything = false) {
  if (run.complaints.empty()) return true;
  std::string text = "seed " + std::to_string(seed) + ":\n";
  for (const std::string& complaint : run.complaints) text += "  " + complaint + "\n";
  text += "repeat it with: " + program + " --seed " + std::to_string(seed) + (everything ? " --everything 1" : "") + "\n";
  std::fprintf(stderr, "%s", text.c_str());
  return false;
}

void add(std::map<std::string, std::uint64_t>& sum, const std::map<std::string, std::uint64_t>& hits) {
  for (const auto& [kind, times] : hits) sum[kind] += times;
}

void print(const std::map<std::string, std::uint64_t>& hits) {
  for (const auto& [kind, times] : hits) std::printf("%8llu  %s\n", static_cast<unsigned long long>(times), kind.c_str());
}

int run_seeds(std::uint64_t from, std::uint64_t count, bool loud, bool everything) {
  std::map<std::string, std::uint64_t> hits;
  std::uint64_t bad = 0;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const Outcome run = simulate(seed, loud, everything);
    add(hits, run.hits);
    if (!check(seed, run, everything)) ++bad;
  }
  print(hits);
  std::printf("%llu seeds, %llu of them with a complaint\n", static_cast<unsigned long long>(count), static_cast<unsigned long long>(bad));
  return bad == 0 ? 0 : 1;
}

TEST(Simulation, TheFixedSeedsKeepEveryPromiseAndMeetEveryFault) {
  std::map<std::string, std::uint64_t> hits;
  for (std::uint64_t seed = 1; seed <= fixed_seeds; ++seed) {
    const Outcome run = simulate(seed);
    add(hits, run.hits);
    EXPECT_TRUE(check(seed, run)) << "seed " << seed;
  }
  for (const Kept& one : kept) {
    if (sanitized) break;  // which are content with the fixed ones
    const Outcome run = simulate(one.seed);
    add(hits, run.hits);
    EXPECT_TRUE(check(one.seed, run)) << one.what;
  }
  print(hits);
  if (sanitized) return;  // three seeds do not meet every kind
  for (const std::string& kind : all_fault_kinds()) EXPECT_GT(hits[kind], 0u) << "never met: " << kind;
}

TEST(Simulation, TheSameSeedIsTheSameRun) {
  const Outcome first = simulate(7);
  const Outcome second = simulate(7);
  EXPECT_EQ(first.hash, second.hash);
  if (sanitized) return;
  EXPECT_NE(first.hash, simulate(8).hash);
}

}  // namespace
}  // namespace auditferry::simulation

int main(int argument_count, char** arguments) {
  using namespace auditferry::simulation;
  testing::InitGoogleTest(&argument_count, arguments);
  program = arguments[0];
  std::uint64_t seed = 0;
  std::uint64_t count = 0;
  std::uint64_t from = 1000;
  bool everything = false;
  for (int i = 1; i + 1 < argument_count; i += 2) {
    const std::uint64_t number = std::strtoull(arguments[i + 1], nullptr, 10);
    if (std::strcmp(arguments[i], "--seed") == 0) seed = number;
    if (std::strcmp(arguments[i], "--seeds") == 0) count = number;
    if (std::strcmp(arguments[i], "--from") == 0) from = number;
    if (std::strcmp(arguments[i], "--everything") == 0) everything = number > 0;
  }
  if (seed > 0) return run_seeds(seed, 1, true, everything);
  if (count > 0) return run_seeds(from, count, false, everything);
  return RUN_ALL_TESTS();
}
