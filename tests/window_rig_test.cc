// The contract suite itself, run by an exporter whose confirmations come later, as over a connection.

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>

#include "exporters/json_format.h"
#include "tests/support/exporter_contract.h"

namespace auditferry {
namespace {

// A connection to a far end that confirms what came after a second; a break loses what is unconfirmed
// (and some of it has arrived all the same).
class ConfirmingSink final : public ExporterSink {
 public:
  explicit ConfirmingSink(WriteLimits limits) : limits_(limits) {}
  TestLoop& loop() override { return loop_; }
  const Format& format() override { return format_; }
  const RecordingLog& log() override { return log_; }
  std::unique_ptr<Exporter> make() override { return std::make_unique<Writer>(*this); }
  std::vector<std::string> lines() override { return held_; }
  void break_sink() override {
    broken_ = true;
    ++breaks_;
  }
  void repair_sink() override { broken_ = false; }

 private:
  class Writer final : public Exporter {
   public:
    explicit Writer(ConfirmingSink& sink) : sink_(sink) {}
    WriteLimits limits() const override { return sink_.limits_; }
    Task<Status> open(const ExporterState&) override { co_return Status(); }
    Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override {
      WriteOutcome outcome;
      if (sink_.broken_) {
        outcome.verdict = Verdict::retry;
        outcome.reason = "the connection is down";
        co_return outcome;
      }
      const int breaks = sink_.breaks_;
      for (const OutgoingRecord& record : records) sink_.held_.emplace_back(record.bytes);
      if (sink_.limits_.unconfirmed > 0) progress.sent();
      const Duration wait = closing_ ? Duration::zero() : Duration(std::chrono::seconds(1));
      co_await sink_.loop_.clock().sleep(wait);
      if (breaks != sink_.breaks_) {
        outcome.verdict = Verdict::retry;
        outcome.reason = "the connection broke before the confirmation came";
      }
      co_return outcome;
    }
    Task<Status> greet() override { co_return Status(); }
    Task<void> reopen() override { co_return; }
    Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
    Task<void> close() override {
      closing_ = true;
      co_await sink_.loop_.clock().sleep(std::chrono::seconds(1));
    }

   private:
    ConfirmingSink& sink_;
    bool closing_ = false;
  };

  WriteLimits limits_;
  TestLoop loop_;
  RecordingLog log_;  // its exporter tells nothing
  JsonFormat format_{{}};
  std::vector<std::string> held_;
  bool broken_ = false;
  int breaks_ = 0;
};

TEST(ExporterContract, RunsExportersWithUnconfirmedWrites) {
  for (const WriteLimits limits :
       {WriteLimits{1, 0}, WriteLimits{1, 5}, WriteLimits{4, 0}, WriteLimits{3, 8}}) {
    SCOPED_TRACE(std::to_string(limits.concurrent) + " " + std::to_string(limits.unconfirmed));
    expect_exporter_contract([limits] { return std::make_unique<ConfirmingSink>(limits); });
  }
}

TEST(WindowRig, KeepsWithinTheLimitsAndMovesOverThePrefix) {
  ConfirmingSink sink({1, 4});
  const TestRecords records(sink.format(), 100, 1, std::chrono::seconds(1));
  const auto exporter = sink.make();
  WindowRig rig(sink.loop(), records, *exporter);
  rig.open();
  rig.turn(10, Duration::zero());
  EXPECT_EQ(rig.unconfirmed(), 4u);
  EXPECT_EQ(rig.position(), 0u);
  rig.turn(10, std::chrono::seconds(1));
  EXPECT_EQ(rig.position(), 40u);
}

}  // namespace
}  // namespace auditferry
