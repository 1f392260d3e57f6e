#include "sources/seen_set.h"

namespace auditferry {
namespace {

constexpr std::uint64_t key_mask = ~std::uint64_t{0xff};
constexpr std::size_t first_slots = 256;

}  // namespace

SeenSet::Answer SeenSet::note(std::uint64_t key, std::uint8_t attempt) {
  if (slots_.empty() || used_ * 10 >= slots_.size() * 7) grow();
  key &= key_mask;
  if (key == 0) key = 0x100;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (key >> 8) & mask;; at = (at + 1) & mask) {
    if (slots_[at] == 0) {
      slots_[at] = key | attempt;
      ++used_;
      return {};
    }
    if ((slots_[at] & key_mask) != key) continue;
    const bool in_attempt = (slots_[at] & 0xff) == attempt;
    slots_[at] = key | attempt;
    return {true, in_attempt};
  }
}

void SeenSet::clear() {
  slots_.clear();
  slots_.shrink_to_fit();
  used_ = 0;
}

void SeenSet::grow() {
  std::vector<std::uint64_t> old = std::move(slots_);
  slots_.assign(old.empty() ? first_slots : old.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (const std::uint64_t slot : old) {
    if (slot == 0) continue;
    std::size_t at = ((slot & key_mask) >> 8) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace auditferry
