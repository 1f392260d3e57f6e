// The real program, killed at each of the named points of core/kill_point.h that it passes: around every commit, write,
// fsync, rename, rotation and delivery. The portal misbehaves meanwhile.

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <random>

#include "encoding/compress.h"
#include "storage/jobs.h"
#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/kept_ids.h"
#include "tests/support/sanitized.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

// What a life with rotation, compression and an HTTP exporter has to pass; if a point of the code is gone or renamed,
// this tells. Each has an "after". Commits that depend on what the portal does (end_walk, save_walk, begin_walk,
// save_collection, quarantine, record_gap, set_penalty, set_exporter_error) are killed at where a life passes them.
const std::vector<std::string> expected_points = {
    "append.before",           "commit.before advance",  "commit.before attach",         "commit.before attach_exporter", "commit.before detach_exporters_except",
    "commit.before note",      "commit.before prune",    "commit.before publish",        "commit.before recognise_copy",  "commit.before set_start",
    "commit.before store_page", "commit.before tidy_jobs", "deliver.before archive",      "deliver.before hook",           "remove.before",
    "rename.before",           "rotate.before",          "sync.before file",             "sync.before folder"};

std::string other_side(const std::string& point) {
  std::string after = point;
  return after.replace(after.find(".before"), 7, ".after");
}
bool is_expected(const std::string& point) {
  return std::any_of(expected_points.begin(), expected_points.end(),
                     [&point](const std::string& before) { return point == before || point == other_side(before); });
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
  // Leaves the lines of plain text.
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
      EXPECT_FALSE(std::filesystem::exists(target)) << target;
      std::ofstream(target, std::ios::binary) << plain.value();
      files.push_back(target);
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

  // What three commands ask of the daemon, as the rows say it that they leave in the journal.
  void queue_jobs() {
    const Result<std::unique_ptr<JobClient>> client = JobClient::open(folder_ / "state/journal.db");
    ASSERT_TRUE(client.ok()) << client.error().message;
    const WallTime now = clock_.now();
    const std::string window =
        "\"from\":" + std::to_string(to_micros(now - std::chrono::minutes(2))) + ",\"to\":" + std::to_string(to_micros(now - std::chrono::seconds(1)));
    for (const auto& [kind, argument] : {std::pair<std::string, std::string>{"backfill", "{\"source\":\"acme\",\"stream\":\"audit\"," + window + "}"},
                                         {"replay", "{\"exporter\":\"hook\"," + window + ",\"stream\":\"audit\"}"},
                                         {"dead_letters_retry", "{\"exporter\":\"hook\",\"letters\":[]}"}}) {
      const Result<std::int64_t> added = (*client)->add(kind, argument, now);
      ASSERT_TRUE(added.ok()) << added.error().message;
    }
  }
  void expect_killed(const std::string& point, int passage = 1) {
    auto process = start_to_be_killed(point, passage);
    EXPECT_EQ(process->wait(patience), 128 + SIGKILL) << point << ", passage " << passage << "\n" << process->output();
  }
  // Whether a life comes by a point that is not among the expected ones is the portal's doing: a life that does not is
  // ended anywhere.
  bool is_killed_at(const std::string& point, int passage) {
    if (is_expected(point)) {
      expect_killed(point, passage);
      return true;
    }
    auto process = start_to_be_killed(point, passage);
    const std::optional<int> status = process->wait(seconds(10));
    if (!status) {
      std::cout << point << ", passage " << passage << ": not passed\n";
      return false;
    }
    EXPECT_EQ(status, 128 + SIGKILL) << point << ", passage " << passage << "\n" << process->output();
    return true;
  }
  std::uint64_t dead_letters() {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    std::uint64_t dead = 0;
    const JournalSnapshot snapshot = (*reader)->snapshot().value();
    for (const ExporterRow& row : snapshot.exporters) {
      EXPECT_TRUE(row.books.balance(snapshot.last_seq)) << row.name;
      dead += row.books.dead;
    }
    return dead;
  }

  const std::string list_ = folder_ / "points";
  KeptIds kept_;
  std::atomic<bool> refuses_{false};  // one record, for good
  CollectorServer hook_{[this](const CollectorServer::Request& request) {
    if (refuses_ && request.body.find("refused@example.com") != request.body.npos) return http_answer(400, "{}");
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
  std::size_t killed = 0;
  for (const Point& point : points) {
    if (is_killed_at(point.name, 1)) ++killed;
  }
  environment_.clear();
  expect_nothing_lost();
  std::cout << "killed at " << killed << " points\n";
}

// A backfill, a replay and a retry of a dead letter, with the daemon killed around every commit that is theirs. A job
// that had not begun is taken up by the next life, one that had is failed, and asked for again here.
TEST_F(KillPointTest, JobsAtEachOfTheirCommits) {
  // An answer that says that the request failed is for a person to solve: it ends `run --once` and a backfill.
  portal_.set_faults(misbehaviour({FaultKind::status, FaultKind::truncated, FaultKind::reset, FaultKind::refuse}));
  portal_.add("audit", clock_.now() - seconds(20), {{"user_id", "\"refused@example.com\""}});
  refuses_ = true;
  EXPECT_EQ(finish({"run", "--once"}), 3) << said();
  ASSERT_EQ(dead_letters(), 1u);
  const auto kill_at = [this](const std::string& point, int passages) {
    for (int passage = 1; passage <= passages; ++passage) {
      queue_jobs();
      expect_killed(point, passage);
      queue_jobs();
      expect_killed(other_side(point), passage);
    }
  };
  kill_at("commit.before tidy_jobs", 1);
  kill_at("commit.before keep_dead_letter", 1);
  kill_at("commit.before count_replayed", rounds(2, 1));
  kill_at("commit.before set_job", rounds(4, 2));
  EXPECT_EQ(dead_letters(), 1u) << "it was refused again, or nobody knows";
  refuses_ = false;
  kill_at("commit.before settle_dead_letter", 1);
  EXPECT_EQ(dead_letters(), 0u);
  environment_.clear();
  auto daemon = start({"run"});
  EXPECT_TRUE(eventually([&] { return said().find(" runs: ") != std::string::npos; })) << said();
  const std::string from = format_rfc3339(clock_.now() - std::chrono::minutes(2));
  const std::string to = format_rfc3339(clock_.now() - seconds(1));
  EXPECT_EQ(finish({"backfill", "--source", "acme", "--from", from, "--to", to}), 0) << said();
  EXPECT_EQ(finish({"dead-letters", "retry", "--all"}), 0) << said();
  daemon->signal(SIGTERM);
  EXPECT_EQ(daemon->wait(seconds(60)), 0) << daemon->output();
  expect_nothing_lost();
}

// A long mode has more rounds: AUDITFERRY_ROUNDS=200.
TEST_F(KillPointTest, AnyPointAtAnyPassage) {
  points_of_a_life();
  const std::vector<Point> points = points_of_a_life();  // of a life that found a journal
  ASSERT_GT(points.size(), 20u);
  std::mt19937 random(20261127);
  const std::size_t kills = long_mode("AUDITFERRY_ROUNDS", rounds(std::size_t{20}, std::size_t{8}));
  for (std::size_t kill = 0; kill < kills; ++kill) {
    const Point& point = points[random() % points.size()];
    // A point that is passed at the start alone is passed once.
    const int passage = 1 + static_cast<int>(random() % static_cast<unsigned>(std::min(point.passages, 6)));
    is_killed_at(point.name, passage);
  }
  environment_.clear();
  expect_nothing_lost();
}

}  // namespace
}  // namespace auditferry
