// A disk that is full at any moment: every call either happens as a whole or not at all, and work goes on
// once there is room.

#include <gtest/gtest.h>

#include <fstream>

#include "encoding/hash.h"
#include "storage/journal.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/own_disk.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

class FullDisk {
 public:
  FullDisk() {
    journal_ = std::move(Journal::open(folder_ / "journal.db")).value();
    collection_ = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).value();
    exporter_ = journal_->attach_exporter("archive", "file", "hold", false).value();
  }
  // The database may grow by so many pages from now on.
  void allow(std::int64_t pages) {
    if (limit_ == 0) limit_ = journal_->database().query_int("PRAGMA page_count");
    limit_ += pages;
    journal_->database().query_int(("PRAGMA max_page_count = " + std::to_string(limit_)).c_str());
  }
  // One page of records, published and confirmed; whatever fails is tried again after more room came.
  void carry(int number, int& failures) {
    PageBuilder builder;
    for (int i = 0; i < 20; ++i) {
      const int id = number * 20 + i;
      std::string filler;  // that does not get smaller by compressing it
      for (int part = 0; part < 12; ++part) filler += hex(sha256(std::to_string(id * 100 + part)));
      builder.add(std::to_string(id), start + Duration(id), "{\"filler\":\"" + filler + "\"}");
    }
    PageToStore page;
    page.stream_id = collection_.stream_id;
    page.collection_id = collection_.collection_id;
    page.source = "acme";
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{{{start, start + Duration(number + 1)}}};
    const StoredPage stored = until_done<StoredPage>([&] { return journal_->store_page(page, start); }, failures);
    EXPECT_EQ(stored.fresh, 20u);
    PublishProgress progress;
    while (!progress.finished) {
      progress = until_done<PublishProgress>([&] { return journal_->publish(stored.walk_id, 7, start); }, failures);
    }
    PositionUpdate update;
    update.exporter_id = exporter_.exporter_id;
    update.from = position_;
    update.to = journal_->last_seq();
    update.delivered = update.to - update.from;
    update.state = {{"file", std::to_string(update.to)}};
    const auto done = until_done<std::vector<bool>>([&] { return journal_->advance({update}, start); }, failures);
    EXPECT_TRUE(done.at(0));
    position_ = update.to;
  }
  void expect_books(std::uint64_t records) {
    const JournalSnapshot snapshot = take_snapshot(*journal_).value();
    EXPECT_TRUE(snapshot.streams[0].books.balance());
    EXPECT_EQ(snapshot.streams[0].books.journaled, records);
    EXPECT_EQ(snapshot.last_seq, records);
    EXPECT_EQ(snapshot.exporters[0].books.delivered, records);
    EXPECT_TRUE(snapshot.exporters[0].books.balance(snapshot.last_seq));
    const Result<RecordBatch> batch = journal_->read(0, 1'000'000, 1u << 30);
    ASSERT_TRUE(batch.ok());
    EXPECT_EQ(batch->records.size(), records);
    const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(folder_ / "journal.db")).value();
    EXPECT_TRUE(reader->check()->empty());
  }

 private:
  template <class Value, class Call>
  Value until_done(Call call, int& failures) {
    for (int tries = 0; tries < 50; ++tries) {
      Result<Value> result = call();
      if (result.ok()) return std::move(result).value();
      EXPECT_EQ(result.error().kind, ErrorKind::no_space) << result.error().message;
      EXPECT_NE(result.error().message.find("free space"), std::string::npos);
      ++failures;
      allow(1);
    }
    ADD_FAILURE() << "still full after fifty pages more";
    return Value();
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::unique_ptr<Journal> journal_;
  CollectionState collection_;
  ExporterRow exporter_;
  std::uint64_t position_ = 0;
  std::int64_t limit_ = 0;
};

TEST(JournalOnAFullDisk, LosesNothingWhereverItBecomesFull) {
  int failures = 0;
  for (int room = 0; room < 12; ++room) {
    FullDisk disk;
    disk.allow(room);
    for (int number = 0; number < 25; ++number) disk.carry(number, failures);
    disk.expect_books(500);
  }
  EXPECT_GT(failures, 100);
}

// With no daemon on the journal a reader makes the memory that connections share.
TEST(JournalOnAFullDisk, AReaderOnADiskWithoutAByteSaysThatItIsFull) {
  const TemporaryFolder folder;
  const std::string path = folder / "journal.db";
  const std::string said = on_its_own_disk(folder.path(), 0, "size=1m", [&] {
    { const auto journal = std::move(Journal::open(path)).value(); }
    std::ofstream(folder / "filler") << std::string(2u << 20, 'x') << std::flush;
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(path);
    if (!reader.ok()) return reader.error().message;
    const Result<JournalSnapshot> snapshot = (*reader)->snapshot();
    return snapshot.ok() ? std::string("read") : snapshot.error().message;
  });
  EXPECT_NE(said.find("free space on that disk"), std::string::npos) << said;
}

}  // namespace
}  // namespace auditferry
