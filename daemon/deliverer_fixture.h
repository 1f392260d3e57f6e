#pragma once
// A deliverer on a real journal and a virtual clock, with an exporter of the test's own.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/task_group.h"
#include "daemon/deliverer.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "tests/support/page_builder.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {

// The id of a record is its line.
class IdFormat final : public Format {
 public:
  void append(const Record& record, std::string& out) const override {
    out += record.gap ? std::string_view("gap") : record.id;
  }
};

// One journal and any number of deliverers on it. The tasks end before what they use: an exporter is a
// member of the derived class only if that ends them in its destructor (stop()).
class DeliveryWorld : public testing::Test {
 protected:
  DeliveryWorld() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, loop_.blocking(), loop_.clock(), loop_.executor());
    collection_ =
        journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", loop_.clock().now())
            .value();
  }
  ~DeliveryWorld() override {
    stop();
    EXPECT_EQ(log_.first_without("exporter"), "") << "a line that does not say whose it is";
  }
  void stop() {
    group_.cancel();
    loop_.run(group_.join());
  }
  // Puts `count` records into the journal, published.
  void publish(int count, const std::string& source = "acme") {
    PageBuilder builder;
    for (int i = 0; i < count; ++i, ++next_id_)
      builder.add(std::to_string(next_id_), loop_.clock().now() + Duration(next_id_));
    PageToStore page;
    page.stream_id = collection_.stream_id;
    page.collection_id = collection_.collection_id;
    page.source = source;
    page.received = loop_.clock().now();
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{};
    const Result<StoredPage> stored = journal_->store_page(page, loop_.clock().now());
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    ASSERT_TRUE(journal_->publish(stored->walk_id, 1'000'000, loop_.clock().now()).ok());
    bell_.ring();
  }
  std::unique_ptr<Deliverer> make(const ExporterSettings& settings, Exporter& exporter) {
    ExporterRow row = journal_->attach_exporter(settings.name, "scripted", "hold", false).value();
    shapes_.push_back(std::make_unique<RecordShape>(settings, std::make_unique<IdFormat>(), profiles_, log_));
    return std::make_unique<Deliverer>(DelivererWorld{loop_.clock(), log_, *storage_, random_, bell_},
                                       settings, exporter, *shapes_.back(), std::move(row));
  }
  ExporterRow row(const std::string& name = "siem") {
    const JournalSnapshot snapshot = take_snapshot(*journal_).value();
    for (const ExporterRow& row : snapshot.exporters) {
      EXPECT_TRUE(row.books.balance(snapshot.last_seq)) << row.name;
      if (row.name == name) return row;
    }
    return {};
  }
  ExporterBooks books(const std::string& name = "siem") { return row(name).books; }
  static WriteOutcome outcome(Verdict verdict, const std::string& reason) {
    WriteOutcome made;
    made.verdict = verdict;
    made.reason = reason;
    return made;
  }
  static ExporterSettings settings_of(const std::string& name) {
    ExporterSettings settings;
    settings.name = name;
    settings.batch.records = 10;
    return settings;
  }

  TestLoop loop_;
  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  RecordingLog log_;
  Random random_{3};
  Bell bell_{loop_.executor()};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  CollectionState collection_;
  ProfileBook profiles_;
  std::vector<std::unique_ptr<RecordShape>> shapes_;
  TaskGroup group_{loop_.executor()};
  int next_id_ = 0;
};

}  // namespace auditferry
