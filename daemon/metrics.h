#pragma once
// What /metrics answers: the Prometheus text exposition format, version 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats). docs/metrics.md has the table of names.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "daemon/deliverer.h"
#include "daemon/poller.h"
#include "storage/snapshot.h"

namespace auditferry {

// The durable part comes from the journal, the rest from the running parts. What is referred to outlives
// the call.
struct MetricsInput {
  WallTime now{};
  const JournalSnapshot* snapshot = nullptr;  // never nothing
  const Settings* settings = nullptr;         // nothing: retention and what is configured are not known
  std::vector<PollerStatus> pollers;
  std::vector<DelivererStatus> deliverers;
  std::vector<std::pair<std::string, Duration>> throttled;  // per source and budget
  std::optional<Duration> journal_full_in;
};

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// Pure. A value that is not known is left out. Streams under one label (a source whose tenant was changed)
// share their series: counts are added, and of ages, headrooms and "up" the worst one is shown.
std::string render_metrics(const MetricsInput& input);

}  // namespace auditferry
