#include "daemon/poll_plan.h"

#include <algorithm>

namespace auditferry {
namespace {

// Polls ask a little before the watermark: records of the last moment may have been written after we looked.
constexpr Duration look_back = std::chrono::seconds(5);
// Rereads walk windows of this share of their delay, so that they come a few at a time.
constexpr int reread_share = 24;
constexpr Duration shortest_reread = std::chrono::minutes(5);
// A slice of history with more records than this is cut in half for the next one; an empty one doubles it.
constexpr std::uint64_t full_slice = 50'000;
constexpr Duration shortest_slice = std::chrono::minutes(1);

std::optional<WallTime> newest_shown(const std::vector<CoverageInterval>& coverage) {
  std::optional<WallTime> newest;
  for (const CoverageInterval& interval : coverage) {
    if (interval.how == "gap") continue;  // may lie at the edge, and is asked for again then
    if (!newest || interval.range.to > *newest) newest = interval.range.to;
  }
  return newest;
}

Duration reachable_overlap(const StreamSettings& settings) { return std::min(settings.overlap, longest_window(settings.profile)); }

// Then the hole before the last `overlap` is history.
bool is_long_stop(const PlanInput& input, const std::optional<WallTime>& newest) {
  return !newest || input.edge - *newest > std::min(input.settings.slice, longest_window(input.settings.profile) - look_back);
}

// Where the next poll begins.
WallTime poll_from(const PlanInput& input) {
  const WallTime recent = input.edge - reachable_overlap(input.settings);
  const std::optional<WallTime> newest = newest_shown(input.coverage);
  if (is_long_stop(input, newest)) return std::max(input.start, recent);
  // Shown later than now: our clock was ahead when it was, and has been put back since. What has come
  // meanwhile is asked for as if nothing had been shown of late.
  if (*newest - look_back >= input.edge) return std::max(input.start, recent);
  return std::max(input.start, *newest - look_back);
}

PlannedWalk plan_poll(const PlanInput& input) {
  PlannedWalk walk{"poll", {poll_from(input), input.edge}, false, std::nullopt};
  // A mark in the future was made by a clock that has been put right since.
  const bool due = !input.notes.overlap_at || *input.notes.overlap_at > input.edge ||
                   input.edge - *input.notes.overlap_at >= input.settings.overlap / 2;
  if (due) {
    const Duration overlap = reachable_overlap(input.settings);
    WallTime from = input.edge - overlap;
    // After a stop: what was due to be walked once more when it began.
    const bool marked = input.notes.overlap_at && *input.notes.overlap_at <= input.edge;
    if (marked && !is_long_stop(input, newest_shown(input.coverage))) from = std::min<WallTime>(from, *input.notes.overlap_at - overlap / 2);
    from = std::max<WallTime>(from, input.edge - longest_window(input.settings.profile));
    walk.window.from = std::min(walk.window.from, std::max(input.start, from));
    walk.whole_overlap = true;
  }
  return walk;
}

std::optional<PlannedWalk> plan_history(const PlanInput& input) {
  const std::vector<TimeRange> holes = history_holes(input);
  if (holes.empty()) return std::nullopt;
  const TimeRange hole = holes.front();
  const Duration longest = longest_window(input.settings.profile);
  WallTime from = hole.from;
  // Where a stop began: what was due to be walked once more then. The mark of the last such walk may be a later one's by
  // now; it was at most half of `overlap` before the stop, and what it had still to look at as much before that.
  const auto ends_here = [&hole](const CoverageInterval& interval) { return interval.how == "poll" && interval.range.to == hole.from; };
  if (std::any_of(input.coverage.begin(), input.coverage.end(), ends_here)) {
    from = std::max<WallTime>(input.start, hole.from - reachable_overlap(input.settings));
  }
  const WallTime to = std::min<WallTime>(hole.from + input.slice, from + longest);
  return PlannedWalk{"history", {from, std::min(hole.to, to)}, false, std::nullopt};
}

}  // namespace

Duration longest_window(const StreamProfile& profile) {
  // Bounds are put on whole units and then one further, on both sides.
  const Duration wider = 4 * std::max(unit_step(profile.time_unit), unit_step(profile.request_time_unit));
  return std::max(profile.max_window - wider, profile.max_window / 2);
}

bool is_whole_overlap(const TimeRange& window, const StreamSettings& settings, WallTime start) {
  return window.from <= std::max<WallTime>(start, window.to - reachable_overlap(settings));
}

Duration half_slice(Duration slice) { return std::max(shortest_slice, slice / 2); }

Duration next_slice(Duration slice, std::uint64_t records, const StreamProfile& profile) {
  if (records > full_slice) return half_slice(slice);
  if (records == 0) return std::min<Duration>(longest_window(profile), slice * 2);
  return slice;
}

std::vector<TimeRange> ranges_of(const std::vector<CoverageInterval>& intervals) {
  std::vector<TimeRange> ranges;
  for (const CoverageInterval& interval : intervals) ranges.push_back(interval.range);
  return union_of(std::move(ranges));
}

std::vector<CoverageInterval> without(const std::vector<CoverageInterval>& coverage, const std::vector<TimeRange>& ranges) {
  std::vector<CoverageInterval> left;
  for (const CoverageInterval& interval : coverage) {
    WallTime from = interval.range.from;
    bool to_the_end = true;
    for (const TimeRange& range : union_of(ranges)) {
      if (range.to <= from || range.from >= interval.range.to) continue;
      if (range.from > from) left.push_back({{from, range.from}, interval.how, interval.at});
      from = range.to;
      to_the_end = from < interval.range.to;
    }
    if (to_the_end) left.push_back({{from, interval.range.to}, interval.how, interval.at});
  }
  return left;
}

std::vector<TimeRange> outside_of(const std::vector<TimeRange>& ranges, const std::vector<TimeRange>& known) {
  std::vector<CoverageInterval> intervals;
  for (const TimeRange& range : ranges) intervals.push_back({range, "", {}});
  std::vector<TimeRange> rest = ranges_of(without(intervals, known));
  std::erase_if(rest, [](const TimeRange& range) { return range.from == range.to; });
  return rest;
}

std::optional<PlannedWalk> plan_reread(const PlanInput& input) {
  for (const Duration delay : input.settings.reread) {
    const auto mark = input.notes.reread.find(delay);
    // A stream's first mark lies where its coverage began.
    const WallTime from = mark == input.notes.reread.end() ? input.start : mark->second;
    const Duration longest = longest_window(input.settings.profile);
    const Duration width = std::min(std::max(shortest_reread, delay / reread_share), longest);
    const WallTime to = std::min<WallTime>(input.edge - delay, from + std::min(std::max(width, input.settings.slice), longest));
    if (to - from < width || !covered_until(input.coverage, from, to)) continue;
    return PlannedWalk{"reread", {from, to}, false, delay};
  }
  return std::nullopt;
}

std::vector<TimeRange> history_holes(const PlanInput& input) {
  const WallTime live = poll_from(input);
  if (live <= input.start) return {};
  return holes_in(input.coverage, {input.start, live});
}

bool covered_until(const std::vector<CoverageInterval>& coverage, WallTime start, WallTime until) {
  return until <= start || holes_in(coverage, {start, until}).empty();
}

std::optional<PlannedWalk> plan_walk(const PlanInput& input) {
  if (input.edge <= input.start) return std::nullopt;
  const bool history_first = input.catch_up == CatchUp::oldest_first;
  if (history_first) {
    if (auto history = plan_history(input)) return history;
  }
  if (input.poll_due) return plan_poll(input);
  if (auto reread = plan_reread(input)) return reread;
  if (!history_first) return plan_history(input);
  return std::nullopt;
}

}  // namespace auditferry
