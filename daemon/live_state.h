#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/deliverer.h"
#include "daemon/poller.h"
#include "daemon/record_rates.h"
#include "storage/snapshot.h"

namespace auditferry {

// The running daemon as the status page shows it: the durable part from the journal, the rest from the running
// parts. What is referred to outlives it.
struct LiveState {
  WallTime now{};
  SteadyTime steady_now{};
  const JournalSnapshot* snapshot = nullptr;  // never nothing
  const Settings* settings = nullptr;         // never nothing
  std::string config = "auditferry.toml";     // the configuration's path, for commands to type
  const RecordRates* rates = nullptr;         // never nothing
  std::vector<PollerStatus> pollers;
  std::vector<DelivererStatus> deliverers;
  bool holding = false;                      // the journal or its disk is full: nothing is fetched
  std::string held_by;                       // the exporter whose undelivered records fill the journal; empty: none
  std::optional<Duration> journal_full_in;   // nothing: it does not grow
  int process = 0;

  // Nothing: no such part runs.
  const PollerStatus* poller(const StreamSnapshot& stream) const;
  const DelivererStatus* deliverer(const ExporterRow& row) const;
};

}  // namespace auditferry
