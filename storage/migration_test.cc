// Files of older schema versions become the present one, with everything that was in them.

#include <gtest/gtest.h>

#include "storage/dead_letters.h"
#include "storage/jobs.h"
#include "storage/journal.h"
#include "storage/old_file.h"
#include "storage/schema.h"
#include "storage/snapshot.h"
#include "storage/test_start.h"
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
  EXPECT_FALSE((*letter)->damaged);
  EXPECT_EQ((*journal)->database().query_int("SELECT length(hash) FROM dead_letter"), 16);
  EXPECT_TRUE(settle_dead_letter(**journal, ids[0], LetterEnd::discarded, from_micros(5)).value());
  EXPECT_FALSE(settle_dead_letter(**journal, ids[0], LetterEnd::discarded, from_micros(5)).value());
  const JournalSnapshot snapshot = take_snapshot(**journal).value();
  EXPECT_TRUE(snapshot.exporters.at(0).books.balance(3));
  EXPECT_EQ(snapshot.exporters.at(0).books.discarded, 1u);
}

// By which the service manager is told whether a long start gets on.
TEST_F(MigrationTest, RaisesANumberAsItGetsOn) {
  {
    Database old(path(), Database::Mode::create);
    old.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                "INSERT INTO quarantine(stream_id, at, why, records, body) SELECT 1, i, 'why', 1, x'' FROM n");
  }
  std::atomic<std::uint64_t> progress{0};
  ASSERT_TRUE(Journal::open(path(), {.progress = &progress}).ok());
  EXPECT_GT(progress, 10u) << "of each step, and within a step that takes long";
  std::atomic<std::uint64_t> again{0};
  ASSERT_TRUE(Journal::open(path(), {.progress = &again}).ok());
  EXPECT_EQ(again, 0u) << "there was nothing to do";
}

TEST_F(MigrationTest, AFileOfVersionOneKeepsItsRecordsAndItsProvenance) {
  const std::unique_ptr<Journal> journal = std::move(Journal::open(path())).value();
  const RecordBatch batch = journal->read(0, 100, 1u << 20).value();
  ASSERT_EQ(batch.records.size(), 3u);
  EXPECT_EQ(batch.records[2].id, "2");
  EXPECT_EQ(batch.records[2].raw, "{\"n\":2,\"filler\":\"\"}");
  EXPECT_EQ(batch.records[2].tenant, "t");
  const JournalSnapshot snapshot = take_snapshot(*journal).value();
  const StreamSnapshot& stream = snapshot.streams.at(0);
  EXPECT_EQ(stream.books.journaled, 3u);
  EXPECT_EQ(stream.books.quarantined, 1u);
  EXPECT_EQ(stream.collections.at(0).coverage.at(0).range, (TimeRange{start, start + std::chrono::seconds(3)}));
  EXPECT_EQ(snapshot.accepted_gaps.size(), 1u);
  EXPECT_EQ(snapshot.penalties.size(), 1u);
  EXPECT_EQ(queued_jobs(*journal).value().size(), 1u);
  EXPECT_FALSE(journal->quarantine(stream.stream_id, {"too large", 1, "{\"event\":1}"}, start).value()) << "it is known";
  ASSERT_TRUE(journal->close().ok());
  const std::vector<std::string> findings = JournalReader::open(path()).value()->check().value();
  EXPECT_TRUE(findings.empty()) << findings.front();
}

// Also where a later version edits the SQL of an earlier one.
TEST_F(MigrationTest, AFileOfVersionOneGetsTheTablesOfANewOne) {
  ASSERT_TRUE(Journal::open(path()).ok());
  ASSERT_TRUE(Journal::open(folder_ / "new.db").ok());
  const auto tables_of = [](const std::string& file) {
    Database database(file, Database::Mode::read_only);
    return database.query_text(
        "SELECT group_concat(line, char(10)) FROM (SELECT m.type || ' ' || m.name || ' ' || m.tbl_name || ' ' || c.name || ' ' || c.type || ' ' || "
        "c.\"notnull\" || ' ' || coalesce(c.dflt_value, '-') || ' ' || c.pk AS line FROM sqlite_master m, pragma_table_info(m.name) c UNION ALL "
        "SELECT m.name || ' ' || i.seqno || ' ' || coalesce(i.name, '-') FROM sqlite_master m, pragma_index_info(m.name) i WHERE m.type = 'index' "
        "ORDER BY line)");
  };
  const std::string tables = tables_of(folder_ / "new.db");
  EXPECT_NE(tables.find("table dead_letter dead_letter payload BLOB"), std::string::npos) << tables;
  EXPECT_EQ(tables_of(path()), tables);
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
