#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "core/time.h"
#include "core/bell.h"
#include "daemon/record_shape.h"
#include "daemon/verdict_judge.h"
#include "storage/exporter_table.h"

namespace auditferry {

// Sequence numbers, both ends included.
struct SeqRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// Records of a slot that are written together: the selected ones in `ranges`, `count` of them.
struct SlotPart {
  std::vector<SeqRange> ranges;  // ascending
  std::size_t count = 0;
  // Since the far end has begun to refuse these: how often it had accepted something by then.
  std::optional<std::uint64_t> refused_since = std::nullopt;
  std::string reason = {};  // of the last refusal
};

// One stretch of the journal, the sequence numbers (from, to], on its way to the far end. What is left of
// its batch after sent() is its range and counts; its records can be read again. Loop thread only.
class DeliverySlot final : public WriteProgress {
 public:
  enum class Stage {
    ready,    // has something to write and waits for its turn
    writing,  // the batch is in memory and write() has it
    sent,     // the batch is gone; the far end has not confirmed it yet
    held,     // only records that the far end refuses are left, and it has accepted nothing since
    settled,  // every record is accounted for
  };

  // `changed` is rung when the stage changes, and outlives the slot.
  DeliverySlot(std::uint64_t from, std::unique_ptr<PreparedBatch> batch, Bell& changed);

  std::uint64_t from() const { return from_; }
  std::uint64_t to() const { return to_; }
  Stage stage() const { return stage_; }
  void set_stage(Stage stage);
  // When its first record was fetched.
  std::optional<WallTime> received() const { return received_; }

  // What is to be written next, in this order: a refused record that can be judged because the far end has
  // accepted something since (`accepted`: how often it has so far), the next part, a refused record.
  bool has_part(std::uint64_t accepted) const;  // one of the first two
  bool has_suspects() const { return !suspects_.empty(); }
  const SlotPart& suspect() const { return suspects_.front(); }
  bool empty() const { return parts_.empty() && suspects_.empty(); }
  SlotPart take_part(std::uint64_t accepted);
  void put_back(SlotPart part) { parts_.push_front(std::move(part)); }

  bool loaded() const { return batch_ != nullptr; }
  // The batch read again, after sent() or a journal's trouble. Numbers that were missing at first are known.
  void load(std::unique_ptr<PreparedBatch> batch) { batch_ = std::move(batch); }
  const std::vector<std::uint64_t>& missing() const { return missing_; }
  // Chooses the part's records out of the loaded batch. Those of the part that are not there any more (the
  // journal was damaged meanwhile) count as released.
  void choose(SlotPart& part);
  const std::vector<OutgoingRecord>& chosen() const { return chosen_; }
  // The chosen record as the journal keeps it, not redacted.
  const Record& original(std::size_t index) const { return batch_->original(chosen_[index].record->seq); }
  void sent() override;
  void unload();

  // Accounts for one write of `part`. Gives the records that are dead letters by now, as indices into
  // chosen(); their letters are to follow through add_letter().
  std::vector<RecordOutcome> take_in(const SlotPart& part, const Judgement& judgement,
                                     std::uint64_t accepted_before, std::uint64_t accepted);
  void add_letter(DeadLetter letter) { letters_.push_back(std::move(letter)); }
  // Of records of `part`, which has been chosen: those at `indices`.
  SlotPart part_of(const SlotPart& part, const std::vector<std::size_t>& indices) const {
    return {ranges_of(part, indices), indices.size()};
  }
  void keep_state(const ExporterState& changes);
  std::size_t letters() const { return letters_.size(); }
  // Lets what is not delivered at its end go, if all that stands before is accounted for: then the slot is shorter,
  // and settled. For the end of the program. No write of it may be under way.
  bool cut();
  // Adds its accounts to an update that ends where this slot begins. Precondition: settled.
  void add_to(PositionUpdate& update);

  SteadyTime probe_at{};  // while held: when a suspect is tried again

 private:
  // Of records of `part`, which has been chosen.
  std::vector<SeqRange> ranges_of(const SlotPart& part, const std::vector<std::size_t>& indices) const;

  std::uint64_t from_;
  std::uint64_t to_;
  Bell& changed_;
  Stage stage_ = Stage::ready;
  std::optional<WallTime> received_;
  std::unique_ptr<PreparedBatch> batch_;
  std::vector<OutgoingRecord> chosen_;
  std::vector<std::uint64_t> missing_;
  std::deque<SlotPart> parts_;
  std::deque<SlotPart> suspects_;
  std::uint64_t selected_ = 0;
  std::uint64_t last_selected_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t not_selected_ = 0;
  std::uint64_t released_ = 0;
  std::vector<DeadLetter> letters_;
  ExporterState state_;
};

}  // namespace auditferry
