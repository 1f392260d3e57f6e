#include "daemon/repeated_lines.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/task_group.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class RepeatedLinesTest : public testing::Test {
 protected:
  RepeatedLinesTest() { limits_.lines = 3; open(); }
  ~RepeatedLinesTest() override { end_watch(); }
  void open() { lines_ = std::make_unique<RepeatedLines>(out_, loop_.clock(), limits_); }
  void pass(Duration duration) { loop_.run(loop_.clock().sleep(duration)); }
  void watch() { group_.spawn("watch", lines_->watch()); }
  void end_watch() { loop_.run(end()); }
  Task<void> end() {
    group_.cancel();
    co_await group_.join();
  }
  std::string suppressed(std::size_t line) const {
    for (const LogField& field : out_.lines.at(line).fields) {
      if (field.key == "suppressed") return field.value;
    }
    return "";
  }

  TestLoop loop_;
  RecordingLog out_;
  RepeatedLinesLimits limits_;
  std::unique_ptr<RepeatedLines> lines_;
  TaskGroup group_{loop_.executor()};
};

TEST_F(RepeatedLinesTest, AFewOfOneKindAndTheRestIsToldWithTheNextLine) {
  for (int i = 0; i < 10; ++i) lines_->warn("record " + std::to_string(i) + " was refused", {{"exporter", "siem"}});
  ASSERT_EQ(out_.lines.size(), 3u);
  EXPECT_EQ(out_.lines[2].message, "record 2 was refused");
  pass(seconds(60));
  lines_->warn("record 99 was refused", {{"exporter", "siem"}});
  ASSERT_EQ(out_.lines.size(), 4u);
  EXPECT_EQ(out_.lines[3].message, "record 99 was refused");
  EXPECT_EQ(suppressed(3), "7");
  // Counted once: the next window begins at nothing.
  pass(seconds(60));
  lines_->warn("record 100 was refused", {{"exporter", "siem"}});
  EXPECT_EQ(suppressed(4), "");
}

TEST_F(RepeatedLinesTest, ATimerTellsWhenNoOtherLineComes) {
  watch();
  for (int i = 0; i < 5; ++i) lines_->error("broken " + std::to_string(i), {{"exporter", "siem"}});
  pass(seconds(59));
  EXPECT_EQ(out_.lines.size(), 3u);
  pass(seconds(12));
  ASSERT_EQ(out_.lines.size(), 4u);
  EXPECT_EQ(out_.lines[3].message, "2 more lines like this were held back; the last: broken 4");
  EXPECT_EQ(out_.lines[3].level, LogLevel::error);
  EXPECT_EQ(out_.lines[3].fields.front().value, "siem");
  EXPECT_EQ(suppressed(3), "2");
  pass(std::chrono::hours(1));
  EXPECT_EQ(out_.lines.size(), 4u);
}

TEST_F(RepeatedLinesTest, TheEndTellsTheRest) {
  for (int i = 0; i < 4; ++i) lines_->info("again");
  lines_.reset();
  ASSERT_EQ(out_.lines.size(), 4u);
  EXPECT_EQ(out_.lines[3].message, "1 more line like this was held back; the last: again");
}

TEST_F(RepeatedLinesTest, OthersAreNotHeldBack) {
  for (int i = 0; i < 10; ++i) lines_->warn("refused", {{"exporter", "siem"}, {"request_id", std::to_string(i)}});
  EXPECT_EQ(out_.lines.size(), 3u);
  lines_->warn("refused", {{"exporter", "archive"}});
  EXPECT_EQ(out_.lines.size(), 4u) << "another exporter";
  lines_->error("refused", {{"exporter", "siem"}});
  EXPECT_EQ(out_.lines.size(), 5u) << "another level";
  lines_->warn("accepted", {{"exporter", "siem"}});
  EXPECT_EQ(out_.lines.size(), 6u) << "other words";
  for (int i = 0; i < 10; ++i) lines_->debug("detail");
  EXPECT_EQ(out_.lines.size(), 16u) << "who asks for details gets them all";
}

TEST_F(RepeatedLinesTest, WatchesABoundedNumberOfKindsAndForgetsOldOnes) {
  limits_.kinds = 2;
  open();
  for (int i = 0; i < 5; ++i) lines_->warn("first");
  for (int i = 0; i < 5; ++i) lines_->warn("second");
  out_.lines.clear();
  for (int i = 0; i < 5; ++i) lines_->warn("third");
  EXPECT_EQ(out_.count("third"), 5u) << "beyond what is watched nothing is held back";
  pass(seconds(60));
  for (int i = 0; i < 5; ++i) lines_->warn("fourth");
  EXPECT_EQ(out_.count("fourth"), 3u);
  EXPECT_EQ(out_.count("held back; the last: first"), 1u);
  EXPECT_EQ(out_.count("held back; the last: second"), 1u);
}

}  // namespace
}  // namespace auditferry
