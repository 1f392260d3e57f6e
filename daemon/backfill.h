#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace auditferry {

// A closed window that a person asked to have walked (once more), and how far that is. Poller::begin_backfill.
struct Backfill {
  TimeRange window{};         // as it is walked: no later than the portal's own clock
  WallTime reached{};         // walked up to here
  std::uint64_t fetched = 0;  // records that came, those that were known included
  std::uint64_t fresh = 0;    // of them, new
  std::uint64_t late = 0;     // of the new ones, where a walk had already been
  std::uint64_t open_gaps = 0;  // that touch the window, once it has ended
  bool ended = false;
  std::optional<Error> error;  // why it was given up; what came until then is kept

  // The poller's own.
  Duration slice{};
  bool examined = false;
  // Whether the portal shows anything from before the window: if not, it may have forgotten a part of it.
  bool remembered = false;
  // What lay before this had been forgotten (by the setting `retention`) when the window's oldest part had been
  // read: the portal forgets while we read.
  WallTime forgotten_to{};
  bool read_oldest = false;
  std::vector<TimeRange> settled_before;  // what earlier walks have shown, and known gaps
  std::optional<WallTime> first_seen;     // of the records that the portal showed in the window
  int failures = 0;                       // in a row
  bool following = false;                 // oldest first: the window has been begun
};

}  // namespace auditferry
