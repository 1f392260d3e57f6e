#include "exporters/file_exporter.h"

#include <gtest/gtest.h>

#include "exporters/file_rules_fixture.h"
#include "tests/support/exporter_contract.h"

namespace auditferry {
namespace {

class FileSink final : public ExporterSink {
 public:
  explicit FileSink(FileSettings settings) : fixture_(std::move(settings)) {}
  TestLoop& loop() override { return fixture_.loop; }
  const Format& format() override { return fixture_.format; }
  const RecordingLog& log() override { return fixture_.log; }
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
  DeliveryRig again(fixture.loop, *records,
                    {{"series x.jsonl", "{\"number\":-4"}, {"closed y", "[]"}, {"other", ""}});
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
