// A copy that is made beside a writer is a whole journal of one moment, and known as a copy when it is opened.

#include "storage/journal_copy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/journal.h"
#include "storage/old_file.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class JournalCopyTest : public testing::Test {
 protected:
  JournalCopyTest() {
    journal_ = std::move(Journal::open(path())).value();
    collection_ = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).value();
    exporter_ = journal_->attach_exporter("siem", "scripted", "hold", false).value();
  }
  std::string path() { return folder_ / "journal.db"; }
  std::string copy_path() { return folder_ / "copy.db"; }
  // So many records more, each page with its walk and its publication.
  void add(int count) {
    PageBuilder builder;
    for (int i = 0; i < count; ++i, ++next_id_) builder.add(std::to_string(next_id_), start + seconds(next_id_));
    PageToStore page;
    page.stream_id = collection_.stream_id;
    page.collection_id = collection_.collection_id;
    page.source = "acme";
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{{{start, start + seconds(next_id_)}}};
    const Result<StoredPage> stored = journal_->store_page(page, start);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    ASSERT_TRUE(journal_->publish(stored->walk_id, 1'000'000, start).ok());
  }
  void deliver(std::uint64_t from, std::uint64_t to) {
    PositionUpdate update;
    update.exporter_id = exporter_.exporter_id;
    update.from = from;
    update.to = to;
    update.delivered = to - from;
    ASSERT_TRUE(journal_->advance({update}, start).value().at(0));
  }
  static std::size_t files_in(const std::string& folder) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
    return count;
  }
  static std::vector<std::string> ledger_of(const std::string& path, const std::string& kind) {
    std::vector<std::string> details;
    const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(path)).value();
    EXPECT_TRUE(reader->ledger({}, [&](const LedgerRow& row) {
      if (row.kind == kind) details.push_back(row.detail);
    }).ok());
    return details;
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::unique_ptr<Journal> journal_;
  CollectionState collection_;
  ExporterRow exporter_;
  int next_id_ = 0;
};

TEST_F(JournalCopyTest, ACopyBesideTheWriterHoldsEverythingUpToThen) {
  add(100);
  deliver(0, 60);
  const Result<CopyReport> report = copy_journal(path(), copy_path(), start);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->last_seq, 100u);
  EXPECT_EQ(report->epoch, journal_->epoch());
  add(10);  // the writer goes on
  struct stat about {};
  ASSERT_EQ(stat(copy_path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(report->bytes, static_cast<std::uint64_t>(about.st_size));
  const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(copy_path())).value();
  EXPECT_TRUE(reader->check()->empty());
  const JournalSnapshot snapshot = reader->snapshot().value();
  EXPECT_EQ(snapshot.last_seq, 100u);
  EXPECT_EQ(snapshot.exporters.at(0).books.position, 60u);
}

TEST_F(JournalCopyTest, ACopyHasAnEpochOfItsOwnFromItsFirstOpeningOn) {
  add(20);
  deliver(0, 12);
  ASSERT_TRUE(copy_journal(path(), copy_path(), start).ok());
  const std::string epoch = journal_->epoch();
  EXPECT_FALSE(recognise_copy(*journal_, start)->has_value()) << "the original is no copy";
  EXPECT_EQ(journal_->epoch(), epoch);
  std::string renewed;
  {
    const std::unique_ptr<Journal> copy = std::move(Journal::open(copy_path())).value();
    const auto recognised = recognise_copy(*copy, start + hours(2)).value();
    ASSERT_TRUE(recognised.has_value());
    EXPECT_EQ(recognised->copied_at, start);
    EXPECT_EQ(recognised->epoch_before, epoch);
    renewed = copy->epoch();
    EXPECT_EQ(renewed, recognised->epoch);
    EXPECT_NE(renewed, epoch);
    // Positions of the former epoch stand: what they say was confirmed is a part of what was.
    EXPECT_EQ(copy->attach_exporter("siem", "scripted", "hold", false)->books.position, 12u);
    EXPECT_FALSE(recognise_copy(*copy, start + hours(2))->has_value());
    ASSERT_TRUE(copy->close().ok());
  }
  const std::unique_ptr<Journal> again = std::move(Journal::open(copy_path())).value();
  EXPECT_FALSE(recognise_copy(*again, start + hours(3))->has_value());
  EXPECT_EQ(again->epoch(), renewed);
  const std::vector<std::string> noted = ledger_of(copy_path(), "restored");
  ASSERT_EQ(noted.size(), 1u);
  EXPECT_NE(noted[0].find("\"epoch_before\":\"" + epoch + "\""), std::string::npos) << noted[0];
  EXPECT_NE(noted[0].find("\"positions\":{\"siem\":12}"), std::string::npos) << noted[0];
}

TEST_F(JournalCopyTest, APositionOfALaterJournalIsRefusedWithWhatToDo) {
  add(20);
  ASSERT_TRUE(copy_journal(path(), copy_path(), start).ok());
  const std::unique_ptr<Journal> copy = std::move(Journal::open(copy_path())).value();
  copy->database().execute("UPDATE exporter SET position = 21");
  const Result<ExporterRow> row = copy->attach_exporter("siem", "scripted", "hold", false);
  ASSERT_FALSE(row.ok());
  EXPECT_NE(row.error().message.find("After a restore"), std::string::npos) << row.error().message;
}

TEST_F(JournalCopyTest, NothingIsOverwrittenAndNothingIsLeftBehindByAFailure) {
  add(5);
  std::ofstream(copy_path()) << "precious";
  const std::size_t before = files_in(folder_.path());
  const Result<CopyReport> taken = copy_journal(path(), copy_path(), start);
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find("is not overwritten"), std::string::npos) << taken.error().message;
  std::string kept;
  std::getline(std::ifstream(copy_path()), kept);
  EXPECT_EQ(kept, "precious");
  EXPECT_FALSE(copy_journal(folder_ / "none.db", folder_ / "other.db", start).ok());
  EXPECT_FALSE(copy_journal(path(), folder_ / "no folder/copy.db", start).ok());
  EXPECT_EQ(files_in(folder_.path()), before);
}

TEST_F(JournalCopyTest, ADamagedJournalGivesNoCopy) {
  add(2000);
  const std::int64_t page = journal_->database().query_int("SELECT rootpage FROM sqlite_master WHERE name = 'penalty'");
  ASSERT_TRUE(journal_->close().ok());
  journal_.reset();
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((page - 1) * 8192);
  file << std::string(8192, '\x5a');
  file.close();
  const Result<CopyReport> report = copy_journal(path(), copy_path(), start);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind, ErrorKind::corrupt);
  EXPECT_NE(report.error().message.find("journal salvage"), std::string::npos) << report.error().message;
  EXPECT_FALSE(std::filesystem::exists(copy_path()));
}

TEST_F(JournalCopyTest, ABusyWriterNeitherWaitsForACopyNorDisturbsIt) {
  for (int i = 0; i < 20; ++i) add(100);
  std::atomic<int> copies = 0;
  std::thread copier([&] {
    for (int i = 0; i < 3; ++i) {
      if (copy_journal(path(), folder_ / ("copy" + std::to_string(i)), start).ok()) ++copies;
    }
  });
  for (int i = 0; i < 60; ++i) add(20);
  copier.join();
  EXPECT_EQ(copies, 3);
  for (int i = 0; i < 3; ++i) {
    const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(folder_ / ("copy" + std::to_string(i)))).value();
    EXPECT_TRUE(reader->check()->empty());
    EXPECT_GE(reader->snapshot()->last_seq, 2000u);
  }
}

TEST(JournalCopyOfAnOlderVersion, IsMadeAsItIs) {
  TemporaryFolder folder;
  make_file_of_version_one(folder / "journal.db");
  ASSERT_TRUE(copy_journal(folder / "journal.db", folder / "copy.db", start).ok());
  EXPECT_EQ(Database(folder / "copy.db", Database::Mode::read_only).query_int("PRAGMA user_version"), 1);
  const std::unique_ptr<Journal> copy = std::move(Journal::open(folder / "copy.db")).value();
  EXPECT_TRUE(recognise_copy(*copy, start)->has_value());
}

}  // namespace
}  // namespace auditferry
