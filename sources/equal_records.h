#pragma once
// Records without ids, within one attempt of a walk. The n-th equal one is a record of its own, but a page that comes
// again brings the same ones once more. A value; pure.
//
// A page behind a cursor goes back when it is one of the earlier pages and its records differ among themselves, or
// when more of its records stand above where the attempt has come to, and were met there, than have never been met.
// A page that was asked for by its number begins with a part of what came before: that part is looked for near where
// it should be. All else counts as more of the same: a record too many can be seen, one too few cannot.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/page.h"

namespace auditferry {

// By its id, and its content.
std::uint64_t record_key(const PageRecord& record);

class EqualRecords {
 public:
  struct Numbers {
    std::vector<std::uint32_t> of_records;  // per record how many equal ones, itself included; 1 for those with ids
    bool nothing_fresh = false;  // none has an id, and each equals one of an earlier page
    // on_counted_page: whether the page begins within what came before. Nothing: only ids can tell.
    std::optional<bool> joins;
  };

  // The page that came first, or behind a cursor. `come_to`: what follows in a log in order is not newer.
  Numbers on_page(const Page& page, bool has_ids, std::optional<WallTime> come_to);
  // Offset and page-number paging. So many records of it should have come before.
  Numbers on_counted_page(const Page& page, bool has_ids, std::uint64_t overlap);
  // No record without an id was met.
  bool empty() const { return counts_.empty(); }
  // Another attempt.
  void clear();

 private:
  struct Count {
    std::uint32_t met = 0;
    std::uint32_t here = 0;  // on the page with the number `page`
    std::uint32_t page = 0;
  };
  bool goes_back(const Page& page, bool has_ids, std::optional<WallTime> come_to, Numbers& numbers);
  // The first `again` records of the page have come before.
  void number(const Page& page, bool has_ids, std::size_t again, Numbers& numbers);
  std::optional<std::size_t> depth_of(const std::vector<std::uint64_t>& keys, std::uint64_t overlap) const;

  std::unordered_map<std::uint64_t, Count> counts_;
  std::uint32_t pages_ = 0;
  std::vector<std::uint64_t> page_hashes_;
  std::vector<std::uint64_t> tail_;  // of counted pages: the last records that came, in their order
};

}  // namespace auditferry
