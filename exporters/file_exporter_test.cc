#include "exporters/file_exporter.h"

#include <gtest/gtest.h>

#include "encoding/hash.h"
#include "exporters/file_fixture.h"
#include "tests/support/exporter_contract.h"

namespace auditferry {
namespace {

FileSettings one_file(const std::string& path) {
  FileSettings settings;
  settings.path = path;
  return settings;
}

class FileSink final : public ExporterSink {
 public:
  explicit FileSink(FileSettings settings) : fixture_(std::move(settings)) {}
  TestLoop& loop() override { return fixture_.loop; }
  const Format& format() override { return fixture_.format; }
  std::unique_ptr<Exporter> make() override { return fixture_.make(); }
  std::vector<std::string> lines() override { return fixture_.all_lines(); }
  void break_sink() override { fixture_.disk.set_capacity(0); }
  void repair_sink() override { fixture_.disk.set_capacity(std::nullopt); }
  bool fail_at(std::uint64_t n) override {
    fail_call_ = fixture_.disk.calls() + n;
    fixture_.disk.fail_at(n, n % 2 == 0 ? ErrorKind::io : ErrorKind::no_space);
    return true;
  }
  bool has_failed() override { return fixture_.disk.calls() >= fail_call_; }
  void crash() override { fixture_.disk.restart(FaultyFileSystem::Loss::some, ++crashes_); }
  bool exactly_once() const override { return true; }

 private:
  FileFixture fixture_;
  std::uint64_t fail_call_ = 0;
  std::uint64_t crashes_ = 0;
};

TEST(FileExporter, KeepsTheContract) {
  expect_exporter_contract([] { return std::make_unique<FileSink>(one_file("x.jsonl")); });
}

TEST(FileExporter, KeepsTheContractWithSeveralFilesAndRotation) {
  expect_exporter_contract([] {
    FileSettings settings = one_file("logs/{stream}.jsonl");
    settings.max_open = 1;
    settings.rotate_size = 2500;
    return std::make_unique<FileSink>(settings);
  });
}

class FileRules : public testing::Test {
 protected:
  void start(FileSettings settings, std::size_t count = 40, std::size_t streams = 1, Duration step = std::chrono::minutes(1)) {
    fixture.set(std::move(settings));
    records = std::make_unique<TestRecords>(fixture.format, count, streams, step);
    rig = std::make_unique<DeliveryRig>(fixture.loop, *records);
    restart();
  }
  void restart() {
    exporter.reset();
    exporter = fixture.make();
    rig->open(*exporter);
  }
  void write(std::size_t count) { ASSERT_EQ(rig->write(*exporter, count).verdict, Verdict::delivered); }
  std::string lines(std::size_t from, std::size_t to) const {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += records->line(i) + "\n";
    return text;
  }
  std::string content(const std::string& path) const {
    const auto all = fixture.disk.contents();
    const auto found = all.find(path);
    return found == all.end() ? "(none)" : found->second;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [path, bytes] : fixture.disk.contents()) all.push_back(path);
    return all;
  }
  void tend_to_end() {
    for (int i = 0; i < 20; ++i) rig->tend(*exporter);
  }

  FileFixture fixture{one_file("x.jsonl")};
  std::unique_ptr<TestRecords> records;
  std::unique_ptr<DeliveryRig> rig;
  std::unique_ptr<Exporter> exporter;
};

TEST_F(FileRules, WritesOneAppendAndOneSyncForABatch) {
  start(one_file("x.jsonl"));
  write(5);
  const std::uint64_t before = fixture.disk.calls();
  write(20);
  // Is it still there, how long is it, append, sync.
  EXPECT_EQ(fixture.disk.calls() - before, 4u);
  EXPECT_EQ(content("x.jsonl"), lines(0, 25));
}

TEST_F(FileRules, AdoptsOverSeveralSmallerBatches) {
  start(one_file("x.jsonl"));
  write(5);
  rig->write(*exporter, 20, false);
  restart();
  for (int i = 0; i < 5; ++i) write(3);
  EXPECT_EQ(content("x.jsonl"), lines(0, 25)) << "nothing is written while what is there is adopted";
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(0, 30));
  EXPECT_TRUE(fixture.notes.empty());
}

TEST_F(FileRules, CutsAnIncompleteLine) {
  start(one_file("x.jsonl"));
  write(5);
  exporter.reset();
  fixture.disk.put("x.jsonl", lines(0, 7) + records->line(7).substr(0, 30));
  restart();
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(0, 15));
}

TEST_F(FileRules, NeverCutsWhatItDidNotWrite) {
  start(one_file("x.jsonl"));
  write(5);
  exporter.reset();
  const std::string foreign = lines(0, 6) + "somebody's line\n";
  fixture.disk.put("x.jsonl", foreign);
  restart();
  write(5);
  EXPECT_EQ(content("x.jsonl"), foreign);
  EXPECT_EQ(content("x.1.jsonl"), lines(6, 10)) << "the line that was adopted is not written again";
  EXPECT_EQ(fixture.count_notes("file_abandoned", "\"path\":\"x.jsonl\""), 1u);
  EXPECT_EQ(fixture.log.count("left as it is", LogLevel::warn), 1u);
}

TEST_F(FileRules, NoticesAForeignLineWhileItRuns) {
  start(one_file("x.jsonl"));
  write(5);
  fixture.disk.put("x.jsonl", lines(0, 5) + "somebody's line\n");
  write(5);
  EXPECT_EQ(content("x.1.jsonl"), lines(5, 10));
  EXPECT_EQ(fixture.count_notes("file_abandoned"), 1u);
}

TEST_F(FileRules, LeavesAnUnknownFileAlone) {
  fixture.disk.put("x.jsonl", "what was there before\n");
  start(one_file("x.jsonl"));
  write(5);
  EXPECT_EQ(content("x.jsonl"), "what was there before\n");
  EXPECT_EQ(content("x.1.jsonl"), lines(0, 5));
}

TEST_F(FileRules, AdoptsAFileFromBeforeTheFirstCommit) {
  start(one_file("x.jsonl"));
  rig->write(*exporter, 8, false);
  restart();
  write(12);
  EXPECT_EQ(names(), std::vector<std::string>{"x.jsonl"});
  EXPECT_EQ(content("x.jsonl"), lines(0, 12));
}

TEST_F(FileRules, GoesOnAtTheEndOfAShortenedFile) {
  start(one_file("x.jsonl"));
  write(10);
  fixture.disk.put("x.jsonl", lines(0, 4));
  write(5);
  EXPECT_EQ(content("x.jsonl"), lines(0, 4) + lines(10, 15));
  EXPECT_EQ(fixture.log.count("was shortened by somebody", LogLevel::warn), 1u);
  fixture.disk.put("x.jsonl", "");
  write(5);
  EXPECT_EQ(content("x.jsonl"), lines(15, 20));
  restart();
  write(5);
  EXPECT_EQ(content("x.jsonl"), lines(15, 25));
}

TEST_F(FileRules, DoesNotContinueHalfALine) {
  start(one_file("x.jsonl"));
  write(10);
  const std::string half = lines(0, 3) + records->line(3).substr(0, 9);
  fixture.disk.put("x.jsonl", half);
  write(5);
  EXPECT_EQ(content("x.jsonl"), half);
  EXPECT_EQ(content("x.1.jsonl"), lines(10, 15));
}

TEST_F(FileRules, BeginsAnewWhenTheFileWasMovedAway) {
  start(one_file("x.jsonl"));
  write(10);
  fixture.disk.move_away("x.jsonl", "x.jsonl.1");
  write(10);
  EXPECT_EQ(content("x.jsonl.1"), lines(0, 10));
  EXPECT_EQ(content("x.jsonl"), lines(10, 20));
  EXPECT_EQ(fixture.count_notes("file_closed", "\"moved\":true"), 1u);
  fixture.disk.erase("x.jsonl");
  restart();
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(20, 30));
}

TEST_F(FileRules, ReopensForOutsideRotation) {
  start(one_file("x.jsonl"));
  write(10);
  fixture.disk.move_away("x.jsonl", "x.jsonl.1");
  fixture.disk.put("x.jsonl", "");
  rig->reopen(*exporter);
  EXPECT_FALSE(fixture.disk.locked("x.jsonl.1"));
  EXPECT_EQ(fixture.count_notes("file_closed", "\"last_seq\":10"), 1u);
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(10, 20));
}

TEST_F(FileRules, RotatesBySizeBeforeTheLineThatWouldExceedIt) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_size = 1000;
  start(settings);
  write(20);
  const auto all = fixture.disk.contents();
  ASSERT_GE(all.size(), 4u);
  for (const auto& [path, bytes] : all) {
    EXPECT_LE(bytes.size(), 1000u) << path;
    EXPECT_EQ(bytes.back(), '\n') << path;
  }
  EXPECT_EQ(content("x.jsonl") + content("x.1.jsonl") + content("x.2.jsonl"),
            lines(0, 20).substr(0, content("x.jsonl").size() + content("x.1.jsonl").size() + content("x.2.jsonl").size()));
}

TEST_F(FileRules, ALineThatIsTooLongGetsItsOwnFile) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_size = 10;
  start(settings, 3);
  write(3);
  EXPECT_EQ(content("x.jsonl"), lines(0, 1));
  EXPECT_EQ(content("x.1.jsonl"), lines(1, 2));
  EXPECT_EQ(content("x.2.jsonl"), lines(2, 3));
}

TEST_F(FileRules, RotatesByAgeAndNeverWritesAClosedFileAgain) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_every = std::chrono::hours(1);
  start(settings);
  write(10);
  fixture.loop.run_until_idle(std::chrono::minutes(61));
  tend_to_end();
  EXPECT_EQ(fixture.count_notes("file_closed", "\"sha256\":\"" + hex(sha256(lines(0, 10))) + "\""), 1u);
  EXPECT_EQ(fixture.count_notes("file_closed"), 1u);
  fixture.disk.erase("x.jsonl");
  write(10);
  EXPECT_EQ(names(), std::vector<std::string>{"x.1.jsonl"}) << "the number is used up, though the file is gone";
  fixture.loop.run_until_idle(std::chrono::minutes(61));
  write(10);
  EXPECT_EQ(content("x.2.jsonl"), lines(20, 30)) << "also without tend()";
}

TEST_F(FileRules, ClosesTheFileOfADateThatIsOverAndLateRecordsOpenTheNextNumber) {
  start(one_file("x-{date}.jsonl"), 40, 1, std::chrono::hours(1));
  write(20);  // 09:00 to 04:00 of the next day
  EXPECT_EQ(names(), (std::vector<std::string>{"x-2025-11-23.jsonl", "x-2025-11-24.jsonl"}));
  fixture.loop.run_until_idle(std::chrono::hours(13));  // it is 23:00
  tend_to_end();
  EXPECT_EQ(fixture.count_notes("file_closed"), 0u);
  fixture.loop.run_until_idle(std::chrono::hours(3));  // 02:00
  tend_to_end();
  EXPECT_EQ(fixture.count_notes("file_closed", "x-2025-11-23.jsonl"), 1u);
  EXPECT_EQ(fixture.count_notes("file_closed"), 1u);
  // The same records again stand for late ones of that day.
  DeliveryRig late(fixture.loop, *records);
  late.write(*exporter, 5);
  EXPECT_EQ(content("x-2025-11-23.1.jsonl"), lines(0, 5));
}

TEST_F(FileRules, CompressesClosedFiles) {
  for (const Compression kind : {Compression::zstd, Compression::gzip}) {
    FileSettings settings = one_file("logs/x" + std::to_string(static_cast<int>(kind)) + ".jsonl");
    settings.rotate_size = 1000;
    settings.compress = kind;
    start(settings);
    write(30);
    tend_to_end();
    std::vector<std::string> all = fixture.all_lines();
    std::sort(all.begin(), all.end());
    std::vector<std::string> expected = records->lines();
    expected.resize(30);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(all, expected);
    std::size_t plain = 0;
    for (const std::string& name : names()) {
      plain += name.ends_with(".jsonl");
      EXPECT_FALSE(name.ends_with(".tmp"));
    }
    EXPECT_EQ(plain, 1u) << "only the open one";
    for (const std::string& name : names()) fixture.disk.erase(name);
  }
}

TEST_F(FileRules, DoesNotReplaceSomebodyElsesCompressedFile) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_size = 1000;
  settings.compress = Compression::zstd;
  start(settings);
  write(6);
  ASSERT_EQ(names().size(), 2u);
  const std::string closed = content("x.jsonl");
  fixture.disk.put("x.jsonl.zst", "somebody's");
  tend_to_end();
  EXPECT_EQ(content("x.jsonl.zst"), "somebody's");
  EXPECT_EQ(content("x.jsonl"), closed);
  EXPECT_EQ(fixture.log.count("stays uncompressed", LogLevel::warn), 1u);
}

TEST_F(FileRules, ANumberWhoseFileWasCompressedIsUsedUp) {
  // The closing was never noted down, but its consequences are there.
  FileSettings settings = one_file("x.jsonl");
  settings.compress = Compression::zstd;
  start(settings);
  write(5);
  exporter.reset();
  fixture.disk.erase("x.jsonl");
  fixture.disk.put("x.jsonl.zst", zstd_compress(lines(0, 5), 3));
  restart();
  write(5);
  EXPECT_EQ(content("x.1.jsonl"), lines(5, 10));
  EXPECT_EQ(fixture.count_notes("file_closed", "moved"), 0u);
}

TEST_F(FileRules, AForgottenSeriesAvoidsCompressedNumbers) {
  fixture.disk.put("x.jsonl.gz", "old");
  fixture.disk.put("x.1.jsonl.zst", "old");
  start(one_file("x.jsonl"));
  write(5);
  EXPECT_EQ(content("x.2.jsonl"), lines(0, 5));
}

TEST_F(FileRules, DoesNotCompressWhatChangedAfterClosing) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_size = 1000;
  settings.compress = Compression::gzip;
  start(settings);
  write(6);
  const std::string closed = content("x.jsonl");
  fixture.disk.put("x.jsonl", closed + "more");
  tend_to_end();
  EXPECT_EQ(content("x.jsonl"), closed + "more");
  EXPECT_EQ(content("x.jsonl.gz"), "(none)");
  EXPECT_EQ(fixture.count_notes("file_closed", hex(sha256(closed))), 1u) << "the hash speaks of what was written";
}

TEST_F(FileRules, AFullDiskIsARetryAndIsCutBack) {
  start(one_file("x.jsonl"));
  write(5);
  fixture.disk.set_capacity(lines(0, 7).size() + 20);
  const WriteOutcome outcome = rig->write(*exporter, 10);
  EXPECT_EQ(outcome.verdict, Verdict::retry);
  EXPECT_EQ(content("x.jsonl"), lines(0, 5)) << "the part that fitted gives its space back";
  fixture.disk.set_capacity(std::nullopt);
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(0, 15));
}

TEST_F(FileRules, AfterAFailedSyncTheLinesAreWrittenAgain) {
  start(one_file("x.jsonl"));
  write(5);
  fixture.disk.fail_at(4, ErrorKind::io);  // still there, size, append, sync
  EXPECT_EQ(rig->write(*exporter, 10).verdict, Verdict::retry);
  EXPECT_EQ(content("x.jsonl"), lines(0, 5)) << "what a failed sync left in memory proves nothing";
  write(10);
  EXPECT_EQ(content("x.jsonl"), lines(0, 15));
}

TEST_F(FileRules, ALockedFilePauses) {
  start(one_file("x.jsonl"));
  OpenOptions options;
  auto other = fixture.disk.open("x.jsonl", options);
  ASSERT_TRUE(other.ok());
  const WriteOutcome outcome = rig->write(*exporter, 5);
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("x.jsonl"), std::string::npos);
  other->reset();
  write(5);
  EXPECT_EQ(content("x.jsonl"), lines(0, 5));
  EXPECT_TRUE(fixture.disk.locked("x.jsonl"));
  rig->close(*exporter);
  EXPECT_FALSE(fixture.disk.locked("x.jsonl"));
}

TEST_F(FileRules, BoundsItsDescriptors) {
  FileSettings settings = one_file("{stream}.jsonl");
  settings.max_open = 3;
  start(settings, 40, 8);
  write(40);
  std::size_t open = 0;
  for (const std::string& name : names()) open += fixture.disk.locked(name);
  EXPECT_EQ(names().size(), 8u);
  EXPECT_EQ(open, 3u);
}

TEST_F(FileRules, UnreadableStateIsNotTrusted) {
  start(one_file("x.jsonl"));
  write(5);
  exporter = fixture.make();
  DeliveryRig again(fixture.loop, *records, {{"series x.jsonl", "{\"number\":-4"}, {"closed y", "[]"}, {"other", ""}});
  again.open(*exporter);
  EXPECT_EQ(fixture.log.count("cannot be read", LogLevel::warn), 3u);
  again.write(*exporter, 8);
  EXPECT_EQ(content("x.jsonl"), lines(0, 8)) << "the same lines are found and adopted";
}

TEST_F(FileRules, ATailThatNobodyClaimsIsGivenUpAfterAWhile) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_every = std::chrono::minutes(10);
  start(settings);
  write(5);
  exporter.reset();
  fixture.disk.put("x.jsonl", lines(0, 5) + "somebody's line\n");
  restart();
  fixture.loop.run_until_idle(std::chrono::minutes(30));
  tend_to_end();
  EXPECT_EQ(fixture.count_notes("file_abandoned"), 0u) << "the records may still be on their way";
  fixture.loop.run_until_idle(std::chrono::minutes(61));
  tend_to_end();
  EXPECT_EQ(fixture.count_notes("file_abandoned"), 1u);
}

}  // namespace
}  // namespace auditferry
