#pragma once
// Brings records to an exporter with as many writes under way as its limits() allow, as the deliverer
// does: begun in the order of the records, the position moves over the confirmed ones in front only, and
// what comes back is sent again. DeliveryRig is the same for one write at a time.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/exporter.h"
#include "core/task_group.h"
#include "tests/support/delivery_rig.h"
#include "tests/support/test_loop.h"

namespace auditferry {

class WindowRig {
 public:
  // `exporter` is not used any more once `die()` was called or this is destroyed.
  WindowRig(TestLoop& loop, const TestRecords& records, Exporter& exporter, std::size_t position = 0,
            ExporterState state = {})
      : loop_(loop), records_(records), exporter_(exporter), writes_(loop.executor()), position_(position),
        state_(std::move(state)) {}
  ~WindowRig() { die(); }
  WindowRig(const WindowRig&) = delete;
  WindowRig& operator=(const WindowRig&) = delete;

  void open() { loop_.run(run_open()); }
  // Begins a write of up to `count` records. False, and nothing done: the limits are reached, or all
  // records are under way.
  bool begin(std::size_t count) {
    const WriteLimits limits = exporter_.limits();
    if (writing() >= limits.concurrent) return false;
    if (limits.unconfirmed > 0 && unconfirmed() >= limits.unconfirmed) return false;
    Slot* slot = next_again();
    if (slot == nullptr) {
      const std::size_t from = slots_.empty() ? position_ : slots_.back()->to;
      if (from == records_.size()) return false;
      slots_.push_back(std::make_unique<Slot>());
      slot = slots_.back().get();
      slot->from = from;
      slot->to = std::min(from + count, records_.size());
    }
    slot->stage = Stage::writing;
    writes_.spawn("write", write(*slot));
    return true;
  }
  // Begins as many writes as can be under way at once.
  void fill(std::size_t count) {
    const WriteLimits limits = exporter_.limits();
    for (std::uint32_t i = 0; i < limits.concurrent + limits.unconfirmed && begin(count); ++i) {
      loop_.run_until_idle(Duration::zero());
    }
  }
  // fill(), and then at most `time` passes.
  void turn(std::size_t count, Duration time) {
    fill(count);
    loop_.run_until_idle(time);
  }
  // With the default limits no two calls overlap: these two wait for the write under way then.
  void reopen() {
    wait_unless_overlapping();
    loop_.run(exporter_.reopen());
  }
  // True when every write that was under way has returned.
  bool close() {
    wait_unless_overlapping();
    loop_.run(exporter_.close());
    loop_.run_until_idle(Duration::zero());
    return writes_.empty();
  }
  // The process ends where it stands: what is under way is cancelled.
  void die() {
    if (writes_.empty()) return;
    writes_.cancel();
    loop_.run(writes_.join());
  }

  bool done() const { return position_ == records_.size(); }
  std::size_t position() const { return position_; }
  const ExporterState& state() const { return state_; }
  std::size_t writing() const { return count(Stage::writing); }
  std::size_t unconfirmed() const { return count(Stage::sent); }
  std::size_t most_under_way() const { return most_under_way_; }
  std::size_t came_back() const { return came_back_; }

 private:
  enum class Stage { again, writing, sent, confirmed };
  // The records [from, to) by index; their bytes are its own, so that use after sent() is found.
  struct Slot final : public WriteProgress {
    std::size_t from = 0;
    std::size_t to = 0;
    Stage stage = Stage::again;
    ExporterState state;
    std::vector<std::string> bytes;
    std::vector<OutgoingRecord> batch;
    bool may_send = false;
    void sent() override {
      EXPECT_TRUE(may_send) << "sent() although limits() allows no unconfirmed writes";
      EXPECT_EQ(stage, Stage::writing) << "sent() more than once";
      stage = Stage::sent;
      spoil();
    }
    void spoil() {
      for (std::string& text : bytes) std::fill(text.begin(), text.end(), '!');
      for (OutgoingRecord& record : batch) record.record = nullptr;
    }
  };

  void wait_unless_overlapping() {
    const WriteLimits limits = exporter_.limits();
    if (limits.concurrent == 1 && limits.unconfirmed == 0) loop_.run(writes_.join());
  }
  std::size_t count(Stage stage) const {
    return static_cast<std::size_t>(
        std::count_if(slots_.begin(), slots_.end(), [stage](const auto& slot) { return slot->stage == stage; }));
  }
  Slot* next_again() {
    for (const auto& slot : slots_) {
      if (slot->stage == Stage::again) return slot.get();
    }
    return nullptr;
  }
  Task<void> run_open() {
    const Status opened = co_await exporter_.open(state_);
    static_cast<void>(opened);
  }
  Task<void> write(Slot& slot) {
    slot.bytes.clear();
    slot.batch.clear();
    for (std::size_t i = slot.from; i < slot.to; ++i) slot.bytes.push_back(records_.line(i));
    for (std::size_t i = slot.from; i < slot.to; ++i) slot.batch.push_back({&records_.record(i), slot.bytes[i - slot.from]});
    slot.may_send = exporter_.limits().unconfirmed > 0;
    most_under_way_ = std::max(most_under_way_, writing() + unconfirmed());
    WriteOutcome outcome = co_await exporter_.write(slot.batch, slot);
    slot.spoil();
    finish(slot, std::move(outcome));
  }
  void finish(Slot& slot, WriteOutcome outcome) {
    if (outcome.verdict != Verdict::delivered) {
      EXPECT_FALSE(outcome.reason.empty()) << "a refusal without words for the operator";
      EXPECT_TRUE(outcome.state.empty()) << "state of a batch that was not delivered";
      slot.stage = Stage::again;
      ++came_back_;
      return;
    }
    EXPECT_TRUE(outcome.records.empty()) << "a record was refused";
    slot.stage = Stage::confirmed;
    slot.state = std::move(outcome.state);
    while (!slots_.empty() && slots_.front()->stage == Stage::confirmed) {
      position_ = slots_.front()->to;
      for (const auto& [key, value] : slots_.front()->state) {
        if (value.empty()) {
          state_.erase(key);
        } else {
          state_[key] = value;
        }
      }
      // The write that stands in its own slot's coroutine keeps it until it has returned.
      ended_.push_back(std::move(slots_.front()));
      slots_.pop_front();
    }
  }

  TestLoop& loop_;
  const TestRecords& records_;
  Exporter& exporter_;
  TaskGroup writes_;
  std::deque<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Slot>> ended_;
  std::size_t position_;
  ExporterState state_;
  std::size_t most_under_way_ = 0;
  std::size_t came_back_ = 0;
};

}  // namespace auditferry
