#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"
#include "storage/sqlite.h"

namespace auditferry {

struct CoverageInterval {
  TimeRange range;
  std::string how;  // poll, history, reread, backfill
  WallTime at{};    // when the last walk that belongs to it completed
};

// Joins touching and overlapping ranges; ascending.
std::vector<TimeRange> union_of(std::vector<TimeRange> ranges);

// The end of the interval that holds `start`; nothing when no interval does.
std::optional<WallTime> watermark_of(const std::vector<CoverageInterval>& coverage, WallTime start);

// The parts of `wanted` that `coverage` does not hold, ascending.
std::vector<TimeRange> holes_in(const std::vector<CoverageInterval>& coverage, TimeRange wanted);

// Calls happen inside the caller's transaction; throws SqliteFailure.
class CoverageTable {
 public:
  explicit CoverageTable(Database& database);
  // Adds a shown interval; those of the same kind that touch it become one with it.
  void add(std::int64_t collection_id, TimeRange range, const std::string& how, WallTime at);
  std::vector<CoverageInterval> load(std::int64_t collection_id);

 private:
  Statement load_;
  Statement touching_;
  Statement remove_;
  Statement insert_;
};

}  // namespace auditferry
