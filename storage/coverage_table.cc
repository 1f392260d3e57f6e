#include "storage/coverage_table.h"

#include <algorithm>

namespace auditferry {

std::vector<TimeRange> union_of(std::vector<TimeRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  std::vector<TimeRange> joined;
  for (const TimeRange& range : ranges) {
    if (!joined.empty() && range.from <= joined.back().to) {
      joined.back().to = std::max(joined.back().to, range.to);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

namespace {

std::vector<TimeRange> ranges_of(const std::vector<CoverageInterval>& coverage) {
  std::vector<TimeRange> ranges;
  ranges.reserve(coverage.size());
  for (const CoverageInterval& interval : coverage) ranges.push_back(interval.range);
  return union_of(std::move(ranges));
}

}  // namespace

std::optional<WallTime> watermark_of(const std::vector<CoverageInterval>& coverage, WallTime start) {
  for (const TimeRange& range : ranges_of(coverage)) {
    if (range.contains(start)) return range.to;
  }
  return std::nullopt;
}

std::vector<TimeRange> holes_in(const std::vector<CoverageInterval>& coverage, TimeRange wanted) {
  std::vector<TimeRange> holes;
  WallTime reached = wanted.from;
  bool any = false;
  for (const TimeRange& range : ranges_of(coverage)) {
    if (range.to < wanted.from || range.from > wanted.to) continue;
    if (range.from > reached) holes.push_back({reached, range.from});
    reached = std::max(reached, range.to);
    any = true;
  }
  if (reached < wanted.to || (!any && reached == wanted.to)) holes.push_back({reached, wanted.to});
  return holes;
}

CoverageTable::CoverageTable(Database& database)
    : load_(database, "SELECT from_time, to_time, how, at FROM coverage WHERE collection_id = ? ORDER BY from_time"),
      touching_(database,
                "SELECT from_time, to_time FROM coverage WHERE collection_id = ? AND how = ? AND from_time <= ? AND to_time >= ? LIMIT 1"),
      remove_(database, "DELETE FROM coverage WHERE collection_id = ? AND from_time = ? AND how = ?"),
      insert_(database, "INSERT INTO coverage(collection_id, from_time, to_time, how, at) VALUES (?, ?, ?, ?, ?)") {}

void CoverageTable::add(std::int64_t collection_id, TimeRange range, const std::string& how, WallTime at) {
  std::int64_t from = to_micros(range.from);
  std::int64_t to = to_micros(range.to);
  while (touching_.query(collection_id, how, to, from).step()) {
    const std::int64_t other_from = touching_.integer(0);
    const std::int64_t other_to = touching_.integer(1);
    touching_.reset();
    remove_.run(collection_id, other_from, how);
    from = std::min(from, other_from);
    to = std::max(to, other_to);
  }
  insert_.run(collection_id, from, to, how, to_micros(at));
}

std::vector<CoverageInterval> CoverageTable::load(std::int64_t collection_id) {
  std::vector<CoverageInterval> coverage;
  load_.query(collection_id);
  while (load_.step()) {
    coverage.push_back({{from_micros(load_.integer(0)), from_micros(load_.integer(1))}, std::string(load_.text(2)), from_micros(load_.integer(3))});
  }
  return coverage;
}

}  // namespace auditferry
