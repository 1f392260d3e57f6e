#include "storage/state_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/support/own_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_root.h"

namespace auditferry {
namespace {

TEST(StateDir, ASecondOwnerIsRefusedAndNamesTheFirst) {
  TemporaryFolder folder;
  Result<StateDir> first = StateDir::acquire(folder / "state");
  ASSERT_TRUE(first.ok());
  Result<StateDir> second = StateDir::acquire(folder / "state");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::busy);
  EXPECT_NE(second.error().message.find("process " + std::to_string(getpid())), std::string::npos);
}

TEST(StateDir, IsFreeAgainAfterItsOwnerIsGone) {
  TemporaryFolder folder;
  { ASSERT_TRUE(StateDir::acquire(folder / "state").ok()); }
  EXPECT_TRUE(StateDir::acquire(folder / "state").ok());
}

TEST(StateDir, TellsWhoHoldsIt) {
  TemporaryFolder folder;
  EXPECT_EQ(StateDir::owner(folder / "state"), std::nullopt);
  {
    const Result<StateDir> held = StateDir::acquire(folder / "state");
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(StateDir::owner(folder / "state"), getpid());
  }
  EXPECT_EQ(StateDir::owner(folder / "state"), std::nullopt);
}

// `status` and `health` ask at any moment, also when a daemon starts.
TEST(StateDir, WhoAsksForItsOwnerIsInNobodysWay) {
  TemporaryFolder folder;
  ASSERT_TRUE(StateDir::acquire(folder / "state").ok());
  std::atomic<bool> asking{true};
  std::thread asks([&] {
    while (asking) StateDir::owner(folder / "state");
  });
  int refused = 0;
  for (int i = 0; i < 2000; ++i) refused += StateDir::acquire(folder / "state").ok() ? 0 : 1;
  asking = false;
  asks.join();
  EXPECT_EQ(refused, 0);
}

TEST(StateDir, IsReadableByItsOwnerOnly) {
  TemporaryFolder folder;
  ASSERT_TRUE(StateDir::acquire(folder / "a/b").ok());
  struct stat about {};
  ASSERT_EQ(stat((folder / "a/b").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST(StateDir, AFolderThatMayNotBeWrittenNamesTheDropIn) {
  const TemporaryFolder folder;
  const std::string locked = folder / "locked";
  std::filesystem::create_directory(locked);
  std::filesystem::permissions(locked, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  std::string said;
  {
    const WithoutRoot somebody;
    ASSERT_TRUE(somebody.effective());
    const Result<StateDir> acquired = StateDir::acquire(locked + "/state");
    ASSERT_FALSE(acquired.ok());
    said = acquired.error().message;
  }
  EXPECT_NE(said.find("install -d -m 0700 -o auditferry -g auditferry " + locked + "/state)"), std::string::npos) << said;
  EXPECT_NE(said.find("systemctl edit auditferry) with [Service] ReadWritePaths=" + locked + "/state,"), std::string::npos) << said;
  std::filesystem::permissions(locked, std::filesystem::perms::owner_all);
}

// As ProtectSystem=strict makes it; the state directory is named, not the lock in it or the folder around it.
TEST(StateDir, AReadOnlyDiskNamesTheDropIn) {
  const TemporaryFolder folder;
  const std::string words = "ReadWritePaths=" + folder.path() + ",";
  const std::string locked = on_a_read_only_disk(folder.path(), [&] { return StateDir::acquire(folder.path()).error().message; });
  EXPECT_NE(locked.find("Read-only file system"), std::string::npos) << locked;
  EXPECT_NE(locked.find(words), std::string::npos) << locked;
  const std::string missing = on_a_read_only_disk(folder.path(), [&] { return StateDir::acquire(folder / "state").error().message; });
  EXPECT_NE(missing.find("ReadWritePaths=" + (folder / "state") + ","), std::string::npos) << missing;
  const std::string checked = on_a_read_only_disk(folder.path(), [&] { return StateDir::inspect(folder / "state").error().message; });
  EXPECT_NE(checked.find("ReadWritePaths=" + (folder / "state") + ","), std::string::npos) << checked;
}

TEST(StateDir, AFileInItsPlaceGivesOneClearMessage) {
  TemporaryFolder folder;
  { ASSERT_TRUE(StateDir::acquire(folder / "state").ok()); }
  const Result<StateDir> wrong = StateDir::acquire(folder / "state/lock");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("daemon.state_dir"), std::string::npos) << wrong.error().message;
}

}  // namespace
}  // namespace auditferry
