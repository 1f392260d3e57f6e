#include "daemon/keep_wait.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "storage/jobs.h"
#include "storage/journal.h"
#include "storage/state_dir.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::hours;

const WallTime asked_at{std::chrono::hours(24 * 365 * 56)};

Penalty wait_of(Duration duration) { return {"portal.example.com", "key", asked_at + duration, "too many requests"}; }

std::vector<Penalty> kept_in(const std::string& state_dir) {
  const Result<std::unique_ptr<Journal>> journal = Journal::open(state_dir + "/journal.db");
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  return (*journal)->penalties(asked_at).value();
}

uid_t owner_of(const std::string& path) {
  struct stat about {};
  EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
  return about.st_uid;
}

TEST(KeepWait, WithoutAJournalOneIsMadeThatBelongsToWhomTheFolderDoes) {
  const TemporaryFolder folder;
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(::chown(folder.path().c_str(), root ? 12345 : ::getuid(), root ? 12345 : ::getgid()), 0);
  const Status kept = keep_wait(folder.path(), wait_of(hours(1)), asked_at);
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) EXPECT_EQ(owner_of(entry.path()), owner_of(folder.path())) << entry.path();
  EXPECT_FALSE(StateDir::owner(folder.path())) << "nothing is held any more";
  const std::vector<Penalty> penalties = kept_in(folder.path());
  ASSERT_EQ(penalties.size(), 1u);
  EXPECT_EQ(penalties.front().until, asked_at + hours(1));
  EXPECT_EQ(penalties.front().why, "too many requests");
}

TEST(KeepWait, AShorterOneDoesNotEndALongerOneAndNobodyIsToldWhereNobodyRuns) {
  const TemporaryFolder folder;
  ASSERT_TRUE(keep_wait(folder.path(), wait_of(hours(2)), asked_at).ok());
  ASSERT_TRUE(keep_wait(folder.path(), wait_of(hours(1)), asked_at).ok());
  const std::vector<Penalty> penalties = kept_in(folder.path());
  ASSERT_EQ(penalties.size(), 1u);
  EXPECT_EQ(penalties.front().until, asked_at + hours(2));
  const auto journal = std::move(Journal::open(folder / "journal.db")).value();
  EXPECT_TRUE(queued_jobs(*journal)->empty());
}

TEST(KeepWait, BesideADaemonItIsStoredAtOnceAndTheDaemonIsTold) {
  const TemporaryFolder folder;
  const StateDir held = StateDir::acquire(folder.path()).value();
  const auto journal = std::move(Journal::open(held.journal_path())).value();
  const Status kept = keep_wait(folder.path(), wait_of(hours(1)), asked_at);
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_EQ(journal->penalties(asked_at)->size(), 1u);
  const std::vector<JobRow> jobs = queued_jobs(*journal).value();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs.front().kind, "obey_waits");
}

TEST(KeepWait, SaysWhyItCannot) {
  const TemporaryFolder folder;
  const Status kept = keep_wait("/proc/none", wait_of(hours(1)), asked_at);
  ASSERT_FALSE(kept.ok());
  EXPECT_NE(kept.error().message.find("cannot create daemon.state_dir /proc/none"), std::string::npos) << kept.error().message;
}

}  // namespace
}  // namespace auditferry
