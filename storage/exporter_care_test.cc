#include "storage/exporter_care.h"

#include "encoding/hash.h"
#include "storage/care_fixture.h"
#include "storage/dead_letters.h"

namespace auditferry {
namespace {

using std::chrono::hours;

class ExporterCareTest : public CareFixture {
 protected:
  // What does not get smaller by compressing it.
  static std::string filler(int seed) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += hex(sha256(std::to_string(seed * 1000 + i)));
    return text;
  }
  void publish_much(int pages) {
    for (int i = 0; i < pages; ++i) publish(1000 + i * 10, 10, filler(i));
  }
  PruneStep prune(std::uint64_t max_bytes, WallTime now) {
    PruneRules rules;
    rules.keep = hours(1);
    rules.remember = hours(24 * 400);
    rules.ledger_keep = hours(24 * 400);
    rules.max_bytes = max_bytes;
    PruneStep step;
    do {
      step = journal_->prune(rules, now).value();
    } while (step.more);
    return step;
  }
  void dead_letter(const ExporterRow& row, std::uint64_t seq) {
    PositionUpdate update;
    update.exporter_id = row.exporter_id;
    update.from = seq - 1;
    update.to = seq;
    DeadLetter letter;
    letter.seq = seq;
    letter.reason = "mapping";
    letter.record = "{}";
    update.dead = {letter};
    update.state = {{"file", "x"}};
    ASSERT_TRUE(journal_->advance({update}, start).value().at(0));
  }
};

TEST_F(ExporterCareTest, ARenamedExporterGoesOnWhereItWas) {
  publish(0, 10);
  advance(journal_->attach_exporter("archive", "file", "hold", false).value(), 7);
  ASSERT_TRUE(rename_exporter(*journal_, "archive", "vault", "alex", start).ok());
  const ExporterRow row = journal_->attach_exporter("vault", "file", "hold", false).value();
  EXPECT_EQ(row.books.position, 7u);
  EXPECT_EQ(row.books.delivered, 7u);
  EXPECT_EQ(snapshot().exporters.size(), 1u);
  const std::vector<LedgerRow> rows = ledger("exporter renamed");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].detail, R"({"exporter":"archive","new_name":"vault","position":7,"by":"alex"})");
}

TEST_F(ExporterCareTest, ANameThatIsTakenOrUnknownIsRefused) {
  journal_->attach_exporter("archive", "file", "hold", false).value();
  journal_->attach_exporter("siem", "file", "hold", false).value();
  EXPECT_EQ(rename_exporter(*journal_, "archive", "siem", "alex", start).error().kind, ErrorKind::invalid);
  EXPECT_EQ(rename_exporter(*journal_, "archive", "archive", "alex", start).error().kind, ErrorKind::invalid);
  EXPECT_EQ(rename_exporter(*journal_, "gone", "new", "alex", start).error().kind, ErrorKind::not_found);
  EXPECT_EQ(exporter("archive").name, "archive");
}

TEST_F(ExporterCareTest, AForgottenExporterLeavesNothingButItsRowInTheLedger) {
  publish(0, 10);
  const ExporterRow row = journal_->attach_exporter("archive", "file", "hold", false).value();
  dead_letter(row, 1);
  ASSERT_TRUE(journal_->record_exporter_gap(exporter("archive"), {"damaged", std::nullopt, "x"}, 2, 3, start).ok());
  ASSERT_TRUE(journal_->detach_exporters_except({}).ok());
  EXPECT_EQ(drop_dead_letters(*journal_, "archive").value(), 1u);
  EXPECT_EQ(exporter("archive").books.discarded, 1u);
  EXPECT_EQ(drop_dead_letters(*journal_, "archive").value(), 0u);
  // Nine records, and the entry of the gap.
  EXPECT_EQ(drop_exporter(*journal_, "archive", 1, "alex", start).value(), 10u);
  EXPECT_TRUE(snapshot().exporters.empty());
  EXPECT_TRUE(snapshot().gaps.empty());
  EXPECT_EQ(journal_->database().query_int("SELECT count(*) FROM exporter_state"), 0);
  EXPECT_EQ(journal_->database().query_int("SELECT count(*) FROM dead_letter"), 0);
  const std::vector<LedgerRow> rows = ledger("exporter forgotten");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NE(rows[0].detail.find("\"never_got\":10,\"dead_letters\":1,\"by\":\"alex\""), std::string::npos) << rows[0].detail;
  EXPECT_EQ(drop_exporter(*journal_, "archive", 0, "alex", start).error().kind, ErrorKind::not_found);
}

TEST_F(ExporterCareTest, AnExporterInUseIsNotForgotten) {
  const ExporterRow row = journal_->attach_exporter("archive", "file", "hold", false).value();
  publish(0, 3);
  dead_letter(row, 1);
  EXPECT_EQ(drop_dead_letters(*journal_, "archive").error().kind, ErrorKind::invalid);
  EXPECT_EQ(drop_exporter(*journal_, "archive", 0, "alex", start).error().kind, ErrorKind::invalid);
  EXPECT_EQ(exporter("archive").books.dead, 1u);
}

TEST_F(ExporterCareTest, WhatADetachedExporterHasNotGotIsKeptForItUntilItIsForgotten) {
  const ExporterRow live = journal_->attach_exporter("archive", "file", "hold", false).value();
  journal_->attach_exporter("siem", "file", "hold", false).value();
  publish(0, 10);
  ASSERT_TRUE(journal_->detach_exporters_except({"archive"}).ok());
  advance(live, 10);
  const WallTime later = at(10) + hours(2);
  prune(0, later);
  EXPECT_EQ(journal_->read(0, 100, 1u << 20)->records.size(), 10u) << "longer than journal.keep";
  EXPECT_TRUE(snapshot().gaps.empty());
  ASSERT_TRUE(drop_exporter(*journal_, "siem", 0, "alex", later).ok());
  prune(0, later);
  EXPECT_EQ(journal_->oldest_seq().value(), journal_->last_seq() + 1);
}

TEST_F(ExporterCareTest, AFullJournalReleasesDetachedExportersBeforePollingWaits) {
  const ExporterRow live = journal_->attach_exporter("archive", "file", "hold", false).value();
  journal_->attach_exporter("siem", "file", "hold", false).value();
  publish_much(40);
  ASSERT_TRUE(journal_->detach_exporters_except({"archive"}).ok());
  const std::uint64_t full = journal_->used_bytes().value();
  // The live one has most of it still to deliver: only what it needs no more is released.
  advance(live, 100);
  prune(full / 2, at(5000));
  EXPECT_TRUE(prune(full / 2, at(5000)).full);
  EXPECT_EQ(exporter("siem").books.released, 100u);
  EXPECT_EQ(exporter("archive").books.released, 0u);
  ASSERT_EQ(snapshot().gaps.size(), 1u);
  EXPECT_EQ(snapshot().gaps[0].type, "released");
  EXPECT_EQ(snapshot().gaps[0].from_seq, 1u);
  EXPECT_EQ(snapshot().gaps[0].to_seq, 100u);
  advance(exporter("archive"), journal_->last_seq());
  EXPECT_FALSE(prune(full / 2, at(5000)).full);
  EXPECT_GT(exporter("siem").books.released, 100u);
}

}  // namespace
}  // namespace auditferry
