#pragma once
// Which window a newest-first stream walks next: a pure decision from coverage, notes and the time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/poller_notes.h"
#include "storage/coverage_table.h"

namespace auditferry {

struct PlannedWalk {
  std::string how;  // poll, history, reread, backfill
  TimeRange window;
  bool whole_overlap = false;            // a poll that walks all of `overlap`
  std::optional<Duration> reread_delay;  // a reread: whose mark moves to window.to when it completes
};

struct PlanInput {
  const StreamSettings& settings;
  CatchUp catch_up = CatchUp::live_first;
  WallTime start;  // of the stream
  WallTime edge;   // the latest moment that may be asked for
  Duration slice;  // of history, at present
  bool poll_due = false;
  const std::vector<CoverageInterval>& coverage;  // with gaps: storage/gap_table.h, settled_time
  const PollerNotes& notes;
};

// A poll that is due, then a reread that is due, then history, which fills the time between polls; with
// oldest_first history comes before polls. Nothing: sleep until the next poll is due.
std::optional<PlannedWalk> plan_walk(const PlanInput& input);

// The closed window that is due to be walked once more, as far as its part of the log has been shown.
std::optional<PlannedWalk> plan_reread(const PlanInput& input);

// The part of the stream that no walk has shown yet and no gap speaks of, without what the next poll asks for anyway.
std::vector<TimeRange> history_holes(const PlanInput& input);

// The longest window that may be walked: requests ask a little wider, and all of it has to fit into the
// profile's max_window.
Duration longest_window(const StreamProfile& profile);

// Whether a poll of that window walks all of `overlap`, or all that there is of it.
bool is_whole_overlap(const TimeRange& window, const StreamSettings& settings, WallTime start);

// Slices of history and of backfills: half of one, and the one that follows a slice with so many records, which is
// shorter when it was full and longer when it was empty.
Duration half_slice(Duration slice);
Duration next_slice(Duration slice, std::uint64_t records, const StreamProfile& profile);

// The time of the intervals, in order and joined.
std::vector<TimeRange> ranges_of(const std::vector<CoverageInterval>& intervals);

// `coverage` without the time in `ranges`.
std::vector<CoverageInterval> without(const std::vector<CoverageInterval>& coverage, const std::vector<TimeRange>& ranges);

// The parts of `ranges` that `known` does not hold: in order and joined, none of them empty.
std::vector<TimeRange> outside_of(const std::vector<TimeRange>& ranges, const std::vector<TimeRange>& known);

// True when everything from start to `until` has been shown or is a known gap.
bool covered_until(const std::vector<CoverageInterval>& coverage, WallTime start, WallTime until);

}  // namespace auditferry
