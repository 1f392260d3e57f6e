#include "daemon/deliverer.h"

#include <gtest/gtest.h>

#include <deque>

#include "core/task_group.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "tests/support/page_builder.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Answers what the test says, then "delivered"; remembers what was delivered.
class ScriptedExporter final : public Exporter {
 public:
  explicit ScriptedExporter(Clock& clock) : clock_(clock) {}
  std::deque<WriteOutcome> script;
  std::vector<std::string> delivered;
  std::size_t writes = 0;
  bool hangs = false;
  bool closed = false;
  int open_failures = 0;
  ExporterState opened_with;

  Task<Status> open(const ExporterState& state) override {
    opened_with = state;
    if (open_failures-- > 0) co_return Error{ErrorKind::permission, "not yet"};
    co_return Status();
  }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress&) override {
    ++writes;
    while (hangs) co_await clock_.sleep(hours(1));
    WriteOutcome outcome;
    if (!script.empty()) {
      outcome = std::move(script.front());
      script.pop_front();
    }
    if (outcome.verdict == Verdict::delivered) {
      for (std::size_t i = 0; i < records.size(); ++i) {
        const bool refused = std::any_of(outcome.records.begin(), outcome.records.end(), [&](const RecordOutcome& one) { return one.index == i; });
        if (!refused) delivered.emplace_back(records[i].bytes);
      }
      outcome.state = {{"writes", std::to_string(writes)}};
    }
    co_return outcome;
  }
  Task<Status> greet() override { co_return Status(); }
  Task<void> reopen() override { co_return; }
  Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
  Task<void> close() override {
    closed = true;
    co_return;
  }

 private:
  Clock& clock_;
};

class IdFormat final : public Format {
 public:
  void append(const Record& record, std::string& out) const override { out += record.gap ? std::string_view("gap") : record.id; }
};

class DelivererTest : public testing::Test {
 protected:
  DelivererTest() {
    Result<std::unique_ptr<Journal>> opened = Journal::open(folder_ / "journal.db");
    journal_ = std::move(opened).value();
    storage_ = std::make_unique<StorageQueue>(*journal_, loop_.blocking(), loop_.clock(), loop_.executor());
    collection_ = journal_->attach({"apptego", "t", "audit"}, "acme", "https://portal", "f", "", loop_.clock().now()).value();
  }
  ~DelivererTest() override {
    group_.cancel();
    loop_.run(group_.join());
  }
  // Puts `count` records into the journal, published.
  void publish(int count, const std::string& source = "acme") {
    PageBuilder builder;
    for (int i = 0; i < count; ++i, ++next_id_) builder.add(std::to_string(next_id_), loop_.clock().now() + Duration(next_id_));
    PageToStore page;
    page.stream_id = collection_.stream_id;
    page.collection_id = collection_.collection_id;
    page.source = source;
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{};
    const Result<StoredPage> stored = journal_->store_page(page, loop_.clock().now());
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    ASSERT_TRUE(journal_->publish(stored->walk_id, 1'000'000, loop_.clock().now()).ok());
    bell_.ring();
  }
  Deliverer& start() {
    ExporterRow row = journal_->attach_exporter(settings_.name, "scripted", "hold", false).value();
    deliverer_ = std::make_unique<Deliverer>(DelivererWorld{loop_.clock(), log_, *storage_, random_, bell_}, settings_, exporter_, format_,
                                             std::move(row));
    group_.spawn("deliverer", deliverer_->run());
    return *deliverer_;
  }
  ExporterBooks books() {
    const JournalSnapshot snapshot = take_snapshot(*journal_).value();
    EXPECT_TRUE(snapshot.exporters.at(0).books.balance(snapshot.last_seq));
    return snapshot.exporters.at(0).books;
  }
  static WriteOutcome outcome(Verdict verdict, const std::string& reason) {
    WriteOutcome made;
    made.verdict = verdict;
    made.reason = reason;
    return made;
  }

  TestLoop loop_;
  TemporaryFolder folder_;
  RecordingLog log_;
  Random random_{3};
  Bell bell_{loop_.executor()};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StorageQueue> storage_;
  CollectionState collection_;
  ExporterSettings settings_ = [] {
    ExporterSettings settings;
    settings.name = "siem";
    settings.batch.records = 10;
    return settings;
  }();
  ScriptedExporter exporter_{loop_.clock()};
  IdFormat format_;
  TaskGroup group_{loop_.executor()};
  std::unique_ptr<Deliverer> deliverer_;
  int next_id_ = 0;
};

TEST_F(DelivererTest, DeliversInOrderAndKeepsTheExportersState) {
  publish(25);
  start();
  loop_.run_until_idle(seconds(5));
  publish(5);
  loop_.run_until_idle(seconds(5));
  ASSERT_EQ(exporter_.delivered.size(), 30u);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(exporter_.delivered[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(books().delivered, 30u);
  EXPECT_EQ(journal_->exporter_state(deliverer_->exporter_id())->at("writes"), "4");
  EXPECT_TRUE(deliverer_->status().up);
}

TEST_F(DelivererTest, RetryWaitsAsLongAsAskedAndSendsTheSameAgain) {
  WriteOutcome busy = outcome(Verdict::retry, "the sink is busy");
  busy.retry_after = minutes(7);
  exporter_.script = {busy};
  publish(3);
  start();
  loop_.run_until_idle(minutes(6));
  EXPECT_EQ(exporter_.writes, 1u);
  EXPECT_EQ(books().position, 0u);
  EXPECT_FALSE(deliverer_->status().up);
  EXPECT_EQ(take_snapshot(*journal_)->exporters[0].last_error, "the sink is busy");
  loop_.run_until_idle(minutes(2));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
  EXPECT_EQ(take_snapshot(*journal_)->exporters[0].last_error, "");
}

TEST_F(DelivererTest, RetriesForEverAndTellsItOnce) {
  for (int i = 0; i < 200; ++i) exporter_.script.push_back(outcome(Verdict::retry, "connection refused"));
  publish(3);
  start();
  loop_.run_until_idle(hours(24));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
  EXPECT_EQ(log_.count("connection refused"), 1u);
  EXPECT_EQ(log_.count("delivery works again"), 1u);
}

TEST_F(DelivererTest, PauseIsShoutedOnceAndProbedSlowly) {
  for (int i = 0; i < 5; ++i) exporter_.script.push_back(outcome(Verdict::pause, "the token was refused: check exporters.siem.token"));
  publish(3);
  start();
  loop_.run_until_idle(minutes(3));
  EXPECT_TRUE(deliverer_->status().paused);
  EXPECT_LE(exporter_.writes, 4u);
  EXPECT_EQ(log_.count("the token was refused", LogLevel::error), 1u);
  loop_.run_until_idle(minutes(10));
  EXPECT_EQ(exporter_.delivered.size(), 3u);
}

TEST_F(DelivererTest, OnlyThePoisonedRecordBecomesADeadLetter) {
  WriteOutcome poisoned;
  poisoned.records = {{1, Verdict::poison, "400: mapping error"}};
  exporter_.script = {poisoned};
  publish(4);
  start();
  loop_.run_until_idle(seconds(5));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"0", "2", "3"}));
  EXPECT_EQ(books().dead, 1u);
  EXPECT_EQ(books().delivered, 3u);
  EXPECT_EQ(journal_->database().query_text("SELECT reason FROM dead_letter WHERE seq = 2"), "400: mapping error");
}

TEST_F(DelivererTest, WhatIsNotSelectedIsCountedNotLost) {
  settings_.select.sources = {"other"};
  publish(4);
  publish(2, "other");
  start();
  loop_.run_until_idle(seconds(5));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"4", "5"}));
  EXPECT_EQ(books().not_selected, 4u);
  EXPECT_EQ(books().delivered, 2u);
}

TEST_F(DelivererTest, ADamagedPayloadBecomesAGapAndDeliveryGoesOn) {
  publish(3);
  publish(3);
  publish(3);
  journal_->database().execute("UPDATE payload SET hash = zeroblob(16) WHERE payload_id = 2");
  start();
  loop_.run_until_idle(seconds(30));
  EXPECT_EQ(exporter_.delivered, (std::vector<std::string>{"0", "1", "2", "6", "7", "8", "gap"}));
  EXPECT_EQ(books().released, 3u);
  EXPECT_EQ(take_snapshot(*journal_)->gaps.at(0).type, "damaged");
  EXPECT_EQ(take_snapshot(*journal_)->gaps.size(), 1u);
}

TEST_F(DelivererTest, RecordsThatAreReleasedUnderItsHandsAreSkipped) {
  exporter_.script = {outcome(Verdict::retry, "down")};
  publish(30);
  start();
  loop_.run_until_idle(Duration(1));
  ASSERT_TRUE(journal_->attach_exporter("siem", "scripted", "release", false).ok());
  PruneRules full;
  full.max_bytes = 1;
  ASSERT_EQ(journal_->prune(full, loop_.clock().now())->released, 30u);
  loop_.run_until_idle(minutes(2));
  EXPECT_EQ(books().released, 30u);
  EXPECT_EQ(books().position, journal_->last_seq());
}

TEST_F(DelivererTest, DrainEndsWhenNothingWaitsAndClosesTheExporter) {
  publish(25);
  Deliverer& deliverer = start();
  deliverer.drain();
  loop_.run(group_.join());
  EXPECT_EQ(exporter_.delivered.size(), 25u);
  EXPECT_TRUE(exporter_.closed);
}

TEST_F(DelivererTest, CanBeCancelledWhileTheSinkHangs) {
  exporter_.hangs = true;
  publish(2);
  start();
  loop_.run_until_idle(hours(3));
  group_.cancel();
  loop_.run(group_.join());
  EXPECT_EQ(books().position, 0u);
}

TEST_F(DelivererTest, AnExporterThatCannotOpenIsTriedAgain) {
  exporter_.open_failures = 3;
  publish(2);
  start();
  loop_.run_until_idle(minutes(1));
  EXPECT_EQ(exporter_.delivered.size(), 2u);
  EXPECT_EQ(log_.count("not yet", LogLevel::error), 1u);
}

}  // namespace
}  // namespace auditferry
