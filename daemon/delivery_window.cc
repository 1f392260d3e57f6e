#include "daemon/delivery_window.h"

#include <algorithm>

namespace auditferry {
namespace {

// Slots that are read at once beyond one that is held by a refused record, in search of one that is accepted;
// after that one with each slow probe.
constexpr std::size_t most_held = 8;
// Settled slots that wait behind one that is not; small ones.
constexpr std::size_t most_settled = 256;
constexpr std::size_t slots_per_update = 64;
constexpr std::size_t letters_per_update = 1000;

}  // namespace

std::size_t DeliveryWindow::count(Stage stage) const {
  const auto has_stage = [stage](const auto& slot) { return slot->stage() == stage; };
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), has_stage));
}

std::size_t DeliveryWindow::loaded() const {
  const auto has_batch = [](const auto& slot) { return slot->loaded(); };
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), has_batch));
}

bool DeliveryWindow::may_write(const DeliverySlot& slot, bool trouble) const {
  if (trouble && in_call()) return false;
  if (count(Stage::writing) >= limits_.concurrent) return false;
  if (limits_.unconfirmed > 0 && count(Stage::sent) >= limits_.unconfirmed) return false;
  for (const auto& other : slots_) {
    if (other.get() == &slot) return true;
    if (other->stage() == Stage::ready) return false;
  }
  return false;
}

bool DeliveryWindow::may_open(bool trouble, bool one_more_beyond_held) const {
  if (trouble && !(holds() && one_more_beyond_held)) return false;
  if ((count(Stage::held) >= most_held && !one_more_beyond_held) ||
      slots_.size() >= most_settled + limits_.concurrent + limits_.unconfirmed)
    return false;
  if (count(Stage::ready) + count(Stage::writing) >= limits_.concurrent) return false;
  if (limits_.unconfirmed > 0 && count(Stage::sent) >= limits_.unconfirmed) return false;
  return !exclusive() || !front_settled();
}

DeliverySlot& DeliveryWindow::open(std::unique_ptr<DeliverySlot> slot) {
  slots_.push_back(std::move(slot));
  return *slots_.back();
}

PositionUpdate DeliveryWindow::confirmed(std::int64_t exporter_id, std::uint64_t position,
                                         std::size_t& slots) {
  PositionUpdate update;
  update.exporter_id = exporter_id;
  update.from = position;
  update.to = position;
  slots = 0;
  for (const auto& slot : slots_) {
    if (slot->stage() != Stage::settled || slots == slots_per_update) break;
    if (slots > 0 && update.dead.size() + slot->letters() > letters_per_update) break;
    slot->add_to(update);
    ++slots;
  }
  return update;
}

void DeliveryWindow::drop(std::size_t slots) {
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(slots));
}

}  // namespace auditferry
