#pragma once
// One page of a vendor's log, taken apart, and the request for one. Made by sources/page_parser.h,
// judged by sources/walk.h, stored by storage/journal.h.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace auditferry {

// The first 16 bytes of a SHA-256.
using ShortHash = std::array<std::uint8_t, 16>;

struct PageRecord {
  std::string_view raw;  // minified JSON in Page::storage
  std::string id;        // see Record::id; without "#n" for records that have no id of their own
  WallTime time{};       // the epoch when !has_time
  bool has_time = true;
  bool has_id = true;    // false: `id` is the hex SHA-256 of the content
  bool repaired = false;
  ShortHash content{};   // of the canonical content (minified, keys sorted at every level)
};

struct Page {
  std::vector<PageRecord> records;  // in the order of the answer
  // The next cursor as the JSON token that came ("\"abc\"" or "17"), or the next link as plain text.
  // Null, "" and a missing key are all "no cursor".
  std::optional<std::string> cursor;
  bool repaired = false;  // some record was
  // Records that cannot be kept as such (over max_record), for the quarantine.
  struct Oversized {
    WallTime time{};
    bool has_time = false;
    std::string id;
    std::uint64_t bytes = 0;
    std::string_view raw = {};  // as PageRecord::raw
  };
  std::vector<Oversized> oversized;
  std::shared_ptr<const std::string> storage;
};

struct PageRequest {
  // By time: inclusive bounds, already widened by the walk. Nothing: no bound is sent.
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  std::optional<std::string> cursor;  // as in Page::cursor
  std::uint64_t offset = 0;           // offset paging
  std::uint64_t page = 0;             // page-number paging
  std::uint32_t page_size = 100;
};

}  // namespace auditferry
