// Faults of the disk under the journal: every call of SQLite to the system fails once, or is the last one
// before a crash or a power loss. What was acknowledged stays, what failed has not half happened, and the
// books balance.

#include <gtest/gtest.h>

#include <filesystem>

#include "encoding/hash.h"
#include "storage/journal.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/every_call.h"
#include "tests/support/faulty_sqlite.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

constexpr int pages = 3;
constexpr int records_of_a_carried_page = 15;
const std::uint64_t carried_stride = stride_of_calls(4, 17);

// Carries pages into the journal and on to an exporter like the daemon: whatever fails is tried again, after a
// crash it goes on from what the journal says.
class Carrier {
 public:
  explicit Carrier(FaultySqlite& disk) : disk_(disk) {}

  // Works to the end or until the crash.
  void work() {
    while (!disk_.crashed() && !done()) {
      if (++steps_ > 2000) {
        ADD_FAILURE() << "no progress";
        return;
      }
      if (!step()) ++failures_;
    }
  }
  void crash() { journal_.reset(); }
  int failures() const { return failures_; }

  void expect_everything() {
    const Result<JournalSnapshot> taken = take_snapshot(*journal_);
    ASSERT_TRUE(taken.ok()) << taken.error().message;
    constexpr std::uint64_t all = pages * records_of_a_carried_page;
    EXPECT_TRUE(taken->streams[0].books.balance());
    EXPECT_EQ(taken->streams[0].books.journaled, all);
    EXPECT_EQ(taken->streams[0].books.staged, 0u);
    EXPECT_EQ(taken->last_seq, all);
    EXPECT_EQ(taken->exporters[0].books.delivered, all);
    EXPECT_TRUE(taken->exporters[0].books.balance(taken->last_seq));
    const Result<RecordBatch> batch = journal_->read(0, 1'000'000, 1u << 30);
    ASSERT_TRUE(batch.ok());
    EXPECT_EQ(batch->records.size(), all);
    EXPECT_TRUE(batch->missing.empty());
    ASSERT_TRUE(journal_->close().ok());
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "journal.db");
    ASSERT_TRUE(reader.ok());
    EXPECT_TRUE((*reader)->check()->empty());
  }

 private:
  std::uint64_t last_seq() const { return journal_->last_seq(); }
  bool done() const { return journal_ && next_page_ == pages && walks_.empty() && position_ == last_seq(); }

  bool step() {
    if (!journal_) return open();
    for (const StoredWalk& walk : walks_) {
      if (walk.publishing) return publish(walk.walk_id);
    }
    if (position_ < last_seq()) return deliver();
    return store();
  }
  bool open() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    if (!opened.ok()) {
      EXPECT_NE(opened.error().kind, ErrorKind::corrupt) << opened.error().message;
      return false;
    }
    journal_ = std::move(opened).value();
    const bool attached = attach();
    if (!attached) journal_.reset();
    return attached;
  }
  bool attach() {
    Result<CollectionState> collection = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start);
    if (!collection.ok()) return false;
    Result<ExporterRow> exporter = journal_->attach_exporter("archive", "file", "hold", false);
    if (!exporter.ok()) return false;
    const Result<ExporterState> state = journal_->exporter_state(exporter->exporter_id);
    if (!state.ok()) return false;
    // A position that was acknowledged is still there, with its state.
    EXPECT_GE(exporter->books.position, position_);
    position_ = exporter->books.position;
    EXPECT_EQ(state->contains("file"), position_ > 0);
    if (position_ > 0 && state->contains("file")) {
      EXPECT_EQ(state->at("file"), std::to_string(position_));
    }
    exporter_id_ = exporter->exporter_id;
    stream_id_ = collection->stream_id;
    collection_id_ = collection->collection_id;
    walks_ = std::move(collection->walks);
    return true;
  }
  bool reload_walks() {
    Result<CollectionState> collection = journal_->load_collection(collection_id_);
    // Not read: begin anew like after a restart.
    if (!collection.ok()) journal_.reset();
    if (collection.ok()) walks_ = std::move(collection->walks);
    return collection.ok();
  }
  bool store() {
    PageBuilder builder;
    for (int i = 0; i < records_of_a_carried_page; ++i) {
      const int id = next_page_ * records_of_a_carried_page + i;
      std::string filler;  // that does not get smaller by compressing it
      for (int part = 0; part < 12; ++part) filler += hex(sha256(std::to_string(id * 100 + part)));
      builder.add(std::to_string(id), start + Duration(id), "{\"filler\":\"" + filler + "\"}");
    }
    PageToStore page;
    page.stream_id = stream_id_;
    page.collection_id = collection_id_;
    page.source = "acme";
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{{{start, start + Duration(next_page_ + 1)}}};
    const Result<StoredPage> stored = journal_->store_page(page, start);
    if (!stored.ok()) return false;
    // All of it is new, or all of it came in with a commit that was not acknowledged any more.
    EXPECT_TRUE(stored->fresh == records_of_a_carried_page || stored->fresh == 0) << stored->fresh;
    ++next_page_;
    return reload_walks();
  }
  bool publish(std::int64_t walk_id) {
    const Result<PublishProgress> progress = journal_->publish(walk_id, 7, start);
    if (!progress.ok()) return false;
    return progress->finished ? reload_walks() : true;
  }
  bool deliver() {
    PositionUpdate update;
    update.exporter_id = exporter_id_;
    update.from = position_;
    update.to = last_seq();
    update.delivered = update.to - update.from;
    update.state = {{"file", std::to_string(update.to)}};
    const Result<std::vector<bool>> done = journal_->advance({update}, start);
    if (!done.ok()) return false;
    EXPECT_TRUE(done->at(0));
    position_ = update.to;
    return true;
  }

  FaultySqlite& disk_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::unique_ptr<Journal> journal_;
  std::int64_t stream_id_ = 0;
  std::int64_t collection_id_ = 0;
  std::int64_t exporter_id_ = 0;
  std::vector<StoredWalk> walks_;
  int next_page_ = 0;
  std::uint64_t position_ = 0;
  int steps_ = 0;
  int failures_ = 0;
};

std::uint64_t calls_of_a_run() {
  FaultySqlite disk;
  Carrier carrier(disk);
  carrier.work();
  carrier.expect_everything();
  return disk.calls();
}

class JournalFaults : public testing::TestWithParam<FaultySqlite::Fault> {};

TEST_P(JournalFaults, OneFailedCallLosesNothingAndIsGoneWithTheNextTry) {
  const std::uint64_t calls = calls_of_a_run();
  int failed = 0;
  int hit = 0;
  for (std::uint64_t n = 1; n < calls; n += carried_stride) {
    FaultySqlite disk;
    Carrier carrier(disk);
    disk.fail_at(n, GetParam());
    carrier.work();
    failed += carrier.failures();
    hit += disk.has_failed() ? 1 : 0;
    disk.repair();
    carrier.expect_everything();
    if (HasFailure()) FAIL() << "call " << n << " of " << calls;
  }
  EXPECT_GT(hit, 10);
  // A lock that is held is waited for, all else is told to the caller.
  if (GetParam() != FaultySqlite::Fault::busy) {
    EXPECT_GT(failed, 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, JournalFaults,
                         testing::Values(FaultySqlite::Fault::io_error, FaultySqlite::Fault::full, FaultySqlite::Fault::busy));

class JournalCrashes : public testing::TestWithParam<FaultySqlite::Loss> {};

TEST_P(JournalCrashes, ACrashAtAnyCallLosesNothingThatWasAcknowledged) {
  const std::uint64_t calls = calls_of_a_run();
  for (std::uint64_t n = 1; n < calls; n += carried_stride) {
    FaultySqlite disk;
    Carrier carrier(disk);
    disk.crash_at(n);
    carrier.work();
    carrier.crash();
    disk.restart(GetParam(), n);
    carrier.work();
    carrier.expect_everything();
    if (HasFailure()) FAIL() << "crash at call " << n << " of " << calls;
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, JournalCrashes,
                         testing::Values(FaultySqlite::Loss::none, FaultySqlite::Loss::all, FaultySqlite::Loss::some));

// A journal as a process leaves it that was killed: its last commits are in the log only.
class UncleanEnd {
 public:
  UncleanEnd() {
    const std::unique_ptr<Journal> journal = std::move(Journal::open(made_ / "journal.db")).value();
    EXPECT_TRUE(journal->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).ok());
    EXPECT_TRUE(journal->database().query_int("PRAGMA wal_checkpoint(TRUNCATE)") == 0);
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(journal->note("test", "{\"filler\":\"" + std::string(1000, 'x') + "\"}", start).ok());
    copy_to(killed_.path());
  }
  // A fresh one of them.
  std::string put_into(const TemporaryFolder& folder) const {
    for (const char* file : {"/journal.db", "/journal.db-wal"}) std::filesystem::copy_file(killed_.path() + file, folder.path() + file);
    return folder / "journal.db";
  }

 private:
  void copy_to(const std::string& folder) const {
    for (const char* file : {"/journal.db", "/journal.db-wal"}) std::filesystem::copy_file(made_.path() + file, folder + file);
  }
  TemporaryFolder made_{TemporaryFolder::Place::memory};
  TemporaryFolder killed_{TemporaryFolder::Place::memory};
};

// What a disk refuses for a moment is no damage: nobody is told to run salvage.
TEST(StartAfterAnUncleanEnd, OneFailedCallIsNeverTakenForDamage) {
  const UncleanEnd killed;
  std::uint64_t calls = 0;
  {
    FaultySqlite disk;
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    ASSERT_TRUE(Journal::open(killed.put_into(folder)).ok());
    calls = disk.calls();
  }
  int failed = 0;
  int overcome = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    FaultySqlite disk;
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    const std::string path = killed.put_into(folder);
    disk.fail_at(n, FaultySqlite::Fault::io_error);
    {
      const Result<std::unique_ptr<Journal>> opened = Journal::open(path);
      if (opened.ok()) {
        overcome += disk.has_failed() ? 1 : 0;
      } else {
        ++failed;
        EXPECT_NE(opened.error().kind, ErrorKind::corrupt) << "call " << n << ": " << opened.error().message;
        EXPECT_EQ(opened.error().message.find("salvage"), std::string::npos) << "call " << n << ": " << opened.error().message;
      }
    }
    disk.repair();
    const Result<std::unique_ptr<Journal>> again = Journal::open(path);
    ASSERT_TRUE(again.ok()) << "call " << n << ": " << again.error().message;
    EXPECT_EQ((*again)->database().query_int("SELECT count(*) FROM ledger WHERE kind = 'test'"), 40);
  }
  EXPECT_GT(failed, 10);
  EXPECT_GT(overcome, 0) << "by the second look";
}

}  // namespace
}  // namespace auditferry
