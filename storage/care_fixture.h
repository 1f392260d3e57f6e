#pragma once
// A journal with one stream, one exporter and records, for the tests of what a person does about it.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/journal.h"
#include "storage/snapshot.h"
#include "storage/test_start.h"
#include "tests/support/page_builder.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {

class CareJournal {
 public:
  CareJournal() {
    journal_ = std::move(Journal::open(folder_ / "journal.db")).value();
    collection_ = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", start).value();
    EXPECT_TRUE(journal_->set_start(collection_.collection_id, start).ok());
  }
  // Records of the seconds from `first` on; what is covered ends with the last one.
  void publish(int first, int count, const std::string& filler = "") {
    PageBuilder builder;
    for (int i = first; i < first + count; ++i) {
      builder.add(std::to_string(i), at(i), "{\"n\":" + std::to_string(i) + ",\"filler\":\"" + filler + "\"}");
    }
    PageToStore page;
    page.stream_id = collection_.stream_id;
    page.collection_id = collection_.collection_id;
    page.source = "acme";
    page.received = at(first + count);
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.provenance.window = {at(first), at(first + count)};
    page.end = WalkEnd{{{at(first), at(first + count)}}};
    const Result<StoredPage> stored = journal_->store_page(page, page.received);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    ASSERT_TRUE(journal_->publish(stored->walk_id, 10'000, page.received).ok());
  }
  void advance(const ExporterRow& row, std::uint64_t to) {
    PositionUpdate update;
    update.exporter_id = row.exporter_id;
    update.from = row.books.position;
    update.to = to;
    update.delivered = to - row.books.position;
    ASSERT_TRUE(journal_->advance({update}, start).value().at(0));
  }
  static WallTime at(int second) { return start + std::chrono::seconds(second); }
  JournalSnapshot snapshot() { return take_snapshot(*journal_).value(); }
  ExporterRow exporter(const std::string& name) {
    for (const ExporterRow& row : snapshot().exporters) {
      EXPECT_TRUE(row.books.balance(journal_->last_seq())) << row.name;
      if (row.name == name) return row;
    }
    ADD_FAILURE() << "no exporter " << name;
    return {};
  }
  // The entries for exporters that are gaps: "id revision: json".
  std::vector<std::string> gap_entries() {
    std::vector<std::string> entries;
    const RecordBatch batch = journal_->read(0, 100'000, 1u << 30).value();
    for (const Record& record : batch.records) {
      if (record.gap) entries.push_back(std::string(record.id) + " " + std::to_string(record.revision) + ": " + std::string(record.raw));
    }
    return entries;
  }
  std::vector<LedgerRow> ledger(const std::string& kind) {
    const auto reader = std::move(JournalReader::open(folder_ / "journal.db")).value();
    std::vector<LedgerRow> rows;
    EXPECT_TRUE(reader->ledger({}, [&](const LedgerRow& row) { if (row.kind == kind) rows.push_back(row); }).ok());
    EXPECT_TRUE(reader->check()->empty());
    return rows;
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::unique_ptr<Journal> journal_;
  CollectionState collection_;
};

class CareFixture : public testing::Test, protected CareJournal {};

}  // namespace auditferry
