#include "storage/journal.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <random>

#include "encoding/hash.h"
#include "storage/old_file.h"
#include "storage/schema.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class JournalTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    journal_.reset();
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened).value();
    Result<CollectionState> attached = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f1", "", start);
    ASSERT_TRUE(attached.ok());
    collection_ = std::move(attached).value();
  }
  std::int64_t begin(const std::string& how = "poll") {
    Result<std::int64_t> walk = journal_->begin_walk(collection_.collection_id, how, window_, "s0", start);
    EXPECT_TRUE(walk.ok());
    return *walk;
  }
  Result<StoredPage> store(std::int64_t walk_id, Page& page, bool end = false) {
    PageToStore to_store;
    to_store.stream_id = collection_.stream_id;
    to_store.collection_id = collection_.collection_id;
    to_store.walk_id = walk_id;
    to_store.source = "acme";
    to_store.received = start + hours(1);
    to_store.page = &page;
    to_store.occurrences.assign(page.records.size(), 1);
    to_store.walk_state = "s1";
    to_store.provenance.how = "poll";
    to_store.provenance.window = window_;
    to_store.provenance.body_sha256 = "00";
    to_store.shown = shown_;
    if (end) to_store.end = WalkEnd{{window_}};
    return journal_->store_page(to_store, start);
  }
  std::vector<std::string> published(std::uint64_t chunk = 10'000) {
    Result<CollectionState> state = journal_->load_collection(collection_.collection_id);
    for (const StoredWalk& walk : state->walks) {
      if (!walk.publishing) continue;
      for (bool finished = false; !finished;) {
        Result<PublishProgress> progress = journal_->publish(walk.walk_id, chunk, start);
        EXPECT_TRUE(progress.ok());
        if (!progress.ok()) return {};
        finished = progress->finished;
      }
    }
    return ids();
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    Result<RecordBatch> batch = journal_->read(0, 1'000'000, 1u << 30);
    EXPECT_TRUE(batch.ok());
    for (const Record& record : batch->records) ids.push_back(std::string(record.id) + (record.revision > 1 ? "@" + std::to_string(record.revision) : ""));
    return ids;
  }
  StreamBooks books() {
    Result<JournalSnapshot> snapshot = take_snapshot(*journal_);
    EXPECT_TRUE(snapshot.ok());
    EXPECT_TRUE(snapshot->streams[0].books.balance());
    return snapshot->streams[0].books;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Journal> journal_;
  CollectionState collection_;
  TimeRange window_{start, start + seconds(100)};
  std::vector<TimeRange> shown_;
};

TEST_F(JournalTest, SqliteSettingsAreThoseThatWereDecided) {
  Database& database = journal_->database();
  EXPECT_EQ(database.query_text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(database.query_int("PRAGMA synchronous"), 2);
  EXPECT_EQ(database.query_int("PRAGMA auto_vacuum"), 2);
  EXPECT_EQ(database.query_int("PRAGMA page_size"), 8192);
  EXPECT_EQ(database.query_int("PRAGMA secure_delete"), 2);
  EXPECT_GT(database.query_int("PRAGMA journal_size_limit"), 0);
}

TEST_F(JournalTest, RecordsOfAWalkAreReadInOrderOfTimeAndId) {
  const std::int64_t walk = begin();
  PageBuilder newer, older;
  newer.add("12", start + seconds(9)).add("11", start + seconds(8)).add("10", start + seconds(7)).add("9", start + seconds(7));
  older.add("8", start + seconds(7)).add("7", start + seconds(3));
  ASSERT_TRUE(store(walk, newer.page()).ok());
  EXPECT_EQ(books().staged, 4u);
  EXPECT_TRUE(ids().empty());
  ASSERT_TRUE(store(walk, older.page(), true).ok());
  EXPECT_EQ(published(), (std::vector<std::string>{"7", "8", "9", "10", "11", "12"}));
  EXPECT_EQ(books().journaled, 6u);
  EXPECT_EQ(books().staged, 0u);
  Result<CollectionState> state = journal_->load_collection(collection_.collection_id);
  ASSERT_EQ(state->coverage.size(), 1u);
  EXPECT_EQ(state->coverage[0].range, window_);
  EXPECT_TRUE(state->walks.empty());
}

TEST_F(JournalTest, PublishingInSmallChunksWithReopeningBetweenGivesTheSameOrder) {
  std::mt19937_64 random(7);
  for (const std::uint64_t chunk : {1, 3, 7, 1000}) {
    window_ = {window_.from + hours(1), window_.to + hours(1)};
    const std::int64_t walk = begin();
    std::vector<std::pair<std::int64_t, std::string>> expected;
    for (int page_number = 0; page_number < 6; ++page_number) {
      PageBuilder page;
      for (int i = 0; i < 20; ++i) {
        const auto second = static_cast<std::int64_t>(random() % 40);
        const std::string id = std::to_string(chunk * 1000 + static_cast<std::uint64_t>(page_number) * 20 + static_cast<std::uint64_t>(i));
        page.add(id, window_.from + seconds(second));
        expected.emplace_back(second, id);
      }
      ASSERT_TRUE(store(walk, page.page(), page_number == 5).ok());
    }
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : id_less(a.second, b.second);
    });
    const std::size_t before = ids().size();
    for (bool finished = false; !finished;) {
      reopen();
      Result<PublishProgress> progress = journal_->publish(walk, chunk, start);
      ASSERT_TRUE(progress.ok());
      EXPECT_LE(progress->records, chunk);
      finished = progress->finished;
    }
    std::vector<std::string> got = ids();
    got.erase(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(before));
    std::vector<std::string> wanted;
    for (const auto& [second, id] : expected) wanted.push_back(id);
    EXPECT_EQ(got, wanted) << "chunk " << chunk;
    EXPECT_EQ(books().staged, 0u);
  }
}

TEST_F(JournalTest, AKnownRecordIsADuplicateAndAChangedOneARevision) {
  PageBuilder first, again, changed;
  first.add("1", start + seconds(1), R"({"a":1})").add("2", start + seconds(2));
  again.add("1", start + seconds(1), R"({"a":1})");
  changed.add("1", start + seconds(1), R"({"a":2})").add("2", start + seconds(2));
  ASSERT_TRUE(store(0, first.page(), true).ok());
  published();
  Result<StoredPage> repeated = store(0, again.page(), true);
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->duplicates, 1u);
  EXPECT_TRUE(repeated->walk_finished);
  Result<StoredPage> revised = store(0, changed.page(), true);
  ASSERT_TRUE(revised.ok());
  EXPECT_EQ(revised->revisions, 1u);
  EXPECT_EQ(published(), (std::vector<std::string>{"1", "2", "1@2"}));
  EXPECT_EQ(books().changed, 1u);
  EXPECT_EQ(books().duplicates, 2u);
  EXPECT_EQ(books().fetched, 5u);
}

TEST_F(JournalTest, IdsThatCollideInBulkStopTheStreamAndStoreNothing) {
  PageBuilder page;
  for (int i = 0; i < 20; ++i) page.add("admin@example.com", start + seconds(i), "{\"n\":" + std::to_string(i) + "}");
  Result<StoredPage> stored = store(0, page.page(), true);
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().kind, ErrorKind::invalid);
  EXPECT_NE(stored.error().message.find("fields.id"), std::string::npos);
  EXPECT_EQ(books().fetched, 0u);
  EXPECT_TRUE(journal_->load_collection(collection_.collection_id)->walks.empty());
}

TEST_F(JournalTest, APortalThatChangesEveryRecordAtOnceIsNotTakenForCollidingIds) {
  PageBuilder before, after;
  for (int i = 0; i < 20; ++i) before.add(std::to_string(i), start + seconds(i), "{}");
  for (int i = 0; i < 20; ++i) after.add(std::to_string(i), start + seconds(i), R"({"new_field":1})");
  ASSERT_TRUE(store(0, before.page(), true).ok());
  Result<StoredPage> stored = store(0, after.page(), true);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->revisions, 20u);
}

TEST_F(JournalTest, ALateRecordIsCounted) {
  shown_ = {{start, start + seconds(50)}};
  PageBuilder page;
  page.add("1", start + seconds(40)).add("2", start + seconds(60));
  Result<StoredPage> stored = store(0, page.page(), true);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->late, 1u);
  EXPECT_EQ(stored->latest, Duration(hours(1) - seconds(40)));
  EXPECT_EQ(books().late, 1u);
}

TEST_F(JournalTest, AnUnfinishedWalkSurvivesWithItsState) {
  const std::int64_t walk = begin("history");
  PageBuilder page;
  page.add("1", start + seconds(1));
  ASSERT_TRUE(store(walk, page.page()).ok());
  reopen();
  ASSERT_EQ(collection_.walks.size(), 1u);
  EXPECT_EQ(collection_.walks[0].state, "s1");
  EXPECT_EQ(collection_.walks[0].how, "history");
  EXPECT_FALSE(collection_.walks[0].publishing);
  ASSERT_TRUE(journal_->end_walk(walk, {window_}, {}, "notes", start).ok());
  EXPECT_EQ(journal_->load_collection(collection_.collection_id)->state, "notes");
  EXPECT_EQ(published(), std::vector<std::string>{"1"});
}

TEST_F(JournalTest, AChangedQueryStartsNewCoverageAndKeepsWhatWasStaged) {
  const std::int64_t walk = begin();
  PageBuilder page;
  page.add("1", start + seconds(1));
  ASSERT_TRUE(store(walk, page.page()).ok());
  Result<CollectionState> other = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f2", "successful = false", start);
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(other->is_new);
  EXPECT_TRUE(other->coverage.empty());
  ASSERT_EQ(other->walks.size(), 1u);
  EXPECT_TRUE(other->walks[0].publishing);
  ASSERT_TRUE(journal_->publish(walk, 10, start).ok());
  EXPECT_EQ(ids(), std::vector<std::string>{"1"});
  EXPECT_TRUE(journal_->load_collection(collection_.collection_id)->coverage.empty());
}

TEST_F(JournalTest, PositionsMoveWithTheirBooksAndState) {
  PageBuilder page;
  for (int i = 0; i < 10; ++i) page.add(std::to_string(i), start + seconds(i));
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  Result<ExporterRow> row = journal_->attach_exporter("archive", "file", "hold", false);
  ASSERT_TRUE(row.ok());
  PositionUpdate update;
  update.exporter_id = row->exporter_id;
  update.to = 6;
  update.delivered = 3;
  update.not_selected = 2;
  update.dead = {{4, "400 bad", "{}"}};
  update.state = {{"file", "123"}};
  ASSERT_EQ(*journal_->advance({update}, start), std::vector<bool>{true});
  // The same step again does not fit any more and changes nothing.
  ASSERT_EQ(*journal_->advance({update}, start), std::vector<bool>{false});
  reopen();
  const ExporterRow after = (*journal_->exporters())[0];
  EXPECT_EQ(after.books.position, 6u);
  EXPECT_EQ(after.books.dead, 1u);
  EXPECT_TRUE(after.books.balance(journal_->last_seq()));
  EXPECT_EQ(after.books.waiting(journal_->last_seq()), 4u);
  EXPECT_EQ(journal_->exporter_state(row->exporter_id)->at("file"), "123");
  update = {};
  update.exporter_id = row->exporter_id;
  update.from = 6;
  update.to = 7;
  update.delivered = 1;
  update.state = {{"file", ""}};
  ASSERT_EQ(*journal_->advance({update}, start), std::vector<bool>{true});
  EXPECT_TRUE(journal_->exporter_state(row->exporter_id)->empty());
}

TEST_F(JournalTest, AnExporterAddedWithStartNowGetsOnlyWhatComesLater) {
  PageBuilder page;
  page.add("1", start);
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  Result<ExporterRow> row = journal_->attach_exporter("siem", "stdout", "hold", true);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->books.position, 1u);
  EXPECT_EQ(row->books.offered(journal_->last_seq()), 0u);
}

TEST_F(JournalTest, ReadingIsBoundedByRecordsAndByBytes) {
  PageBuilder page;
  for (int i = 0; i < 10; ++i) page.add(std::to_string(i), start + seconds(i), "\"" + std::string(100, 'x') + "\"");
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  EXPECT_EQ(journal_->read(2, 3, 1u << 20)->records.size(), 3u);
  EXPECT_EQ(journal_->read(2, 3, 1u << 20)->records[0].seq, 3u);
  EXPECT_EQ(journal_->read(0, 100, 150)->records.size(), 2u);
  EXPECT_EQ(journal_->read(0, 100, 1)->records.size(), 1u);
  EXPECT_EQ(journal_->read(10, 100, 100)->records.size(), 0u);
  EXPECT_FALSE(journal_->read(11, 100, 100).ok());
}

TEST_F(JournalTest, ADamagedPayloadIsMissingAndNeverWrong) {
  for (int page_number = 0; page_number < 3; ++page_number) {
    PageBuilder page;
    for (int i = 0; i < 4; ++i) page.add(std::to_string(page_number * 4 + i), start + seconds(page_number * 4 + i));
    ASSERT_TRUE(store(0, page.page(), true).ok());
    published();
  }
  journal_->database().execute("UPDATE payload SET body = zeroblob(length(body)) WHERE payload_id = 2");
  reopen();  // nothing is remembered from before
  Result<RecordBatch> batch = journal_->read(0, 100, 1u << 20);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->missing, (std::vector<std::uint64_t>{5, 6, 7, 8}));
  EXPECT_EQ(batch->records.size(), 8u);
  EXPECT_EQ(batch->last_seq, 12u);
}

// One bit that flips on the disk: SQLite does not notice, the payload's own hash does.
TEST_F(JournalTest, AFlippedBitIsNoticedWhereverItIs) {
  PageBuilder page;
  for (int i = 0; i < 4; ++i) page.add(std::to_string(i), start + seconds(i), "{\"n\":" + std::to_string(i) + "}");
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  std::string body;
  {
    Statement payload(journal_->database(), "SELECT body FROM payload");
    ASSERT_TRUE(payload.query().step());
    body = payload.blob(0);
  }
  Statement put(journal_->database(), "UPDATE payload SET body = ?");
  for (std::size_t at = 0; at < body.size(); ++at) {
    std::string flipped = body;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    put.run(Statement::Blob{flipped});
    const std::unique_ptr<Journal> reader = std::move(Journal::open(folder_ / "journal.db")).value();
    const RecordBatch batch = reader->read(0, 100, 1u << 20).value();
    EXPECT_EQ(batch.missing.size(), 4u) << "bit " << at % 8 << " of byte " << at;
    EXPECT_TRUE(batch.records.empty());
  }
}

TEST_F(JournalTest, AGapIsAnEntryOfItsOwn) {
  ASSERT_TRUE(journal_->record_gap(collection_.collection_id, {"forgotten", TimeRange{start, start + hours(3)}, "the portal forgot"}, start).ok());
  Result<RecordBatch> batch = journal_->read(0, 10, 1000);
  ASSERT_EQ(batch->records.size(), 1u);
  EXPECT_TRUE(batch->records[0].gap);
  EXPECT_EQ(batch->records[0].seq, 1u);
  EXPECT_EQ(batch->records[0].raw,
            R"({"type":"forgotten","from":"2025-11-23T09:26:40Z","to":"2025-11-23T12:26:40Z","why":"the portal forgot","state":"open"})");
  EXPECT_EQ(take_snapshot(*journal_)->gaps.size(), 1u);
}

TEST_F(JournalTest, AGapIsToldOnceAndHealedWhenItsTimeIsShown) {
  const std::int64_t id = collection_.collection_id;
  const TimeRange range{start + seconds(10), start + seconds(12)};
  EXPECT_TRUE(journal_->record_gap(id, {"unreachable", range, "a pile"}, start).value());
  EXPECT_FALSE(journal_->record_gap(id, {"unreachable", range, "a pile, again"}, start).value());
  EXPECT_FALSE(journal_->record_gap(id, {"unreachable", TimeRange{range.from + seconds(1), range.to}, "inside it"}, start).value());
  EXPECT_TRUE(journal_->record_gap(id, {"forgotten", range, "of another kind"}, start).value());
  EXPECT_EQ(journal_->load_collection(id)->gaps.size(), 2u);
  const std::int64_t part = journal_->begin_walk(id, "history", range, "{}", start).value();
  ASSERT_TRUE(journal_->end_walk(part, {{start, range.to - seconds(1)}}, {}, "notes", start).ok());
  EXPECT_EQ(take_snapshot(*journal_)->gaps.size(), 2u) << "not yet the whole of it";
  const std::int64_t rest = journal_->begin_walk(id, "reread", range, "{}", start).value();
  ASSERT_TRUE(journal_->end_walk(rest, {{range.to - seconds(1), range.to}}, {}, "notes", start).ok());
  const JournalSnapshot snapshot = take_snapshot(*journal_).value();
  ASSERT_EQ(snapshot.gaps.size(), 1u);
  EXPECT_EQ(snapshot.gaps[0].type, "forgotten") << "an empty walk proves nothing about what was forgotten";
  // Nothing is missing there any more: a later walk that fails is no gap.
  EXPECT_FALSE(journal_->record_gap(id, {"unreadable", range, "not JSON"}, start).value());
}

TEST_F(JournalTest, OfAGapOnlyWhatNoOtherTellsIsTold) {
  const std::int64_t id = collection_.collection_id;
  const TimeRange range{start + seconds(10), start + seconds(12)};
  ASSERT_TRUE(journal_->record_gap(id, {"unreachable", range, "a pile"}, start).value());
  EXPECT_TRUE(journal_->record_gap(id, {"unreadable", TimeRange{start + seconds(5), start + seconds(20)}, "not JSON"}, start).value());
  const std::vector<GapRow> gaps = journal_->load_collection(id)->gaps;
  ASSERT_EQ(gaps.size(), 3u);
  EXPECT_EQ(gaps[1].range, (TimeRange{start + seconds(5), range.from}));
  EXPECT_EQ(gaps[2].range, (TimeRange{range.to, start + seconds(20)}));
  EXPECT_FALSE(journal_->record_gap(id, {"unreadable", TimeRange{start + seconds(6), start + seconds(19)}, "not JSON"}, start).value());
}

TEST_F(JournalTest, DeliveredPayloadsAreKeptForTheirTimeAndNumbersAreNeverUsedTwice) {
  Result<ExporterRow> row = journal_->attach_exporter("archive", "file", "hold", false);
  PageBuilder page;
  page.add("1", start).add("2", start);
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  PruneRules rules{hours(24), hours(24 * 400), hours(24 * 1825), 0, {}};
  ASSERT_TRUE(journal_->prune(rules, start + hours(48)).ok());
  EXPECT_EQ(ids().size(), 2u) << "not delivered yet";
  PositionUpdate update;
  update.exporter_id = row->exporter_id;
  update.to = 2;
  update.delivered = 2;
  ASSERT_TRUE(journal_->advance({update}, start).ok());
  ASSERT_TRUE(journal_->prune(rules, start + hours(23)).ok());
  EXPECT_EQ(ids().size(), 2u) << "before its time";
  ASSERT_TRUE(journal_->prune(rules, start + hours(25)).ok());
  EXPECT_TRUE(ids().empty());
  EXPECT_EQ(journal_->database().query_int("SELECT count(*) FROM payload"), 0);
  reopen();
  // The identity outlives the payload, and the next record gets the next number.
  PageBuilder again;
  again.add("1", start).add("3", start);
  Result<StoredPage> stored = store(0, again.page(), true);
  EXPECT_EQ(stored->duplicates, 1u);
  published();
  EXPECT_EQ(journal_->last_seq(), 3u);
}

// What is pruned gives its pages back to the disk, all of them: PRAGMA incremental_vacuum gives one at each step.
TEST_F(JournalTest, PruningMakesTheFileSmaller) {
  const ExporterRow row = journal_->attach_exporter("archive", "file", "hold", false).value();
  std::mt19937 random(1);
  PageBuilder page;
  for (int i = 0; i < 100; ++i) {
    std::string filler;  // that does not get smaller by compressing it
    for (int part = 0; part < 100; ++part) filler += hex(sha256(std::to_string(random())));
    page.add(std::to_string(i), start + seconds(i), "\"" + filler + "\"");
  }
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  PositionUpdate update;
  update.exporter_id = row.exporter_id;
  update.to = 100;
  update.delivered = 100;
  ASSERT_TRUE(journal_->advance({update}, start).ok());
  const std::int64_t before = journal_->database().query_int("PRAGMA page_count");
  ASSERT_TRUE(journal_->prune({hours(24), hours(24), hours(24), 0, {}}, start + hours(25)).ok());
  EXPECT_TRUE(ids().empty());
  EXPECT_EQ(journal_->database().query_int("PRAGMA freelist_count"), 0);
  EXPECT_LT(journal_->database().query_int("PRAGMA page_count"), before - 20);
}

TEST_F(JournalTest, AFullJournalHoldsOrReleasesAsConfigured) {
  Result<ExporterRow> hold = journal_->attach_exporter("hold", "file", "hold", false);
  PageBuilder page;
  for (int i = 0; i < 50; ++i) page.add(std::to_string(i), start + seconds(i));
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  PruneRules rules{hours(24), hours(24), hours(24), 1, {}};
  Result<PruneStep> step = journal_->prune(rules, start);
  ASSERT_TRUE(step.ok());
  EXPECT_TRUE(step->full);
  EXPECT_EQ(ids().size(), 50u);
  ASSERT_TRUE(journal_->attach_exporter("hold", "file", "release", false).ok());
  step = journal_->prune(rules, start);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->released, 50u);
  const ExporterRow row = (*journal_->exporters())[0];
  EXPECT_EQ(row.books.released, 50u);
  EXPECT_TRUE(row.books.balance(journal_->last_seq()));
  EXPECT_EQ(take_snapshot(*journal_)->gaps.at(0).type, "released");
}

TEST_F(JournalTest, TheLedgerChainsItsRowsAndShowsAChange) {
  PageBuilder page, empty;
  page.add("1", start);
  ASSERT_TRUE(store(0, page.page(), true).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store(0, empty.page(), true).ok());
  published();
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  std::vector<std::string> kinds;
  std::int64_t repeats = 0;
  ASSERT_TRUE((*reader)->ledger({}, [&](const LedgerRow& row) {
    kinds.push_back(row.kind);
    if (row.kind == "empty") repeats = row.repeats;
  }).ok());
  EXPECT_EQ(kinds, (std::vector<std::string>{"collection", "page", "empty", "walk"}));
  EXPECT_EQ(repeats, 3);
  EXPECT_FALSE((*reader)->verify(collection_.stream_id)->broken);
  EXPECT_TRUE((*reader)->check()->empty());
  journal_->database().execute("UPDATE ledger SET detail = replace(detail, '\"new\":1', '\"new\":0') WHERE kind = 'page'");
  ASSERT_TRUE((*reader)->verify(collection_.stream_id)->broken);
  EXPECT_EQ((*reader)->verify(collection_.stream_id)->broken->kind, "page");
}

TEST_F(JournalTest, APageOfAWalkThatHasEndedIsRefusedWhole) {
  const std::int64_t walk = begin();
  PageBuilder first, second;
  first.add("1", start);
  second.add("2", start);
  ASSERT_TRUE(store(walk, first.page(), true).ok());
  published();
  const Result<StoredPage> stored = store(walk, second.page(), true);
  ASSERT_FALSE(stored.ok());
  EXPECT_NE(stored.error().message.find("has ended"), std::string::npos) << stored.error().message;
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  EXPECT_TRUE((*reader)->check()->empty());
  EXPECT_EQ((*reader)->snapshot()->streams.at(0).books.fetched, 1u);
  ASSERT_TRUE(store(0, second.page()).ok()) << "its record is not known yet";
}

TEST_F(JournalTest, TheCheckFindsRecordsThatNoWalkWouldPublish) {
  PageBuilder page;
  page.add("1", start);
  page.add("2", start);
  ASSERT_TRUE(store(0, page.page()).ok());
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  EXPECT_TRUE((*reader)->check()->empty());
  journal_->database().execute("DELETE FROM walk");
  const std::vector<std::string> findings = (*reader)->check().value();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings.front().substr(0, 20), "2 records in 1 pages") << findings.front();
}

TEST_F(JournalTest, WhatARereadDoesNotMeetIsMarkedOnceAndTakenBackWhenItIsMet) {
  PageBuilder page;
  for (int i = 0; i < 6; ++i) page.add(std::to_string(i), start + std::chrono::minutes(i));
  ASSERT_TRUE(store(0, page.page(), true).ok());
  published();
  const TimeRange window{start, start + std::chrono::minutes(5)};
  const auto vanished_after = [&](std::initializer_list<const char*> ids) {
    MetRecords met;
    for (const char* id : ids) met.add(id);
    const Result<Vanished> found = journal_->note_vanished(collection_.stream_id, window, std::move(met), start);
    EXPECT_TRUE(found.ok());
    return std::pair(found->vanished, found->shown_again);
  };
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  // The ends of the window, 0 and 5, are not looked at.
  EXPECT_EQ(vanished_after({"1", "3", "4"}), Counts(1, 0));
  EXPECT_EQ(vanished_after({"1", "3", "4"}), Counts(0, 0)) << "told once";
  EXPECT_EQ(vanished_after({"1", "2", "4"}), Counts(1, 1));
  EXPECT_EQ(vanished_after({"4", "3", "2", "1"}), Counts(0, 1));
  MetRecords unknown;
  unknown.give_up();
  EXPECT_EQ(journal_->note_vanished(collection_.stream_id, window, unknown, start)->vanished, 0u);
  const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  EXPECT_EQ((*reader)->snapshot()->streams.at(0).books.vanished, 2u);
  std::vector<std::string> rows;
  ASSERT_TRUE((*reader)->ledger({}, [&](const LedgerRow& row) {
    if (row.kind == "vanished") rows.push_back(row.detail);
  }).ok());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_NE(rows[0].find("\"vanished\":1"), std::string::npos) << rows[0];
  EXPECT_NE(rows[0].find("\"id_sha256\":\"" + hex(bytes_of(short_hash("2")))), std::string::npos) << rows[0];
  // Asked for in two ways, what does not fit the present one would look as if it were gone.
  ASSERT_TRUE(journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f2", "", start).ok());
  EXPECT_EQ(vanished_after({}), Counts(0, 0));
}

// Its coverage would be a guess: nothing is claimed, and the ledger tells why.
TEST_F(JournalTest, AWalkWhoseCoverageIsDamagedIsPublishedWithoutIt) {
  PageBuilder page;
  page.add("1", start).add("2", start + seconds(1));
  const std::int64_t walk = store(0, page.page(), true).value().walk_id;
  journal_->database().execute("UPDATE walk SET covered = 'x' || covered");
  const Result<PublishProgress> progress = journal_->publish(walk, 100, start);
  ASSERT_TRUE(progress.ok()) << progress.error().message;
  EXPECT_TRUE(progress->finished);
  EXPECT_TRUE(progress->damaged);
  EXPECT_EQ(ids().size(), 2u);
  const CollectionState after = journal_->load_collection(collection_.collection_id).value();
  EXPECT_TRUE(after.coverage.empty());
  EXPECT_TRUE(after.walks.empty());
  const std::string told = journal_->database().query_text("SELECT detail FROM ledger WHERE kind = 'walk'");
  EXPECT_NE(told.find("\"covered\":[]"), std::string::npos) << told;
  EXPECT_NE(told.find("\"damaged\":\"what the walk had shown cannot be read"), std::string::npos) << told;
}

TEST_F(JournalTest, PenaltiesOutliveARestart) {
  ASSERT_TRUE(journal_->set_penalty({"portal:443", "c1", start + seconds(60), "429"}).ok());
  ASSERT_TRUE(journal_->set_penalty({"portal:443", "c1", start + seconds(30), "429"}).ok());
  reopen();
  ASSERT_EQ(journal_->penalties(start)->size(), 1u);
  EXPECT_EQ((*journal_->penalties(start))[0].until, start + seconds(60));
  EXPECT_TRUE(journal_->penalties(start + seconds(60))->empty());
}

TEST_F(JournalTest, AReaderDoesNotStopTheWriterAndSeesABalance) {
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 20; ++i) {
    PageBuilder page;
    page.add(std::to_string(i), start + seconds(i));
    ASSERT_TRUE(store(0, page.page(), true).ok());
    Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    ASSERT_TRUE(snapshot.ok());
    EXPECT_TRUE(snapshot->streams[0].books.balance());
    EXPECT_EQ(snapshot->streams[0].books.fetched, static_cast<std::uint64_t>(i + 1));
  }
}

// A reader that takes its time, in the middle of its transaction, as a backup does.
TEST_F(JournalTest, AReaderInTheMiddleOfItsTransactionDoesNotHoldTheWriterUp) {
  Database reader(folder_ / "journal.db", Database::Mode::read_only);
  reader.execute("BEGIN");
  ASSERT_EQ(reader.query_int("SELECT count(*) FROM payload"), 0);
  sqlite3_busy_timeout(journal_->database().handle(), 0);  // a wait would be a failure
  for (int i = 0; i < 20; ++i) {
    PageBuilder page;
    page.add(std::to_string(i), start + seconds(i));
    const Result<StoredPage> stored = store(0, page.page(), true);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
  }
  EXPECT_EQ(published().size(), 20u);
  EXPECT_EQ(reader.query_int("SELECT count(*) FROM payload"), 0) << "it sees the moment at which it began";
  reader.execute("COMMIT");
  EXPECT_EQ(reader.query_int("SELECT count(*) FROM payload"), 20);
}

TEST(JournalFile, ADamagedFileIsRefusedAndKept) {
  TemporaryFolder folder;
  {
    std::ofstream file(folder / "journal.db", std::ios::binary);
    file << std::string(100'000, 'x');
  }
  Result<std::unique_ptr<Journal>> opened = Journal::open(folder / "journal.db");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_NE(opened.error().message.find("journal check"), std::string::npos) << opened.error().message;
  EXPECT_EQ(std::filesystem::file_size(folder / "journal.db"), 100'000u);
}

// As it may be left by a crash at the very first start, or by a disk that has lost it: a new journal, and no secret.
TEST(JournalFile, AnEmptyFileBecomesANewJournalThatSaysSoOnce) {
  TemporaryFolder folder;
  const std::string path = folder / "journal.db";
  std::ofstream{path};
  {
    const std::unique_ptr<Journal> journal = std::move(Journal::open(path)).value();
    // Ends before anybody was told.
  }
  const std::unique_ptr<Journal> journal = std::move(Journal::open(path)).value();
  EXPECT_TRUE(journal->note_empty_file(start).value());
  EXPECT_FALSE(journal->note_empty_file(start).value());
  EXPECT_EQ(journal->database().query_int("SELECT count(*) FROM ledger WHERE kind = 'empty_file'"), 1);
  const std::unique_ptr<Journal> other = std::move(Journal::open(folder / "other.db")).value();
  EXPECT_FALSE(other->note_empty_file(start).value()) << "there was no file";
}

// A page that nothing looks at when a journal is opened, and nothing but the check.
void break_unused_page(const std::string& path) {
  std::int64_t page = 0;
  {
    Database database(path, Database::Mode::read_only);
    page = database.query_int("SELECT rootpage FROM sqlite_master WHERE name = 'penalty'");
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((page - 1) * 8192);
  file << std::string(8192, '\x5a');
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(JournalFile, TheFileIsCheckedOnlyAfterAnUncleanEnd) {
  TemporaryFolder folder;
  const std::string path = folder / "journal.db";
  {
    const std::unique_ptr<Journal> journal = std::move(Journal::open(path)).value();
    ASSERT_TRUE(journal->close().ok());
  }
  break_unused_page(path);
  {
    Result<std::unique_ptr<Journal>> after_close = Journal::open(path);
    ASSERT_TRUE(after_close.ok()) << "closed in order: the whole file is not read again";
    // Ends without close(), as a crash does.
  }
  const std::string before = bytes_of_file(path);
  const Result<std::unique_ptr<Journal>> after_crash = Journal::open(path);
  ASSERT_FALSE(after_crash.ok());
  EXPECT_EQ(after_crash.error().kind, ErrorKind::corrupt);
  EXPECT_NE(after_crash.error().message.find("it is left as it is"), std::string::npos) << after_crash.error().message;
  EXPECT_NE(after_crash.error().message.find("journal salvage"), std::string::npos);
  EXPECT_EQ(bytes_of_file(path), before);
}

std::string unclean_damaged_journal(const TemporaryFolder& folder) {
  const std::string path = folder / "journal.db";
  { const std::unique_ptr<Journal> journal = std::move(Journal::open(path)).value(); }
  break_unused_page(path);
  return path;
}

// Not looked at is not found: the daemon starts, and reads what it needs with its own checks.
TEST(JournalFile, TheCheckEndsWhenItsEffortIsSpent) {
  TemporaryFolder folder;
  const std::string path = unclean_damaged_journal(folder);
  EXPECT_FALSE(Journal::open(path).ok());
  const Result<std::unique_ptr<Journal>> opened = Journal::open(path, {.check_instructions = 1});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  // The limit was the check's only.
  EXPECT_EQ((*opened)->database().query_int("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT count(*) FROM n"), 5000);
}

TEST(JournalFile, HalfAFileIsRefusedAndKept) {
  TemporaryFolder folder;
  const std::string path = folder / "journal.db";
  {
    const std::unique_ptr<Journal> journal = std::move(Journal::open(path)).value();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(journal->note("test", "{\"filler\":\"" + std::string(1000, 'x') + "\"}", start).ok());
  }
  const std::uintmax_t half = std::filesystem::file_size(path) / 2;
  std::filesystem::resize_file(path, half);
  const std::string before = bytes_of_file(path);
  const Result<std::unique_ptr<Journal>> opened = Journal::open(path);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt) << opened.error().message;
  EXPECT_NE(opened.error().message.find("journal salvage"), std::string::npos) << opened.error().message;
  EXPECT_EQ(bytes_of_file(path), before);
}

// A file of an older version is not even brought up to date before it was looked at.
TEST(JournalFile, AnOlderDamagedFileIsKeptAsItIs) {
  TemporaryFolder folder;
  const std::string path = folder / "journal.db";
  {
    make_file_of_version_one(path);
    Database database(path, Database::Mode::create);
    database.execute("UPDATE meta SET value = 0 WHERE key = 'ended_cleanly'");
  }
  break_unused_page(path);
  const std::string before = bytes_of_file(path);
  EXPECT_FALSE(Journal::open(path).ok());
  EXPECT_EQ(bytes_of_file(path), before);
}

TEST(JournalFile, ANewerSchemaIsRefused) {
  TemporaryFolder folder;
  {
    Database database(folder / "journal.db", Database::Mode::create);
    database.execute("PRAGMA user_version = 99; CREATE TABLE t(x)");
  }
  Result<std::unique_ptr<Journal>> opened = Journal::open(folder / "journal.db");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::unsupported);
}

// More rows than are read at once, some of them of one moment; the visitor writes to the journal meanwhile, and
// the log can be taken in as a whole: nothing is held open while rows are shown.
TEST_F(JournalTest, TheLedgerIsReadInPartsWithNothingHeldOpen) {
  constexpr int rows = 2500;
  for (int i = 0; i < rows; ++i) {
    ASSERT_TRUE(journal_->note("test", "{\"n\":" + std::to_string(i) + "}", start + seconds(i / 7)).ok());
  }
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
  ASSERT_TRUE(reader.ok());
  std::vector<std::string> seen;
  const LedgerFilter filter{std::nullopt, std::nullopt, start + hours(1)};
  ASSERT_TRUE((*reader)
                  ->ledger(filter,
                           [&](const LedgerRow& row) {
                             if (row.kind == "test") seen.push_back(row.detail);
                             if (seen.size() != 500) return;
                             ASSERT_TRUE(journal_->note("written meanwhile", "{}", start + hours(2)).ok());
                             Statement checkpoint(journal_->database(), "PRAGMA wal_checkpoint(TRUNCATE)");
                             ASSERT_TRUE(checkpoint.query().step());
                             EXPECT_EQ(checkpoint.integer(0), 0) << "a reader holds the log back";
                           })
                  .ok());
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], "{\"n\":" + std::to_string(i) + "}");
}

}  // namespace
}  // namespace auditferry
