// The file exporter dies at every single call that it makes, and the journal's position survives. Whatever
// the disk kept, every line is there exactly once when delivery has gone on to the end.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "exporters/file_fixture.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

using Loss = FaultyFileSystem::Loss;

struct Scenario {
  const char* name;
  FileSettings settings;
  std::size_t streams = 1;
  std::size_t records = 200;
  std::size_t largest_batch = 20;
};

FileSettings file_settings(std::string path, std::uint64_t rotate_size, Duration rotate_every,
                           Compression compress) {
  FileSettings settings;
  settings.path = std::move(path);
  settings.rotate_size = rotate_size;
  settings.rotate_every = rotate_every;
  settings.compress = compress;
  return settings;
}

std::vector<Scenario> scenarios() {
  FileSettings narrow =
      file_settings("logs/{stream}-{date}.jsonl", 1500, Duration::zero(), Compression::none);
  narrow.max_open = 2;
  return {
      {"one file", file_settings("logs/x.jsonl", 0, Duration::zero(), Compression::none)},
      {"rotation by size", file_settings("logs/x.jsonl", 1000, Duration::zero(), Compression::none)},
      {"several files per batch",
       file_settings("logs/{stream}.jsonl", 900, Duration::zero(), Compression::none), 3},
      {"rotation by age",
       file_settings("logs/{stream}.jsonl", 0, std::chrono::minutes(10), Compression::none), 2},
      {"compression", file_settings("logs/{stream}.jsonl", 1500, std::chrono::minutes(20), Compression::zstd),
       2, 120},
      {"few descriptors and dates", narrow, 5},
      {"each line its own file", file_settings("logs/x.jsonl", 1, Duration::zero(), Compression::none), 1, 25,
       4},
  };
}

struct Run {
  Loss loss = Loss::none;
  std::uint64_t seed = 1;
  std::uint64_t crash_call = 0;  // 0: never
  int lost_commit = 0;           // the n-th outcome is not noted down; 0: never
  bool clock_back = false;       // the wall clock jumps back at the restart
};

// Delivers everything, restarting after the crash. Returns whether there was one.
bool deliver_all(FileFixture& fixture, DeliveryRig& rig, const Scenario& scenario, const Run& run) {
  std::mt19937_64 random(run.seed);
  if (run.crash_call > 0) fixture.disk.crash_at(run.crash_call);
  std::unique_ptr<Exporter> exporter = fixture.make();
  rig.open(*exporter);
  bool crashed = false;
  int outcomes = 0;
  for (int step = 0; step < 5000 && !rig.done(); ++step) {
    const bool lost = ++outcomes == run.lost_commit;
    fixture.loop.run_until_idle(std::chrono::minutes(random() % 8));
    if (random() % 3 == 0) {
      rig.tend(*exporter, !lost && !fixture.disk.crashed());
    } else {
      rig.write(*exporter, 1 + random() % scenario.largest_batch, !lost);
    }
    if (!fixture.disk.crashed() && !lost) continue;
    crashed = true;
    exporter.reset();
    fixture.disk.restart(run.loss, random());
    if (run.clock_back) fixture.loop.clock().jump_wall(-std::chrono::hours(1));
    exporter = fixture.make();
    rig.open(*exporter);
  }
  // Everything that is closed gets finished.
  for (int step = 0; step < 2000; ++step) {
    const auto waiting = std::find_if(rig.state().begin(), rig.state().end(),
                                      [](const auto& entry) { return entry.first.starts_with("closed "); });
    if (waiting == rig.state().end()) break;
    rig.tend(*exporter);
    if (!fixture.disk.crashed()) continue;
    crashed = true;
    exporter.reset();
    fixture.disk.restart(run.loss, random());
    exporter = fixture.make();
    rig.open(*exporter);
  }
  rig.close(*exporter);
  return crashed;
}

// "" or what is wrong.
std::string verdict(const FileFixture& fixture, const TestRecords& records) {
  std::map<std::string, int> seen;
  for (const std::string& line : fixture.all_lines()) ++seen[line];
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto found = seen.find(records.line(i));
    if (found == seen.end()) return "lost: " + records.line(i);
    if (found->second != 1) return "doubled: " + records.line(i);
    seen.erase(found);
  }
  if (!seen.empty()) return "made up: " + seen.begin()->first;
  std::map<std::string, std::size_t> order;
  for (std::size_t i = 0; i < records.size(); ++i) order[records.line(i)] = i;
  for (const auto& [path, content] : fixture.disk.contents()) {
    if (path.ends_with(".tmp")) return "left behind: " + path;
    if (path.ends_with(".zst")) continue;
    std::size_t last = 0;
    for (const std::string& line : split_lines(content)) {
      if (order[line] < last) return "out of order in " + path;
      last = order[line];
    }
  }
  return "";
}

class FileCrash : public testing::TestWithParam<std::size_t> {};

void expect_exactly_once(const Scenario& scenario, const Run& run, bool& crashed) {
  FileFixture fixture(scenario.settings);
  const TestRecords records(fixture.format, scenario.records, scenario.streams, std::chrono::minutes(9));
  DeliveryRig rig(fixture.loop, records);
  crashed = deliver_all(fixture, rig, scenario, run);
  ASSERT_TRUE(rig.done());
  ASSERT_EQ(verdict(fixture, records), "")
      << scenario.name << ", call " << run.crash_call << ", lost commit " << run.lost_commit << ", loss "
      << static_cast<int>(run.loss) << ", seed " << run.seed;
}

constexpr std::uint64_t call_step = rounds(1, 11);

TEST_P(FileCrash, AtEveryCallEveryLineIsThereOnce) {
  const Scenario scenario = scenarios()[GetParam()];
  std::uint64_t crashes = 0;
  for (const Loss loss : {Loss::none, Loss::all, Loss::some}) {
    bool crashed = true;
    // Every call in plain builds; sanitizers look at memory and threads, for which every eleventh is enough.
    for (std::uint64_t call = 1; crashed && !HasFatalFailure(); call += call_step) {
      expect_exactly_once(scenario, {loss, 7 + call % 5, call, 0, call % 2 == 0}, crashed);
      crashes += crashed;
    }
  }
  EXPECT_GT(crashes, 100u / call_step);
}

TEST_P(FileCrash, BetweenTheDiskAndThePosition) {
  const Scenario scenario = scenarios()[GetParam()];
  for (const Loss loss : {Loss::none, Loss::some}) {
    bool crashed = true;
    for (int outcome = 1; crashed && !HasFatalFailure(); ++outcome) {
      expect_exactly_once(scenario,
                          {loss, 3 + static_cast<std::uint64_t>(outcome % 4), 0, outcome, outcome % 2 == 0},
                          crashed);
    }
  }
}

TEST_P(FileCrash, AfterACrashAnotherCrash) {
  const Scenario scenario = scenarios()[GetParam()];
  for (std::uint64_t seed = 1; seed <= rounds(150u, 15u) && !HasFatalFailure(); ++seed) {
    std::mt19937_64 random(seed);
    FileFixture fixture(scenario.settings);
    const TestRecords records(fixture.format, scenario.records, scenario.streams, std::chrono::minutes(9));
    DeliveryRig rig(fixture.loop, records);
    std::unique_ptr<Exporter> exporter;
    for (int step = 0; step < 5000 && !rig.done(); ++step) {
      if (!exporter || fixture.disk.crashed()) {
        exporter.reset();
        fixture.disk.restart(static_cast<Loss>(random() % 3), random());
        // The wall clock may have been set meanwhile.
        fixture.loop.clock().jump_wall(std::chrono::minutes(static_cast<int>(random() % 40) - 20));
        exporter = fixture.make();
        fixture.disk.crash_at(1 + random() % 120);
        rig.open(*exporter);
      }
      const bool commit = random() % 10 != 0;
      if (random() % 5 == 0) {
        rig.tend(*exporter, !fixture.disk.crashed());
      } else {
        rig.write(*exporter, 1 + random() % scenario.largest_batch, commit);
      }
      if (!commit) fixture.disk.crash_at(1);
      if (!commit) static_cast<void>(fixture.disk.exists("x"));
    }
    ASSERT_TRUE(rig.done()) << seed;
    fixture.disk.restart(Loss::none, 0);
    exporter = fixture.make();
    rig.open(*exporter);
    for (int i = 0; i < 200; ++i) rig.tend(*exporter);
    ASSERT_EQ(verdict(fixture, records), "") << scenario.name << ", seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, FileCrash, testing::Range<std::size_t>(0, 7));

}  // namespace
}  // namespace auditferry
