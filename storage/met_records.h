#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace auditferry {

// Which records a walk has met, eight bytes each: for Journal::note_vanished. Not thread-safe.
class MetRecords {
 public:
  // As Record::id has it, without a revision.
  void add(std::string_view id);
  // Not all of them are known: more than a million, or some could not be read.
  void give_up();
  bool complete() const { return complete_; }
  // `id_hash`: the id's short_hash(), of which the first eight bytes are compared. Call sort() before.
  void sort();
  bool has(std::string_view id_hash) const;

 private:
  bool complete_ = true;
  std::vector<std::uint64_t> ids_;
};

}  // namespace auditferry
