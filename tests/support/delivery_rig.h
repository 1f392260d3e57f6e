#pragma once
// Brings records to an exporter as the deliverer does, with a journal in memory: position and state change
// together, and only after the exporter said delivered.

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/exporter.h"
#include "tests/support/test_loop.h"

namespace auditferry {

// Records with the memory they live in, numbered from 1, and the lines that a format makes of them.
class TestRecords {
 public:
  // Of `streams` streams ("s0", "s1" …) in turns, `step` apart, of different lengths.
  TestRecords(const Format& format, std::size_t count, std::size_t streams, Duration step) {
    const WallTime start{std::chrono::sys_days(std::chrono::year(2025) / 11 / 23) + std::chrono::hours(9)};
    for (std::size_t i = 0; i < count; ++i) {
      Record record;
      record.seq = i + 1;
      record.source = "acme";
      record.vendor = "apptego";
      record.tenant = "t1";
      record.stream = keep("s" + std::to_string(i % streams));
      record.id = keep(std::to_string(1000 + i));
      record.time = start + step * static_cast<std::int64_t>(i);
      record.received = record.time + std::chrono::seconds(2);
      record.raw = keep("{\"n\":" + std::to_string(i) + ",\"pad\":\"" + std::string(i * 7 % 90, 'x') + "\"}");
      records_.push_back(record);
    }
    for (const Record& record : records_) {
      std::string line;
      format.append(record, line);
      lines_.push_back(std::move(line));
    }
  }
  std::size_t size() const { return records_.size(); }
  const Record& record(std::size_t i) const { return records_[i]; }
  const std::string& line(std::size_t i) const { return lines_[i]; }
  std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  std::deque<std::string> kept_;
  std::vector<Record> records_;
  std::deque<std::string> lines_;
};

// For writes that are watched until they return.
class NoProgress final : public WriteProgress {
 public:
  void sent() override {}
};

class DeliveryRig {
 public:
  DeliveryRig(TestLoop& loop, const TestRecords& records, ExporterState state = {})
      : loop_(loop), records_(records), state_(std::move(state)) {}

  bool done() const { return position_ == records_.size(); }
  std::size_t position() const { return position_; }
  const ExporterState& state() const { return state_; }

  void open(Exporter& exporter) { loop_.run(run_open(exporter)); }
  // Offers up to `count` records once. `commit` false: the process dies before the outcome is noted down.
  WriteOutcome write(Exporter& exporter, std::size_t count, bool commit = true) {
    std::vector<OutgoingRecord> batch;
    const std::size_t end = std::min(position_ + count, records_.size());
    for (std::size_t i = position_; i < end; ++i) batch.push_back({&records_.record(i), records_.line(i)});
    WriteOutcome outcome;
    loop_.run(run_write(exporter, batch, outcome));
    if (commit && outcome.verdict == Verdict::delivered) {
      position_ = end;
      apply(outcome.state);
    }
    return outcome;
  }
  WriteOutcome tend(Exporter& exporter, bool commit = true) {
    WriteOutcome outcome;
    loop_.run(run_tend(exporter, outcome));
    if (commit) apply(outcome.state);
    return outcome;
  }
  void reopen(Exporter& exporter) { loop_.run(exporter.reopen()); }
  void close(Exporter& exporter) { loop_.run(exporter.close()); }
  Status greet(Exporter& exporter) {
    Status status;
    loop_.run(run_greet(exporter, status));
    return status;
  }

 private:
  void apply(const ExporterState& changes) {
    for (const auto& [key, value] : changes) {
      if (value.empty()) {
        state_.erase(key);
      } else {
        state_[key] = value;
      }
    }
  }
  Task<void> run_open(Exporter& exporter) {
    const Status opened = co_await exporter.open(state_);
    static_cast<void>(opened);
  }
  static Task<void> run_write(Exporter& exporter, const std::vector<OutgoingRecord>& batch,
                              WriteOutcome& outcome) {
    NoProgress progress;
    outcome = co_await exporter.write(batch, progress);
  }
  static Task<void> run_tend(Exporter& exporter, WriteOutcome& outcome) {
    outcome = co_await exporter.tend();
  }
  static Task<void> run_greet(Exporter& exporter, Status& status) { status = co_await exporter.greet(); }

  TestLoop& loop_;
  const TestRecords& records_;
  std::size_t position_ = 0;
  ExporterState state_;
};

}  // namespace auditferry
