// The change of places is interrupted after each of its steps: whoever opens the journal then gets the whole damaged one,
// the whole rescued one, or is refused with what to do; and it can be brought to its end.

#include "storage/salvage_in_place.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "storage/journal.h"
#include "storage/journal_copy.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

namespace fs = std::filesystem;

struct Died {};

// A journal whose newest row is in its log only, as a killed process leaves it.
class SalvageInPlace : public testing::Test {
 protected:
  SalvageInPlace() {
    TemporaryFolder made;
    const std::unique_ptr<Journal> journal = std::move(Journal::open(made / "journal.db")).value();
    EXPECT_EQ(journal->database().query_int("PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    EXPECT_TRUE(journal->note("in the log", "{}", start).ok());
    for (const char* end : {"", "-wal", "-shm"}) fs::copy_file(made / "journal.db" + end, path() + end);
    file_ = text_of(path());
    log_ = text_of(path() + "-wal");
    EXPECT_FALSE(log_.empty());
  }
  std::string path() const { return folder_ / "journal.db"; }
  std::string damaged() const { return path() + ".damaged-1"; }
  void expect_in_place() {
    EXPECT_EQ(text_of(damaged()), file_);
    EXPECT_EQ(text_of(damaged() + "-wal"), log_);
    EXPECT_FALSE(fs::exists(path() + ".salvaged"));
    const Result<std::unique_ptr<Journal>> journal = Journal::open(path());
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    EXPECT_EQ((*journal)->database().query_int("SELECT count(*) FROM ledger WHERE kind = 'in the log'"), 1);
    EXPECT_EQ((*journal)->database().query_int("SELECT count(*) FROM ledger WHERE kind = 'salvaged'"), 1);
  }
  // The steps that are made before the process dies; it is told how many there are by one that does not.
  int salvage_until(int steps) {
    int made = 0;
    try {
      const Result<SalvagedInPlace> done = salvage_in_place(path(), start, [&] {
        if (++made == steps) throw Died();
      });
      EXPECT_TRUE(done.ok()) << done.error().message;
      EXPECT_EQ(done->damaged, damaged());
    } catch (Died&) {
    }
    return made;
  }

  TemporaryFolder folder_;
  std::string file_;
  std::string log_;
};

TEST_F(SalvageInPlace, TheDamagedJournalIsKeptWithItsLog) {
  EXPECT_EQ(salvage_until(0), 4) << "the second name, the log, its index, the place";
  expect_in_place();
  // Once more: the one that was kept before stays.
  const Result<SalvagedInPlace> again = salvage_in_place(path(), start);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->damaged, path() + ".damaged-2");
  EXPECT_EQ(text_of(damaged()), file_);
}

class SalvageInPlaceInterrupted : public SalvageInPlace, public testing::WithParamInterface<int> {};

TEST_P(SalvageInPlaceInterrupted, NobodyOpensAJournalWithoutItsLog) {
  ASSERT_EQ(salvage_until(GetParam()), GetParam());
  if (GetParam() < 4) {
    const Result<std::unique_ptr<Journal>> journal = Journal::open(path());
    ASSERT_FALSE(journal.ok());
    EXPECT_NE(journal.error().message.find("give 'auditferry journal salvage' again"), std::string::npos) << journal.error().message;
    EXPECT_FALSE(copy_journal(path(), folder_ / "copy.db", start).ok());
    EXPECT_EQ(text_of(damaged()), file_);
    // `status` looks, and leaves a log of its own behind.
    const auto reader = JournalReader::open(path());
    std::ofstream(path() + "-wal", std::ios::app).flush();
    const Result<SalvagedInPlace> again = salvage_in_place(path(), start);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_FALSE(again->report.has_value()) << "it goes on";
    EXPECT_EQ(again->damaged, damaged());
  }
  expect_in_place();
}

INSTANTIATE_TEST_SUITE_P(Steps, SalvageInPlaceInterrupted, testing::Range(1, 5));

// Before the first step the damaged journal is as it was, and may have been written to since by an older program.
TEST_F(SalvageInPlace, WhatWasRescuedBeforeTheFirstStepIsRescuedAnew) {
  std::ofstream(path() + ".salvaged") << "what was rescued at that time";
  EXPECT_FALSE(Journal::open(path()).ok());
  const Result<SalvagedInPlace> salvaged = salvage_in_place(path(), start);
  ASSERT_TRUE(salvaged.ok()) << salvaged.error().message;
  EXPECT_TRUE(salvaged->report.has_value());
  expect_in_place();
}

}  // namespace
}  // namespace auditferry
