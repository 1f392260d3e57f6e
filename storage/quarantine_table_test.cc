// What comes again with the same bytes is in the quarantine once, counted once, and a duplicate from then on.

#include "storage/quarantine_table.h"

#include <gtest/gtest.h>

#include "encoding/compress.h"
#include "storage/journal.h"
#include "storage/old_file.h"
#include "storage/schema.h"
#include "storage/snapshot.h"
#include "storage/test_start.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest() {
    journal_ = std::move(Journal::open(folder_ / "journal.db")).value();
    audit_ = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).value();
    device_ = journal_->attach({"apptego", "t", "device"}, "acme", "https://portal", "f", "", start).value();
  }
  StoredPage store(Page& page, std::vector<QuarantineItem> items) {
    PageToStore to_store;
    to_store.stream_id = audit_.stream_id;
    to_store.collection_id = audit_.collection_id;
    to_store.source = "acme";
    to_store.page = &page;
    to_store.walk_state = "{}";
    to_store.provenance.how = "overlap";
    to_store.quarantine = std::move(items);
    to_store.end = WalkEnd{};
    return journal_->store_page(to_store, start).value();
  }
  StreamBooks books() {
    const JournalSnapshot snapshot = take_snapshot(*journal_).value();
    for (const StreamSnapshot& stream : snapshot.streams) {
      EXPECT_TRUE(stream.books.balance());
      if (stream.stream_id == audit_.stream_id) return stream.books;
    }
    return {};
  }
  std::int64_t rows() { return journal_->database().query_int("SELECT count(*) FROM quarantine"); }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::unique_ptr<Journal> journal_;
  CollectionState audit_;
  CollectionState device_;
};

TEST_F(QuarantineTest, ARecordThatIsMetAgainIsADuplicate) {
  PageBuilder page;
  page.page().oversized.emplace_back();
  EXPECT_EQ(store(page.page(), {{"too large", 1, "{\"event\":1}"}}).quarantined, std::vector<bool>{true});
  EXPECT_EQ(books().quarantined, 1u);
  for (int walk = 0; walk < 3; ++walk) {
    EXPECT_EQ(store(page.page(), {{"too large", 1, "{\"event\":1}"}}).quarantined, std::vector<bool>{false});
  }
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(books().fetched, 4u);
  EXPECT_EQ(books().quarantined, 1u);
  EXPECT_EQ(books().duplicates, 3u);
  // Another one, twice on one page.
  const StoredPage stored = store(page.page(), {{"too large", 1, "{\"event\":2}"}, {"too large", 1, "{\"event\":2}"}});
  EXPECT_EQ(stored.quarantined, (std::vector<bool>{true, false}));
  EXPECT_EQ(books().quarantined, 2u);
  EXPECT_EQ(books().duplicates, 4u);
}

TEST_F(QuarantineTest, AnUnreadableAnswerIsKeptAndNotedOncePerStream) {
  const QuarantineItem item{"malformed JSON", 0, "{\"logs\":["};
  EXPECT_FALSE(journal_->is_quarantined(audit_.stream_id, item).value());
  EXPECT_TRUE(journal_->quarantine(audit_.stream_id, item, start).value());
  EXPECT_TRUE(journal_->is_quarantined(audit_.stream_id, item).value());
  EXPECT_FALSE(journal_->quarantine(audit_.stream_id, item, start + hours(1)).value());
  EXPECT_FALSE(journal_->is_quarantined(device_.stream_id, item).value());
  EXPECT_TRUE(journal_->quarantine(device_.stream_id, item, start).value());
  EXPECT_EQ(rows(), 2);
  EXPECT_EQ(journal_->database().query_int("SELECT count(*) FROM ledger WHERE kind = 'quarantine'"), 2);
  // Empty answers are told apart by what is said of them.
  EXPECT_TRUE(journal_->quarantine(audit_.stream_id, {"nothing came", 0, ""}, start).value());
  EXPECT_TRUE(journal_->quarantine(audit_.stream_id, {"too much came", 0, ""}, start).value());
  EXPECT_FALSE(journal_->quarantine(audit_.stream_id, {"nothing came", 0, ""}, start).value());
}

// The page around a repaired record is another one in each walk.
TEST_F(QuarantineTest, TheOriginalOfARepairedRecordIsKeptWithItsFirstPage) {
  PageBuilder first, again;
  first.add("1", start, "\"?\"").page().records[0].repaired = true;
  again.add("1", start, "\"?\"").page().records[0].repaired = true;
  again.add("2", start + seconds(1), "\"clean\"");
  EXPECT_EQ(store(first.page(), {{"repaired", 0, "page one", true}}).quarantined, std::vector<bool>{true});
  EXPECT_EQ(store(again.page(), {{"repaired", 0, "page two", true}}).quarantined, std::vector<bool>{false});
  EXPECT_EQ(rows(), 1);
}

TEST_F(QuarantineTest, ItemsGoWithTheLedgerUnlessAWalkCouldMeetThem) {
  const QuarantineItem item{"malformed JSON", 0, "{\"logs\":["};
  ASSERT_TRUE(journal_->quarantine(audit_.stream_id, item, start).value());
  ASSERT_TRUE(journal_->quarantine(device_.stream_id, item, start).value());
  PruneRules rules{hours(24), hours(24), hours(48), 0, {{audit_.stream_id, start - hours(1)}, {device_.stream_id, start + hours(40)}}};
  ASSERT_TRUE(journal_->prune(rules, start + hours(47)).ok());
  EXPECT_EQ(rows(), 2) << "before their time";
  ASSERT_TRUE(journal_->prune(rules, start + hours(49)).ok());
  EXPECT_EQ(rows(), 1);
  EXPECT_TRUE(journal_->is_quarantined(audit_.stream_id, item).value()) << "its time is still asked for";
  rules.forget_before[0].second = start + hours(1);
  ASSERT_TRUE(journal_->prune(rules, start + hours(49)).ok());
  EXPECT_EQ(rows(), 0);
}

// A file of schema version 2, in which every walk kept the same bytes anew.
TEST(QuarantineMigration, EqualItemsOfAnOlderFileBecomeOne) {
  TemporaryFolder folder;
  {
    make_empty_file_of_version_one(folder / "journal.db");
    Database database(folder / "journal.db", Database::Mode::create);
    migrate_schema(database, 2);
    ASSERT_EQ(database.query_int("PRAGMA user_version"), 2);
    database.execute(
        "INSERT INTO stream(stream_id, vendor, tenant, name, source, fetched, quarantined) VALUES "
        "(1, 'apptego', 't', 'audit', 'acme', 3, 3), (2, 'apptego', 't', 'device', 'acme', 0, 0)");
    Statement insert(database, "INSERT INTO quarantine(stream_id, at, why, records, body) VALUES (?, ?, 'too large', 0, ?)");
    const std::string body = zstd_compress("{\"event\":1}", 3);
    for (const int stream : {1, 1, 1, 2}) insert.run(stream, 1000, Statement::Blob{body});
    insert.run(1, 1000, Statement::Blob{"no zstd frame"});
  }
  const std::unique_ptr<Journal> journal = std::move(Journal::open(folder / "journal.db")).value();
  EXPECT_EQ(journal->database().query_int("PRAGMA user_version"), schema_version);
  EXPECT_EQ(journal->database().query_int("SELECT count(*) FROM quarantine WHERE sha256 IS NOT NULL"), 2);
  EXPECT_EQ(journal->database().query_int("SELECT count(*) FROM quarantine WHERE sha256 IS NULL"), 1) << "what cannot be read is kept";
  EXPECT_FALSE(journal->quarantine(1, {"another reason", 1, "{\"event\":1}"}, start).value());
  const JournalSnapshot snapshot = take_snapshot(*journal).value();
  EXPECT_EQ(snapshot.streams[0].books.quarantined, 3u) << "what was counted stays counted";
  EXPECT_EQ(snapshot.streams[0].books.duplicates, 1u);
  EXPECT_TRUE(snapshot.streams[0].books.balance());
}

}  // namespace
}  // namespace auditferry
