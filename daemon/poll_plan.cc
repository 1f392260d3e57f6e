#include "daemon/poll_plan.h"

#include <algorithm>

namespace auditferry {
namespace {

// Polls ask a little before the watermark: records of the last moment may have been written after we looked.
constexpr Duration look_back = std::chrono::seconds(5);
// Rereads walk windows of this share of their delay, so that they come a few at a time.
constexpr int reread_share = 24;
constexpr Duration shortest_reread = std::chrono::minutes(5);

std::optional<WallTime> newest_shown(const std::vector<CoverageInterval>& coverage) {
  std::optional<WallTime> newest;
  for (const CoverageInterval& interval : coverage) {
    if (interval.how == "gap") continue;  // may lie at the edge, and is asked for again then
    if (!newest || interval.range.to > *newest) newest = interval.range.to;
  }
  return newest;
}

// Where the next poll begins. After a long outage the hole before the last `overlap` is history.
WallTime poll_from(const PlanInput& input) {
  const WallTime recent = input.edge - input.settings.overlap;
  const std::optional<WallTime> newest = newest_shown(input.coverage);
  if (!newest || input.edge - *newest > input.settings.slice) return std::max(input.start, recent);
  return std::max(input.start, *newest - look_back);
}

PlannedWalk plan_poll(const PlanInput& input) {
  PlannedWalk walk{"poll", {poll_from(input), input.edge}, false, std::nullopt};
  // A mark in the future was made by a clock that has been put right since.
  const bool due = !input.notes.overlap_at || *input.notes.overlap_at > input.edge ||
                   input.edge - *input.notes.overlap_at >= input.settings.overlap / 2;
  if (due) {
    walk.window.from = std::min(walk.window.from, std::max(input.start, input.edge - input.settings.overlap));
    walk.whole_overlap = true;
  }
  return walk;
}

std::optional<PlannedWalk> plan_history(const PlanInput& input) {
  const std::vector<TimeRange> holes = history_holes(input);
  if (holes.empty()) return std::nullopt;
  const TimeRange hole = holes.front();
  return PlannedWalk{"history", {hole.from, std::min<WallTime>(hole.to, hole.from + input.slice)}, false, std::nullopt};
}

}  // namespace

std::optional<PlannedWalk> plan_reread(const PlanInput& input) {
  for (const Duration delay : input.settings.reread) {
    const auto mark = input.notes.reread.find(delay);
    // A stream's first mark lies where its coverage began.
    const WallTime from = mark == input.notes.reread.end() ? input.start : mark->second;
    const Duration width = std::max(shortest_reread, delay / reread_share);
    const WallTime to = std::min<WallTime>(input.edge - delay, from + std::max(width, input.settings.slice));
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
