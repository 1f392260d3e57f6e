// Pages of a journal are destroyed at random, by a seed: what salvage rescues and what it reports as lost are together
// exactly what was there.

#include "storage/salvage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "encoding/hash.h"
#include "storage/journal.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "storage/test_start.h"
#include "tests/support/page_builder.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t page_bytes = 8192;
constexpr int records_of_a_page = 25;
constexpr int published_pages = 60;
constexpr int staged_pages = 6;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

// A journal with records that are published and some that are not yet, and an exporter that has delivered nothing.
class SalvageTest : public testing::Test {
 protected:
  SalvageTest() {
    std::unique_ptr<Journal> journal = std::move(Journal::open(path())).value();
    const CollectionState collection = journal->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).value();
    EXPECT_TRUE(journal->attach_exporter("siem", "scripted", "hold", false).ok());
    std::int64_t walk = 0;
    for (int number = 0; number < published_pages + staged_pages; ++number) {
      PageBuilder builder;
      for (int i = 0; i < records_of_a_page; ++i) {
        const int id = number * records_of_a_page + i;
        std::string filler;  // that does not get smaller by compressing it
        for (int part = 0; part < 6; ++part) filler += hex(sha256(std::to_string(id * 100 + part)));
        builder.add(std::to_string(id), start + seconds(id), "{\"filler\":\"" + filler + "\"}");
      }
      const bool ends = number < published_pages && number % 3 == 2;
      PageToStore page;
      page.stream_id = collection.stream_id;
      page.collection_id = collection.collection_id;
      page.walk_id = walk;
      page.source = "acme";
      page.received = start;
      page.page = &builder.page();
      page.walk_state = "{}";
      page.provenance.how = "poll";
      page.provenance.window = {start, start + hours(10)};
      if (ends) page.end = WalkEnd{{{start, start + seconds(number * records_of_a_page)}}};
      walk = journal->store_page(page, start).value().walk_id;
      if (!ends) continue;
      while (!journal->publish(walk, 40, start)->finished) {
      }
      walk = 0;
    }
    const RecordBatch batch = journal->read(0, 1'000'000, 1u << 30).value();
    for (const Record& record : batch.records) seq_of_[std::string(record.id)] = record.seq;
    EXPECT_EQ(seq_of_.size(), static_cast<std::size_t>(published_pages * records_of_a_page));
    EXPECT_TRUE(journal->close().ok());
    journal.reset();
    sound_ = content_of(path());
  }
  std::string path() { return folder_ / "journal.db"; }
  std::string fresh_path() { return folder_ / "fresh.db"; }
  std::size_t pages() const { return sound_.size() / page_bytes; }
  // The first page of a table.
  std::size_t root_of(const std::string& table) {
    Database database(path(), Database::Mode::read_only);
    return static_cast<std::size_t>(database.query_int(("SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'").c_str()));
  }

  struct Outcome {
    SalvageReport report;
    std::map<std::string, std::uint64_t> rescued;  // id to number
    std::set<std::uint64_t> missing;               // as an exporter that begins in front meets them
    std::vector<std::string> findings;
  };
  Outcome salvage(const std::string& damaged) {
    put(path(), damaged);
    std::filesystem::remove(fresh_path());
    Outcome outcome;
    Result<SalvageReport> report = salvage_journal(path(), fresh_path(), start + hours(1));
    EXPECT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(content_of(path()), damaged) << "the damaged file is left as it is";
    if (!report.ok()) return outcome;
    outcome.report = std::move(report).value();
    std::unique_ptr<Journal> journal = std::move(Journal::open(fresh_path())).value();
    const RecordBatch batch = journal->read(0, 1'000'000, 1u << 30).value();
    for (const Record& record : batch.records) {
      const std::string id(record.id);
      EXPECT_TRUE(outcome.rescued.emplace(id, record.seq).second) << "twice: " << id;
      std::string filler;
      for (int part = 0; part < 6; ++part) filler += hex(sha256(std::to_string(std::stoi(id) * 100 + part)));
      EXPECT_EQ(record.raw, "{\"filler\":\"" + filler + "\"}");
    }
    outcome.missing.insert(batch.missing.begin(), batch.missing.end());
    const JournalSnapshot snapshot = take_snapshot(*journal).value();
    for (const StreamSnapshot& stream : snapshot.streams) EXPECT_TRUE(stream.books.balance());
    EXPECT_TRUE(journal->close().ok());
    journal.reset();
    outcome.findings = std::move(JournalReader::open(fresh_path())).value()->check().value();
    return outcome;
  }
  // Rescued and reported lost are together all that was published, and nothing is both.
  void expect_exact(const Outcome& outcome) {
    std::set<std::uint64_t> lost;
    for (const LostNumbers& range : outcome.report.lost) {
      for (std::uint64_t seq = range.first; seq <= range.last; ++seq) EXPECT_TRUE(lost.insert(seq).second);
    }
    EXPECT_EQ(lost.size(), outcome.report.lost_records);
    std::uint64_t gone = 0;
    std::uint64_t renumbered = 0;
    for (const auto& [id, seq] : seq_of_) {
      const auto found = outcome.rescued.find(id);
      if (found == outcome.rescued.end()) {
        ++gone;
        EXPECT_TRUE(lost.contains(seq)) << "neither rescued nor reported: " << id;
      } else if (found->second != seq) {
        ++renumbered;
        EXPECT_TRUE(lost.contains(seq)) << "under another number, and that was not reported: " << id;
      } else {
        EXPECT_FALSE(lost.contains(seq)) << "rescued and reported lost: " << id;
      }
    }
    EXPECT_EQ(lost.size(), gone + renumbered);
    EXPECT_EQ(outcome.missing, lost) << "exporters that miss them find them missing";
    const std::uint64_t all = (published_pages + staged_pages) * records_of_a_page;
    EXPECT_EQ(outcome.report.records, outcome.rescued.size());
    const auto staged = std::find_if(outcome.report.tables.begin(), outcome.report.tables.end(),
                                     [](const RescuedTable& table) { return table.name == "staged"; });
    ASSERT_NE(staged, outcome.report.tables.end());
    if (staged->complete) {
      EXPECT_EQ(outcome.rescued.size() + gone + outcome.report.lost_staged, all);
    }
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::string sound_;
  std::map<std::string, std::uint64_t> seq_of_;
};

TEST_F(SalvageTest, OfASoundJournalEverythingIsRescuedUnderItsNumber) {
  const Outcome outcome = salvage(sound_);
  expect_exact(outcome);
  EXPECT_TRUE(outcome.report.lost.empty());
  EXPECT_EQ(outcome.report.renumbered, static_cast<std::uint64_t>(staged_pages * records_of_a_page)) << "those that had none";
  for (const RescuedTable& table : outcome.report.tables) EXPECT_TRUE(table.complete) << table.name;
  EXPECT_TRUE(outcome.findings.empty()) << outcome.findings.front();
  // It is another journal from now on, and its ledger says where it comes from.
  const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(fresh_path())).value();
  EXPECT_EQ(reader->snapshot()->epoch, outcome.report.epoch);
  EXPECT_NE(reader->snapshot()->epoch, Database(path(), Database::Mode::read_only).query_text("SELECT value FROM meta WHERE key = 'epoch'"));
  std::size_t noted = 0;
  ASSERT_TRUE(reader->ledger({}, [&](const LedgerRow& row) { noted += row.kind == "salvaged"; }).ok());
  EXPECT_EQ(noted, 1u);
  // What was walked is covered, what was being walked is not.
  const CollectionSnapshot collection = reader->snapshot()->streams.at(0).collections.at(0);
  EXPECT_TRUE(collection.walks.empty());
  ASSERT_EQ(collection.coverage.size(), 1u);
  EXPECT_EQ(collection.coverage[0].range.to, start + seconds((published_pages - 1) * records_of_a_page));
}

TEST_F(SalvageTest, RescuedAndLostAreTogetherEverythingWhateverPagesAreDestroyed) {
  int exact = 0;
  int by_pages = 0;
  int lost_some = 0;
  for (unsigned seed = 1; seed <= rounds(40u, 8u); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string damaged = sound_;
    for (unsigned i = 0; i <= seed % 8; ++i) {
      const std::size_t at = random() % pages() * page_bytes;
      const bool zeros = random() % 3 == 0;
      for (std::size_t byte = at; byte < at + page_bytes; ++byte) damaged[byte] = zeros ? '\0' : static_cast<char>(random());
    }
    const Outcome outcome = salvage(damaged);
    lost_some += outcome.report.lost_records > 0;
    by_pages += outcome.report.by_pages;
    if (!outcome.report.numbers_known) continue;
    ++exact;
    expect_exact(outcome);
    if (HasFailure()) FAIL();
  }
  EXPECT_GT(exact, rounds(25, 4));
  EXPECT_GT(lost_some, rounds(20, 4));
}

TEST_F(SalvageTest, WithoutTheTableOfContentsEveryRecordIsRescuedFromItsPages) {
  std::string damaged = sound_;
  std::fill_n(damaged.begin(), page_bytes, '\x5a');
  const Outcome outcome = salvage(damaged);
  EXPECT_TRUE(outcome.report.by_pages);
  EXPECT_FALSE(outcome.report.numbers_known);
  EXPECT_EQ(outcome.rescued.size(), static_cast<std::size_t>((published_pages + staged_pages) * records_of_a_page));
  EXPECT_TRUE(outcome.findings.empty()) << outcome.findings.front();
  const std::unique_ptr<JournalReader> reader = std::move(JournalReader::open(fresh_path())).value();
  EXPECT_EQ(reader->snapshot()->streams.at(0).identity.tenant, "t");
}

TEST_F(SalvageTest, WithoutTheWayToThePayloadsTheyAreFoundOnTheirPages) {
  std::string damaged = sound_;
  std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>((root_of("payload") - 1) * page_bytes), page_bytes, '\0');
  const Outcome outcome = salvage(damaged);
  EXPECT_FALSE(outcome.report.by_pages);
  expect_exact(outcome);
  EXPECT_TRUE(outcome.report.lost.empty());
}

TEST_F(SalvageTest, RecordsWhoseNumbersAreGoneGetNewOnes) {
  std::string damaged = sound_;
  std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>((root_of("publication") - 1) * page_bytes), page_bytes, '\0');
  const Outcome outcome = salvage(damaged);
  expect_exact(outcome);
  EXPECT_EQ(outcome.rescued.size(), static_cast<std::size_t>((published_pages + staged_pages) * records_of_a_page));
  EXPECT_EQ(outcome.report.lost_records, seq_of_.size());
  for (const auto& [id, seq] : outcome.rescued) EXPECT_GT(seq, seq_of_.size()) << id;
}

// A bit that flips in a record on the disk: its page's records are gone, and can be fetched again.
TEST_F(SalvageTest, AFlippedBitCostsOnePayloadWhoseIdentitiesAreForgotten) {
  std::string damaged = sound_;
  std::string body;
  {
    Database database(path(), Database::Mode::read_only);
    Statement payload(database, "SELECT body FROM payload WHERE payload_id = 7");
    ASSERT_TRUE(payload.query().step());
    body = payload.blob(0);
  }
  const std::size_t at = damaged.find(body.substr(body.size() / 2, 64));
  ASSERT_NE(at, std::string::npos);
  damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
  const Outcome outcome = salvage(damaged);
  expect_exact(outcome);
  EXPECT_EQ(outcome.report.lost_records, static_cast<std::uint64_t>(records_of_a_page));
  std::unique_ptr<Journal> journal = std::move(Journal::open(fresh_path())).value();
  EXPECT_EQ(journal->database().query_int("SELECT count(*) FROM identity"), (published_pages + staged_pages - 1) * records_of_a_page);
}

// A table without rowids, whose key begins with numbers: what lies between two bad pages is found, too.
TEST_F(SalvageTest, WhatLiesBetweenTwoDamagedPagesOfIdentitiesIsRescued) {
  std::vector<std::size_t> leaves;
  std::size_t rows = 0;
  {
    Database database(path(), Database::Mode::read_only);
    rows = static_cast<std::size_t>(database.query_int("SELECT count(*) FROM identity"));
    // Leaves of trees without rowids are pages of type 10, and no other tree has as many rows on one.
    for (std::size_t page = 1; page < pages(); ++page) {
      if (sound_[page * page_bytes] != 10) continue;
      const std::size_t cells = static_cast<unsigned char>(sound_[page * page_bytes + 3]) * 256u + static_cast<unsigned char>(sound_[page * page_bytes + 4]);
      if (cells > 120) leaves.push_back(page);
    }
  }
  ASSERT_GE(leaves.size(), 5u);
  std::string damaged = sound_;
  for (const std::size_t leaf : {leaves[1], leaves[leaves.size() - 2]}) {
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(leaf * page_bytes), page_bytes, '\x5a');
  }
  const Outcome outcome = salvage(damaged);
  expect_exact(outcome);
  const auto identity = std::find_if(outcome.report.tables.begin(), outcome.report.tables.end(),
                                     [](const RescuedTable& table) { return table.name == "identity"; });
  EXPECT_FALSE(identity->complete);
  // A page holds some two hundred of them.
  EXPECT_GT(identity->rows, rows - 2 * 300) << "of " << rows;
  EXPECT_LT(identity->rows, rows);
}

TEST_F(SalvageTest, NothingIsOverwritten) {
  put(fresh_path(), "precious");
  const Result<SalvageReport> report = salvage_journal(path(), fresh_path(), start);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("is not overwritten"), std::string::npos);
  EXPECT_EQ(content_of(fresh_path()), "precious");
}

}  // namespace
}  // namespace auditferry
