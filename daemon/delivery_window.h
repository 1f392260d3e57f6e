#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "daemon/delivery_slot.h"

namespace auditferry {

// The slots between an exporter's position and what it has not been offered yet, in the order of the
// journal. Decides who may write within the exporter's limits; the position moves over the settled slots
// in front. Loop thread only.
class DeliveryWindow {
 public:
  explicit DeliveryWindow(WriteLimits limits) : limits_(limits) {}

  // With the default limits no two calls to the exporter overlap, and nothing new is written before the
  // position of what came before is in the journal.
  bool exclusive() const { return limits_.concurrent == 1 && limits_.unconfirmed == 0; }
  // Whether this slot may write now: what came back goes first, and in trouble one write at a time.
  bool may_write(const DeliverySlot& slot, bool trouble) const;
  // Whether a slot may be added. Not in trouble, since what came back is sent before anything new; but where the
  // trouble is that records are refused and none is accepted, one of the newer ones may be the neighbour they need.
  bool may_open(bool trouble, bool one_more_beyond_held) const;
  DeliverySlot& open(std::unique_ptr<DeliverySlot> slot);

  bool empty() const { return slots_.empty(); }
  bool in_call() const { return count(Stage::writing) + count(Stage::sent) > 0; }
  // Something has still to be written, or written again.
  bool unsent() const { return count(Stage::ready) + count(Stage::writing) + count(Stage::held) > 0; }
  bool holds() const { return count(Stage::held) > 0; }
  bool any_settled() const { return count(Stage::settled) > 0; }
  bool front_settled() const { return !slots_.empty() && slots_.front()->stage() == Stage::settled; }
  std::uint64_t end(std::uint64_t position) const { return slots_.empty() ? position : slots_.back()->to(); }
  std::optional<WallTime> oldest_received() const {
    return slots_.empty() ? std::nullopt : slots_.front()->received();
  }

  // The settled slots in front as one update from `position`; a bounded number of them, so that the
  // transaction stays short. They stay until drop().
  PositionUpdate confirmed(std::int64_t exporter_id, std::uint64_t position, std::size_t& slots);
  void drop(std::size_t slots);
  // Settles what it can of the first slot's beginning; see DeliverySlot::cut().
  bool cut_front() { return !slots_.empty() && slots_.front()->cut(); }
  // Slots whose batch is in memory.
  std::size_t loaded() const;
  void clear() { slots_.clear(); }

 private:
  using Stage = DeliverySlot::Stage;
  std::size_t count(Stage stage) const;

  WriteLimits limits_;
  std::deque<std::unique_ptr<DeliverySlot>> slots_;
};

}  // namespace auditferry
