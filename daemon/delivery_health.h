#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/log.h"
#include "daemon/backoff.h"

namespace auditferry {

// What the operator is shown of a deliverer; the durable part comes from the journal.
struct DelivererStatus {
  std::string exporter;
  bool up = false;       // the last try was good
  bool paused = false;   // an operator must act; probing slowly
  std::string problem;   // in words; empty when up
  std::optional<WallTime> oldest_waiting;  // when the oldest record that waits was fetched
};

// How an exporter fares: what is shown and told of it (each problem once), and how long all of its writes
// wait after one that failed.
class DeliveryHealth {
 public:
  DeliveryHealth(Clock& clock, Log& log, Random& random, const ExporterSettings& settings);

  // A write remembers the round it began in: writes that fail together lengthen the wait once.
  std::uint64_t round() const { return round_; }
  // A write came back with `verdict` retry or pause. `progressed`: a part of it was delivered.
  void trouble(Verdict verdict, const std::string& reason, std::optional<Duration> retry_after, std::uint64_t round, bool progressed);
  // The far end took something.
  void good();
  // Shows a problem without making writes wait.
  void show(bool paused, const std::string& reason);
  bool in_trouble() const { return trouble_; }
  Duration wait_left() const { return std::max(Duration::zero(), Duration(not_before_ - clock_.steady_now())); }
  Duration next_backoff() { return backoff_.next(); }
  // Between two tries when only an operator can help.
  Duration slow_probe() const { return settings_.max_backoff / 5; }

  DelivererStatus& status() { return status_; }
  const DelivererStatus& status() const { return status_; }
  std::vector<LogField> fields() const { return {{"exporter", settings_.name}}; }

 private:
  Clock& clock_;
  Log& log_;
  const ExporterSettings& settings_;
  Backoff backoff_;
  DelivererStatus status_;
  SteadyTime not_before_{};
  std::uint64_t round_ = 0;
  bool trouble_ = false;
};

}  // namespace auditferry
