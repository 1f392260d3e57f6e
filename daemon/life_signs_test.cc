#include "daemon/life_signs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "core/task_group.h"
#include "tests/support/hanging_executor.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

class LifeSignsTest : public testing::Test {
 protected:
  LifeSignsTest() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    EXPECT_TRUE(opened.ok());
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, executor_, loop_.clock(), loop_.executor());
    life_ = std::make_unique<LifeSigns>(loop_.clock(), *storage_, file_);
    group_.spawn("watch", life_->watch());
  }
  ~LifeSignsTest() override {
    executor_.go_on();
    loop_.run(end());
  }
  Task<void> end() {
    group_.cancel();
    co_await group_.join();
  }
  // Virtual time moves only while something waits for it.
  void pass(Duration duration) { loop_.run(loop_.clock().sleep(duration)); }

  TestLoop loop_;
  TemporaryFolder folder_;
  const std::string file_ = life_sign_path(folder_.path());
  HangingExecutor executor_{loop_.blocking()};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  std::unique_ptr<LifeSigns> life_;
  TaskGroup group_{loop_.executor()};
};

TEST_F(LifeSignsTest, LivesAsLongAsTheStorageThreadAnswersWithinAMinute) {
  pass(std::chrono::hours(1));
  EXPECT_TRUE(life_->storage_answers());
  executor_.hangs = true;
  pass(seconds(50));
  EXPECT_TRUE(life_->storage_answers());
  pass(seconds(30));
  EXPECT_FALSE(life_->storage_answers());
  executor_.go_on();
  pass(seconds(1));
  EXPECT_TRUE(life_->storage_answers());
}

TEST_F(LifeSignsTest, EachSignIsInTheStateDirectory) {
  pass(seconds(1));
  const std::optional<LifeSign> first = read_life_sign(file_);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->process, ::getpid());
  EXPECT_EQ(first->at, SteadyTime());
  pass(seconds(100));
  const std::optional<LifeSign> later = read_life_sign(file_);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->at, SteadyTime(seconds(100)));
  executor_.hangs = true;
  pass(seconds(100));
  EXPECT_EQ(read_life_sign(file_)->at, SteadyTime(seconds(100))) << "the storage thread writes it, so it hangs too";
}

TEST_F(LifeSignsTest, ALaterSignIsNoLonger) {
  write_life_sign(file_, {1, SteadyTime(Duration(5))});
  const auto before = std::filesystem::file_size(file_);
  write_life_sign(file_, {1'000'000, SteadyTime(std::chrono::hours(24 * 365 * 100))});
  EXPECT_EQ(std::filesystem::file_size(file_), before);
  EXPECT_EQ(read_life_sign(file_)->at, SteadyTime(std::chrono::hours(24 * 365 * 100)));
}

TEST_F(LifeSignsTest, AFileOfSomebodyElseIsNotWrittenThrough) {
  const std::string other = folder_ / "other";
  std::ofstream(other) << "precious";
  std::filesystem::remove(file_);
  std::filesystem::create_symlink(other, file_);
  write_life_sign(file_, {1, SteadyTime()});
  EXPECT_EQ(std::filesystem::file_size(other), 8u);
  EXPECT_FALSE(read_life_sign(file_));
}

}  // namespace
}  // namespace auditferry
