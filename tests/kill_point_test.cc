// The real program, killed at each of the named points of core/kill_point.h that it passes: around every commit, write,
// fsync, rename, rotation and delivery. The portal misbehaves meanwhile.

#include <gtest/gtest.h>
#include <signal.h>

#include <random>

#include "encoding/compress.h"
#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

// What a life with rotation, compression and an HTTP exporter has to pass; if a point of the code is gone or renamed,
// this tells. Each has an "after".
const std::vector<std::string> expected_points = {
    "append.before",          "commit.before advance",    "commit.before attach",   "commit.before publish",
    "commit.before set_start", "commit.before store_page", "deliver.before archive", "deliver.before hook",
    "remove.before",          "rename.before",            "rotate.before",          "sync.before file",
    "sync.before folder"};

std::string other_side(const std::string& point) {
  std::string after = point;
  return after.replace(after.find(".before"), 7, ".after");
}

class KillPointTest : public ProcessTest {
 protected:
  KillPointTest() : ProcessTest(lively()) {
    write_config("rotate.size = \"24KiB\"\ncompress = \"zstd\"\n[exporters.hook]\ntype = \"http\"\ncompression = \"none\"\nmax_backoff = \"1s\"\nurl = \"" +
                 hook_.url() + "\"\n");
    portal_.set_faults(misbehaviour());
  }
  static PortalOptions lively() {
    PortalOptions options = ProcessTest::options();
    for (auto& [log, stream] : options.streams) stream.rate_per_second = 60;
    return options;
  }
  std::unique_ptr<ChildProcess> start_to_be_killed(const std::string& point, int passage) {
    environment_ = {{"AUDITFERRY_KILL_AT", point + ":" + std::to_string(passage)}};
    return start({"run"});
  }
  struct Point {
    std::string name;
    int passages = 0;
  };
  // The points of a whole life, in the order in which it first passes them.
  std::vector<Point> points_of_a_life() {
    std::filesystem::remove(list_);
    environment_ = {{"AUDITFERRY_KILL_LIST", list_}};
    auto process = start({"run"});
    const auto passed_them_all = [this] {
      const std::string passed = text_of(list_);
      return passed.find("remove.after") != std::string::npos && passed.find("deliver.after hook") != std::string::npos;
    };
    EXPECT_TRUE(eventually([&] { return said().find(" runs: ") != std::string::npos && passed_them_all(); })) << process->output();
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(seconds(60)), 0) << process->output();
    environment_.clear();
    std::vector<Point> points;
    std::ifstream lines(list_);
    for (std::string line; std::getline(lines, line);) {
      auto known = std::find_if(points.begin(), points.end(), [&line](const Point& point) { return point.name == line; });
      if (known == points.end()) known = points.insert(known, {line, 0});
      ++known->passages;
    }
    return points;
  }
  void forget_everything() {
    std::filesystem::remove_all(folder_ / "state");
    std::filesystem::remove_all(folder_ / "records");
  }
  // Leaves the lines of plain text. A file whose compressed form is complete may still be there itself.
  std::vector<std::string> plain_files() {
    std::vector<std::string> files;
    std::vector<std::filesystem::path> compressed;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records")) {
      const std::string extension = entry.path().extension();
      EXPECT_NE(extension, ".tmp") << entry.path();
      if (extension == ".zst") compressed.push_back(entry.path());
      if (extension == ".jsonl") files.push_back(entry.path());
    }
    EXPECT_GT(compressed.size(), 0u);
    for (const std::filesystem::path& path : compressed) {
      const Result<std::string> plain = zstd_decompress(text_of(path), 1u << 26);
      EXPECT_TRUE(plain.ok()) << path;
      std::filesystem::path target = path;
      target.replace_extension();
      if (std::filesystem::exists(target)) {
        EXPECT_EQ(text_of(target), plain.value()) << target;
      } else {
        std::ofstream(target, std::ios::binary) << plain.value();
        files.push_back(target);
      }
    }
    return files;
  }
  // After everything that happened: the files hold each record once, the hook has each at least once, and the books balance.
  void expect_nothing_lost() {
    portal_.set_faults({});
    portal_.stop_making();
    EXPECT_EQ(finish({"run", "--once"}), 0) << said();
    const std::vector<std::string> made = made_ids();
    const Result<Comparison> comparison = compare_files(plain_files(), made);
    ASSERT_TRUE(comparison.ok()) << comparison.error().message;
    EXPECT_TRUE(comparison->equal()) << comparison->missing << " missing, " << comparison->twice << " twice, " << comparison->unknown << " unknown, "
                                     << comparison->out_of_order << " out of order: " << comparison->example;
    EXPECT_GT(comparison->made, 1000u);
    for (const std::string& id : made) EXPECT_TRUE(kept_.has(id)) << id;
    JournalSnapshot snapshot;
    expect_all_delivered(snapshot);
    EXPECT_EQ(snapshot.exporters.size(), 2u);
    std::cout << comparison->made << " records, " << kept_.repeats() << " of them again to the hook\n";
  }

  const std::string list_ = folder_ / "points";
  KeptIds kept_;
  CollectorServer hook_{[this](const CollectorServer::Request& request) {
    kept_.take(request.body, "id");
    return http_answer(200, "{}");
  }};
};

// In the order in which a first life passes them, so that each life comes one step further than the one before.
TEST_F(KillPointTest, EachPointOfTheFirstLife) {
  const std::vector<Point> points = points_of_a_life();
  const auto passed = [&points](const std::string& name) {
    return std::any_of(points.begin(), points.end(), [&name](const Point& point) { return point.name == name; });
  };
  for (const std::string& point : expected_points) {
    EXPECT_TRUE(passed(point)) << point;
    EXPECT_TRUE(passed(other_side(point))) << point;
  }
  forget_everything();
  for (const Point& point : points) {
    auto process = start_to_be_killed(point.name, 1);
    EXPECT_EQ(process->wait(seconds(60)), 128 + SIGKILL) << point.name << "\n" << process->output();
  }
  environment_.clear();
  expect_nothing_lost();
  std::cout << "killed at " << points.size() << " points\n";
}

// A long mode has more rounds: AUDITFERRY_ROUNDS=200.
TEST_F(KillPointTest, AnyPointAtAnyPassage) {
  points_of_a_life();
  const std::vector<Point> points = points_of_a_life();  // of a life that found a journal
  ASSERT_GT(points.size(), 20u);
  std::mt19937 random(20261127);
  const std::size_t rounds = long_mode("AUDITFERRY_ROUNDS", 20);
  for (std::size_t round = 0; round < rounds; ++round) {
    const Point& point = points[random() % points.size()];
    // A point that is passed at the start alone is passed once.
    const int passage = 1 + static_cast<int>(random() % static_cast<unsigned>(std::min(point.passages, 6)));
    auto process = start_to_be_killed(point.name, passage);
    EXPECT_EQ(process->wait(seconds(60)), 128 + SIGKILL) << point.name << ", passage " << passage << "\n" << process->output();
  }
  environment_.clear();
  expect_nothing_lost();
}

}  // namespace
}  // namespace auditferry
