#include "daemon/record_rates.h"

namespace auditferry {
namespace {

constexpr std::size_t most_streams = 1000;
constexpr std::int64_t kept = std::tuple_size<RecordRates::Minutes>::value;

std::int64_t minute_of(SteadyTime time) {
  return std::chrono::floor<std::chrono::minutes>(time.time_since_epoch()).count();
}

std::size_t place_of(std::int64_t minute) { return static_cast<std::size_t>(((minute % kept) + kept) % kept); }

}  // namespace

void RecordRates::advance(History& history, std::int64_t minute) {
  if (minute - history.minute >= kept) {
    history.counts.fill(0);
    history.minute = minute;
  }
  while (history.minute < minute) history.counts[place_of(++history.minute)] = 0;
}

void RecordRates::observe(std::int64_t stream_id, std::uint64_t journaled, SteadyTime now) {
  const std::int64_t minute = minute_of(now);
  const auto found = streams_.find(stream_id);
  if (found == streams_.end()) {
    if (streams_.size() < most_streams) streams_[stream_id] = {journaled, minute, {}};
    return;
  }
  History& history = found->second;
  advance(history, minute);
  // A counter that went back is another journal's.
  if (journaled > history.journaled) history.counts[place_of(history.minute)] += journaled - history.journaled;
  history.journaled = journaled;
}

RecordRates::Minutes RecordRates::of(std::int64_t stream_id, SteadyTime now) const {
  Minutes minutes{};
  const auto found = streams_.find(stream_id);
  if (found == streams_.end()) return minutes;
  History history = found->second;
  advance(history, minute_of(now));
  for (std::int64_t i = 0; i < kept; ++i)
    minutes[static_cast<std::size_t>(i)] = history.counts[place_of(history.minute - kept + 1 + i)];
  return minutes;
}

}  // namespace auditferry
