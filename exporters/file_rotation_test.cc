// Rotation, closing and compression by the file exporter.
#include <gtest/gtest.h>

#include "encoding/hash.h"
#include "exporters/file_rules_fixture.h"

namespace auditferry {
namespace {

class FileRotation : public FileRules {};

TEST_F(FileRotation, RotatesBySizeBeforeTheLineThatWouldExceedIt) {
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
            lines(0, 20).substr(
                0, content("x.jsonl").size() + content("x.1.jsonl").size() + content("x.2.jsonl").size()));
}

TEST_F(FileRotation, ALineThatIsTooLongGetsItsOwnFile) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_size = 10;
  start(settings, 3);
  write(3);
  EXPECT_EQ(content("x.jsonl"), lines(0, 1));
  EXPECT_EQ(content("x.1.jsonl"), lines(1, 2));
  EXPECT_EQ(content("x.2.jsonl"), lines(2, 3));
}

TEST_F(FileRotation, RotatesByAgeAndNeverWritesAClosedFileAgain) {
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
  EXPECT_EQ(names(), std::vector<std::string>{"x.1.jsonl"})
      << "the number is used up, though the file is gone";
  fixture.loop.run_until_idle(std::chrono::minutes(61));
  write(10);
  EXPECT_EQ(content("x.2.jsonl"), lines(20, 30)) << "also without tend()";
}

TEST_F(FileRotation, ClosesTheFileOfADateThatIsOverAndLateRecordsOpenTheNextNumber) {
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

TEST_F(FileRotation, CompressesClosedFiles) {
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

TEST_F(FileRotation, CompressesOnlyWhatWasNotedDownAsClosed) {
  FileSettings settings = one_file("x.jsonl");
  settings.rotate_every = std::chrono::hours(1);
  settings.compress = Compression::zstd;
  start(settings);
  write(5);
  fixture.loop.run_until_idle(std::chrono::minutes(61));
  rig->tend(*exporter, false);
  EXPECT_EQ(names(), std::vector<std::string>{"x.jsonl"});
  // The closing is forgotten, and by the clock the file is not old enough any more.
  fixture.loop.clock().jump_wall(-std::chrono::hours(1));
  restart();
  write(5);
  EXPECT_EQ(content("x.jsonl"), lines(0, 10));
}

TEST_F(FileRotation, DoesNotReplaceSomebodyElsesCompressedFile) {
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

TEST_F(FileRotation, ANumberWhoseFileWasCompressedIsUsedUp) {
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

TEST_F(FileRotation, AForgottenSeriesAvoidsCompressedNumbers) {
  fixture.disk.put("x.jsonl.gz", "old");
  fixture.disk.put("x.1.jsonl.zst", "old");
  start(one_file("x.jsonl"));
  write(5);
  EXPECT_EQ(content("x.2.jsonl"), lines(0, 5));
}

TEST_F(FileRotation, DoesNotCompressWhatChangedAfterClosing) {
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
  EXPECT_EQ(fixture.count_notes("file_closed", hex(sha256(closed))), 1u)
      << "the hash speaks of what was written";
}

}  // namespace
}  // namespace auditferry
