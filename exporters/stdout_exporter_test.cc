#include "exporters/stdout_exporter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "exporters/file_fixture.h"
#include "exporters/json_format.h"
#include "tests/support/exporter_contract.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

// A pipe whose reader takes everything, or nothing.
class PipeSink final : public ExporterSink {
 public:
  PipeSink() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~PipeSink() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  TestLoop& loop() override { return loop_; }
  const Format& format() override { return format_; }
  const RecordingLog& log() override { return log_; }
  std::unique_ptr<Exporter> make() override {
    return std::make_unique<StdoutExporter>(
        ends_[1], ExporterWorld{loop_.executor(), loop_.clock(), log_, disk_, loop_.blocking(), {}},
        [this](int descriptor, const void* bytes, std::size_t count) { return write_some(descriptor, bytes, count); });
  }
  std::vector<std::string> lines() override {
    drain();
    return split_lines(held_);
  }
  // Standard output may not lead anywhere any more.
  void break_sink() override {
    drain();
    kept_ = dup(ends_[1]);
    const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(read_only, ends_[1]);
    close(read_only);
  }
  void repair_sink() override {
    dup2(kept_, ends_[1]);
    close(kept_);
  }
  bool fail_at(std::uint64_t call) override {
    fail_at_ = call;
    return true;
  }
  bool has_failed() override { return failed_; }

 private:
  // A pipe that takes little at a time. The call that is to fail takes half of its bytes, the next one tells.
  ssize_t write_some(int descriptor, const void* bytes, std::size_t count) {
    count = std::min<std::size_t>(count, 500);
    ++calls_;
    if (fail_at_ != 0 && calls_ == fail_at_) return ::write(descriptor, bytes, (count + 1) / 2);
    if (fail_at_ != 0 && calls_ == fail_at_ + 1) {
      failed_ = true;
      errno = EIO;
      return -1;
    }
    return ::write(descriptor, bytes, count);
  }
  void drain() {
    char bytes[4096];
    for (ssize_t count = read(ends_[0], bytes, sizeof bytes); count > 0;
         count = read(ends_[0], bytes, sizeof bytes)) {
      held_.append(bytes, static_cast<std::size_t>(count));
    }
  }
  int ends_[2] = {-1, -1};
  int kept_ = -1;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = 0;
  bool failed_ = false;
  std::string held_;
  TestLoop loop_;
  RecordingLog log_;
  FaultyFileSystem disk_;
  JsonFormat format_{{}};
};

TEST(StdoutExporter, KeepsTheContract) {
  expect_exporter_contract([] { return std::make_unique<PipeSink>(); });
}

class StdoutTest : public testing::Test {
 protected:
  std::unique_ptr<Exporter> make(int descriptor) {
    return std::make_unique<StdoutExporter>(
        descriptor, ExporterWorld{loop.executor(), loop.clock(), log, disk, loop.blocking(), {}});
  }
  TestLoop loop;
  RecordingLog log;
  FaultyFileSystem disk;
  JsonFormat format{{}};
};

TEST_F(StdoutTest, AReaderThatIsGonePauses) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const auto exporter = make(ends[1]);
  const TestRecords records(format, 5, 1, std::chrono::seconds(1));
  DeliveryRig rig(loop, records);
  EXPECT_TRUE(rig.greet(*exporter).ok());
  close(ends[0]);
  EXPECT_FALSE(rig.greet(*exporter).ok());
  const WriteOutcome outcome = rig.write(*exporter, 5);  // the signal must not end the test either
  EXPECT_EQ(outcome.verdict, Verdict::pause);
  EXPECT_NE(outcome.reason.find("nobody reads standard output"), std::string::npos);
  EXPECT_EQ(rig.position(), 0u);
  close(ends[1]);
}

TEST_F(StdoutTest, ASlowReaderGetsWholeLinesInOrder) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const auto exporter = make(ends[1]);
  // More than a pipe holds.
  const TestRecords records(format, 2000, 1, std::chrono::seconds(1));
  DeliveryRig rig(loop, records);
  std::string held;
  std::thread reader([&held, from = ends[0]] {
    char bytes[700];
    for (ssize_t count = read(from, bytes, sizeof bytes); count > 0;
         count = read(from, bytes, sizeof bytes)) {
      held.append(bytes, static_cast<std::size_t>(count));
    }
  });
  while (!rig.done()) rig.write(*exporter, 700);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  EXPECT_EQ(split_lines(held), records.lines());
}

TEST_F(StdoutTest, AFullDiskBehindItIsARetryThatGoesOnWhereItStopped) {
  TemporaryFolder folder;
  const int file = open((folder / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  const auto exporter = make(file);
  const TestRecords records(format, 30, 1, std::chrono::seconds(1));
  DeliveryRig rig(loop, records);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_EQ(rig.write(*exporter, 20).verdict, Verdict::retry);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(lseek(file, 0, SEEK_END), 1000) << "a part was taken";
  while (!rig.done()) ASSERT_EQ(rig.write(*exporter, 20).verdict, Verdict::delivered);
  std::string held(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  ASSERT_EQ(pread(file, held.data(), held.size(), 0), static_cast<ssize_t>(held.size()));
  EXPECT_EQ(split_lines(held), records.lines());
  close(file);
}

}  // namespace
}  // namespace auditferry
