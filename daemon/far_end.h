#pragma once
// A far end for tests of the deliverer: it answers what `answer` says, confirms later where it is told to,
// can break with everything that is unconfirmed, and watches that it is called as the port promises.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "core/bell.h"
#include "tests/support/test_loop.h"

namespace auditferry {

class FarEnd final : public Exporter {
 public:
  using Lines = std::vector<std::string>;
  explicit FarEnd(TestLoop& loop, WriteLimits limits = {})
      : loop_(loop), limits_(limits), let_go_(loop.executor()) {}

  std::function<WriteOutcome(const Lines&)> answer = [](const Lines&) { return WriteOutcome(); };
  // How long a write takes, of its size; with limits().unconfirmed after sent().
  std::function<Duration(const Lines&)> takes = [](const Lines&) { return Duration::zero(); };
  bool holding = false;  // writes do not return until let_go(), or close()

  Lines accepted;             // in the order of acceptance
  std::vector<Lines> writes;  // in the order of their beginning
  std::vector<SteadyTime> at;
  std::size_t most_writing = 0;
  std::size_t most_unconfirmed = 0;
  int tends = 0;
  int steps_left = 0;   // of what tend() does in steps
  WriteOutcome tended;  // what tend() answers
  int reopens = 0;
  int hurries = 0;
  bool closed = false;

  // Returns the n-th write that is held (in the order of their beginning), or all.
  void let_go(std::size_t write) {
    freed_.push_back(write);
    let_go_.ring();
  }
  void let_all_go() {
    holding = false;
    let_go_.ring();
  }
  // The connection breaks: everything that is held comes back as a retry.
  void break_connection() {
    ++breaks_;
    let_go_.ring();
  }

  WriteLimits limits() const override { return limits_; }
  Task<Status> open(const ExporterState&) override { co_return Status(); }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override {
    EXPECT_FALSE(closed) << "a write after close()";
    EXPECT_FALSE(records.empty());
    const Call call(*this, writing_);
    Lines lines;
    for (const OutgoingRecord& record : records) lines.emplace_back(record.bytes);
    const std::size_t mine = writes.size();
    writes.push_back(lines);
    at.push_back(loop_.clock().steady_now());
    most_writing = std::max(most_writing, writing_);
    const int breaks = breaks_;
    if (limits_.unconfirmed > 0) {
      --writing_;
      ++unconfirmed_;
      most_unconfirmed = std::max(most_unconfirmed, unconfirmed_);
      progress.sent();
    }
    const Waiting waiting(*this);
    const Duration time = takes(lines);
    if (time > Duration::zero()) co_await loop_.clock().sleep(time);
    while (holding && breaks == breaks_ && std::find(freed_.begin(), freed_.end(), mine) == freed_.end())
      co_await let_go_.wait();
    WriteOutcome outcome;
    if (breaks != breaks_) {
      outcome.verdict = Verdict::retry;
      outcome.reason = "the connection broke";
      co_return outcome;
    }
    outcome = answer(lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      Verdict verdict = outcome.verdict;
      for (const RecordOutcome& one : outcome.records) {
        if (one.index == i) verdict = one.verdict;
      }
      if (verdict == Verdict::delivered) accepted.push_back(lines[i]);
    }
    co_return outcome;
  }
  Task<Status> greet() override { co_return Status(); }
  Task<void> reopen() override {
    const Call call(*this, care_);
    ++reopens;
    co_await loop_.clock().sleep(std::chrono::milliseconds(10));
  }
  Task<WriteOutcome> tend() override {
    const Call call(*this, care_);
    ++tends;
    co_await loop_.clock().sleep(std::chrono::milliseconds(10));
    if (steps_left > 0 && tended.verdict == Verdict::delivered) --steps_left;
    co_return tended;
  }
  bool unfinished() const override { return steps_left > 0; }
  void hurry() override {
    ++hurries;
    let_all_go();
  }
  Task<void> close() override {
    const Call call(*this, care_);
    closed = true;
    let_all_go();
    co_return;
  }

 private:
  // Counts a call, and watches that none overlaps another where that was promised.
  class Call {
   public:
    Call(FarEnd& far_end, std::size_t& count) : count_(count) {
      const bool exclusive = far_end.limits_.concurrent == 1 && far_end.limits_.unconfirmed == 0;
      EXPECT_FALSE(exclusive && far_end.writing_ + far_end.care_ > 0) << "two calls overlap";
      ++count_;
    }
    ~Call() { --count_; }

   private:
    std::size_t& count_;
  };
  // With unconfirmed writes: what the call counted as writing has become unconfirmed.
  class Waiting {
   public:
    explicit Waiting(FarEnd& far_end) : far_end_(far_end) {}
    ~Waiting() {
      if (far_end_.limits_.unconfirmed == 0) return;
      --far_end_.unconfirmed_;
      ++far_end_.writing_;
    }

   private:
    FarEnd& far_end_;
  };

  TestLoop& loop_;
  WriteLimits limits_;
  Bell let_go_;
  std::vector<std::size_t> freed_;
  std::size_t writing_ = 0;
  std::size_t unconfirmed_ = 0;
  std::size_t care_ = 0;
  int breaks_ = 0;
};

}  // namespace auditferry
