#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/time.h"

namespace auditferry {

// How many records came in each of the last 60 minutes, per stream: for the chart of the status page. In
// memory only, and bounded: a fixed number of counts for at most 1,000 streams.
class RecordRates {
 public:
  // Oldest first; the last one is the minute under way.
  using Minutes = std::array<std::uint64_t, 60>;

  // `journaled` is the stream's durable counter. What came before the first call is not shown: nobody knows
  // when it did. Call it at least once a minute: what came since the last call counts for this moment.
  void observe(std::int64_t stream_id, std::uint64_t journaled, SteadyTime now);
  Minutes of(std::int64_t stream_id, SteadyTime now) const;

 private:
  struct History {
    std::uint64_t journaled = 0;
    std::int64_t minute = 0;  // the newest of `counts`
    Minutes counts{};         // of minute m at m modulo 60
  };
  static void advance(History& history, std::int64_t minute);

  std::map<std::int64_t, History> streams_;
};

}  // namespace auditferry
