#include "daemon/retention_headroom.h"

#include <algorithm>

#include "daemon/text_report.h"
#include "storage/gap_table.h"

namespace auditferry {
namespace {

constexpr Duration alarming_below = std::chrono::hours(24);

// From when on something is missing that no open gap speaks of yet.
std::optional<WallTime> oldest_missing(const CollectionSnapshot& collection, const JournalSnapshot& snapshot) {
  if (!collection.start) return std::nullopt;
  const std::vector<CoverageInterval> settled = settled_of(collection, snapshot);
  const std::vector<TimeRange> holes = holes_in(settled, {*collection.start, WallTime::max()});
  return holes.empty() ? std::optional<WallTime>() : std::max(holes.front().from, *collection.start);
}

}  // namespace

std::optional<Duration> retention_of(const StreamSnapshot& stream, const Settings* settings) {
  if (settings == nullptr) return std::nullopt;
  for (const SourceSettings& source : settings->sources) {
    if (source.profile.vendor != stream.identity.vendor || source.tenant != stream.identity.tenant) continue;
    for (const StreamSettings& other : source.streams) {
      if (other.name == stream.identity.stream) return other.retention;
    }
  }
  return std::nullopt;
}

std::optional<Duration> retention_headroom(const StreamProgress& progress, const JournalSnapshot& snapshot,
                                           const StatusContext& context) {
  if (!progress.configured || progress.collection == nullptr) return std::nullopt;
  const std::optional<Duration> retention = retention_of(*progress.stream, context.settings);
  if (!retention) return std::nullopt;
  const std::optional<WallTime> missing = oldest_missing(*progress.collection, snapshot);
  if (!missing) return std::nullopt;
  return Duration(*missing + *retention - context.now);
}

std::optional<Duration> alarming_headroom(const StreamProgress& progress, const JournalSnapshot& snapshot,
                                          const StatusContext& context) {
  const std::optional<Duration> headroom = retention_headroom(progress, snapshot, context);
  if (!headroom) return std::nullopt;
  const Duration retention = retention_of(*progress.stream, context.settings).value_or(alarming_below);
  return *headroom > std::min(alarming_below, Duration(retention / 4)) ? std::nullopt : headroom;
}

std::string headroom_words(Duration headroom, const std::string& stream) {
  if (headroom <= Duration::zero()) return "The portal may have forgotten records of " + stream + " that are not here.";
  return "In " + report_duration(headroom) + " the portal will forget records of " + stream + " that are not here yet.";
}

}  // namespace auditferry
