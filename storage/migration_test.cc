// Files of older schema versions become the present one, with everything that was in them.

#include <gtest/gtest.h>

#include "storage/dead_letters.h"
#include "storage/journal.h"
#include "storage/old_file.h"
#include "storage/snapshot.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

class MigrationTest : public testing::Test {
 protected:
  MigrationTest() { make_file_of_version_one(path()); }
  std::string path() { return folder_ / "journal.db"; }
  TemporaryFolder folder_;
};

TEST_F(MigrationTest, AFileOfVersionOneKeepsItsDeadLetters) {
  const Result<std::unique_ptr<Journal>> journal = Journal::open(path());
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_EQ((*journal)->database().query_int("PRAGMA user_version"), schema_version);
  const std::vector<std::int64_t> ids = dead_letter_ids(**journal, {"siem", {}}).value();
  ASSERT_EQ(ids.size(), 1u);
  const auto letter = find_dead_letter(**journal, ids[0]);
  ASSERT_TRUE(letter.ok() && letter->has_value());
  EXPECT_EQ((*letter)->reason, "mapping");
  EXPECT_EQ((*letter)->bytes, "ab");
  EXPECT_EQ((*letter)->group, 0);
  EXPECT_TRUE((*letter)->batch.records.empty()) << "version 1 did not keep the record";
  EXPECT_TRUE(settle_dead_letter(**journal, ids[0], LetterEnd::discarded, from_micros(5)).value());
  EXPECT_FALSE(settle_dead_letter(**journal, ids[0], LetterEnd::discarded, from_micros(5)).value());
  const JournalSnapshot snapshot = take_snapshot(**journal).value();
  EXPECT_TRUE(snapshot.exporters.at(0).books.balance(3));
  EXPECT_EQ(snapshot.exporters.at(0).books.discarded, 1u);
}

TEST_F(MigrationTest, AReaderSaysWhatAnOlderFileNeeds) {
  const auto before = JournalReader::open(path());
  ASSERT_FALSE(before.ok());
  EXPECT_NE(before.error().message.find("start the daemon once"), std::string::npos);
  ASSERT_TRUE(Journal::open(path()).ok());
  EXPECT_TRUE(JournalReader::open(path()).ok());
}

TEST_F(MigrationTest, ANewerFileIsRefused) {
  Database(path(), Database::Mode::create).execute("PRAGMA user_version = 99");
  const Result<std::unique_ptr<Journal>> journal = Journal::open(path());
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().kind, ErrorKind::unsupported);
}

}  // namespace
}  // namespace auditferry
