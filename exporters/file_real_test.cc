// The file exporter on the operating system's own files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "exporters/file_fixture.h"
#include "net/file_system.h"
#include "tests/support/other_group.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_root.h"

namespace auditferry {
namespace {

class RealFiles : public testing::Test {
 protected:
  void start(FileSettings settings, std::size_t count = 40) {
    fixture.set(std::move(settings));
    records = std::make_unique<TestRecords>(fixture.format, count, 2, std::chrono::minutes(1));
    rig = std::make_unique<DeliveryRig>(fixture.loop, *records);
    restart();
  }
  void restart() {
    exporter.reset();
    exporter = fixture.make(files);
    rig->open(*exporter);
  }
  FileSettings at(const std::string& name) {
    FileSettings settings;
    settings.path = folder / name;
    return settings;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string lines(std::size_t from, std::size_t to) const {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += records->line(i) + "\n";
    return text;
  }
  static unsigned mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 07777;
  }

  TemporaryFolder folder;
  PosixFileSystem files;
  FileFixture fixture{FileSettings{}};
  std::unique_ptr<TestRecords> records;
  std::unique_ptr<DeliveryRig> rig;
  std::unique_ptr<Exporter> exporter;
};

TEST_F(RealFiles, ModesAndGroupOfFilesFoldersAndCompressedFiles) {
  FileSettings settings = at("a/b/{stream}.jsonl");
  settings.mode = 0640;
  settings.rotate_size = 1500;
  settings.compress = Compression::zstd;
  const NamedGroup given = group_to_give_to();
  settings.group = given.name;
  start(settings);
  ASSERT_EQ(rig->write(*exporter, 40).verdict, Verdict::delivered);
  for (int i = 0; i < 20; ++i) rig->tend(*exporter);
  EXPECT_EQ(mode_of(folder / "a"), 0750u);
  EXPECT_EQ(mode_of(folder / "a/b"), 0750u);
  EXPECT_EQ(group_of(folder / "a"), given.id);
  EXPECT_EQ(group_of(folder / "a/b"), given.id);
  std::size_t compressed = 0;
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "a/b")) {
    const std::string path = entry.path();
    EXPECT_EQ(mode_of(path), 0640u) << path;
    EXPECT_EQ(group_of(path), given.id) << path;
    std::string text = content(path);
    if (path.ends_with(".zst")) {
      ++compressed;
      text = zstd_decompress(text, 1u << 20).value();
    }
    seen += split_lines(text).size();
  }
  EXPECT_GE(compressed, 2u);
  EXPECT_EQ(seen, 40u);
}

TEST_F(RealFiles, ASecondWriterIsKeptOut) {
  start(at("x.jsonl"));
  const int other = open((folder / "x.jsonl").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  const WriteOutcome outcome = rig->write(*exporter, 10);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find(folder / "x.jsonl"), std::string::npos);
  close(other);
  EXPECT_EQ(rig->write(*exporter, 10).verdict, Verdict::delivered);
  const auto second = fixture.make(files);
  DeliveryRig its_rig(fixture.loop, *records);
  its_rig.open(*second);
  EXPECT_EQ(its_rig.write(*second, 10).verdict, Verdict::pause);
  EXPECT_EQ(content(folder / "x.jsonl"), lines(0, 10));
}

// Equal paths are refused by the configuration; these templates lead to one file for some records only. Whoever has it
// keeps the other out, who says so and waits; once it is free, what the other left is let alone: no line is mixed, none
// is lost.
TEST_F(RealFiles, TwoExportersWhosePathsMeetInOneFileNeverMixTheirLines) {
  start(at("{stream}.jsonl"));
  ASSERT_EQ(rig->write(*exporter, 10).verdict, Verdict::delivered);
  fixture.set(at("s0.jsonl"));
  auto other = fixture.make(files);
  DeliveryRig its_rig(fixture.loop, *records);
  its_rig.open(*other);
  const auto expect_kept_out = [](DeliveryRig& whose, Exporter& kept_out) {
    const std::uint64_t position = whose.position();
    const WriteOutcome refused = whose.write(kept_out, 10);
    EXPECT_EQ(refused.verdict, Verdict::pause);
    EXPECT_NE(refused.reason.find("another exporter whose path leads to the same file"), std::string::npos) << refused.reason;
    EXPECT_EQ(whose.position(), position);
  };
  expect_kept_out(its_rig, *other);
  // They take turns from now on: each time the other one has gone.
  const std::string before = content(folder / "s0.jsonl");
  rig->close(*exporter);
  exporter.reset();
  EXPECT_EQ(its_rig.write(*other, 10).verdict, Verdict::delivered);
  EXPECT_EQ(content(folder / "s0.jsonl"), before) << "what the first one wrote is left as it is";
  EXPECT_EQ(fixture.count_notes("file_abandoned", "s0.jsonl"), 1u);
  fixture.set(at("{stream}.jsonl"));
  restart();
  expect_kept_out(*rig, *exporter);
  while (!its_rig.done()) ASSERT_EQ(its_rig.write(*other, 7).verdict, Verdict::delivered);
  its_rig.close(*other);
  other.reset();
  while (!rig->done()) ASSERT_EQ(rig->write(*exporter, 7).verdict, Verdict::delivered);
  std::map<std::string, int> times;
  std::set<std::string> its;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    for (const std::string& line : split_lines(content(entry.path()))) {
      ++times[line];
      if (entry.path().filename().string().starts_with("s0")) its.insert(line);
    }
  }
  const std::vector<std::string> all = records->lines();
  EXPECT_EQ(its, std::set<std::string>(all.begin(), all.end())) << "the second one has delivered everything to files of its path";
  EXPECT_EQ(times.size(), all.size()) << "no line was made up";
  for (const std::string& line : all) EXPECT_EQ(times[line], line == all.front() ? 1 : 2) << line << " (the first line of the file was there already)";
}

TEST_F(RealFiles, RotationByOthersWithAndWithoutASignal) {
  start(at("x.jsonl"));
  rig->write(*exporter, 10);
  std::filesystem::rename(folder / "x.jsonl", folder / "old-1");
  rig->write(*exporter, 10);
  std::filesystem::rename(folder / "x.jsonl", folder / "old-2");
  std::ofstream(folder / "x.jsonl").flush();
  rig->reopen(*exporter);
  rig->write(*exporter, 10);
  EXPECT_EQ(content(folder / "old-1"), lines(0, 10));
  EXPECT_EQ(content(folder / "old-2"), lines(10, 20));
  EXPECT_EQ(content(folder / "x.jsonl"), lines(20, 30));
  // logrotate's copytruncate.
  std::filesystem::resize_file(folder / "x.jsonl", 0);
  rig->write(*exporter, 10);
  EXPECT_EQ(content(folder / "x.jsonl"), lines(30, 40));
  EXPECT_FALSE(std::filesystem::exists(folder / "x.1.jsonl"));
}

TEST_F(RealFiles, GoesOnAfterAKill) {
  start(at("x.jsonl"));
  rig->write(*exporter, 10);
  rig->write(*exporter, 10, false);
  exporter.reset();
  std::filesystem::resize_file(folder / "x.jsonl", std::filesystem::file_size(folder / "x.jsonl") - 11);
  restart();
  while (!rig->done()) ASSERT_EQ(rig->write(*exporter, 3).verdict, Verdict::delivered);
  EXPECT_EQ(content(folder / "x.jsonl"), lines(0, 40));
}

TEST_F(RealFiles, AMissingRightPausesWithWords) {
  start(at("x.jsonl"));
  ASSERT_EQ(chmod(folder.path().c_str(), 0500), 0);
  WriteOutcome outcome;
  Status greeted;
  {
    const WithoutRoot without_root;
    ASSERT_TRUE(without_root.effective());
    outcome = rig->write(*exporter, 10);
    greeted = rig->greet(*exporter);
  }
  chmod(folder.path().c_str(), 0700);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("ReadWritePaths="), std::string::npos);
  EXPECT_FALSE(greeted.ok());
}

TEST_F(RealFiles, GreetingLeavesNothing) {
  start(at("not/yet/{date}/x.jsonl"));
  EXPECT_TRUE(rig->greet(*exporter).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace auditferry
