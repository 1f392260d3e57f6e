#pragma once

#include <cstdint>
#include <vector>

namespace auditferry {

// Which records a walk has met, and in which attempt last: 8 bytes a slot, so that a million records
// take 16 MiB. Keys are hashes; one collision in a billion makes one record look known, which no rule
// depends on for a single record.
class SeenSet {
 public:
  struct Answer {
    bool in_walk = false;
    bool in_attempt = false;
  };
  // Notes that `key` was met in `attempt` (its low 8 bits count) and says where it was met before.
  Answer note(std::uint64_t key, std::uint8_t attempt);
  void clear();

 private:
  void grow();
  std::vector<std::uint64_t> slots_;  // 0 is free; low 8 bits: the attempt
  std::size_t used_ = 0;
};

}  // namespace auditferry
