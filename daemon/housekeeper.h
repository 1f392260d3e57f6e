#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "core/file_system.h"
#include "core/log.h"
#include "daemon/poller.h"
#include "daemon/storage_queue.h"

namespace auditferry {

// Keeps the journal and its disk within bounds: prunes, holds polling while there is no room, and tells
// in time. A reserve file gives its room to positions and pruning when the disk is full. Loop thread only.
class Housekeeper {
 public:
  Housekeeper(Clock& clock, Log& log, StorageQueue& storage, FileSystem& files, BlockingExecutor& blocking,
              const JournalSettings& settings, std::string state_dir, std::vector<Poller*> pollers);

  // From now on it holds and asks these.
  void watch(std::vector<Poller*> pollers) { pollers_ = std::move(pollers); }
  Task<void> run();
  // These are all from now on.
  void set_pollers(std::vector<Poller*> pollers);
  // One round; run() repeats it.
  Task<void> round();
  bool holding() const { return !full_because_.empty() || disk_low_; }
  // The exporter whose undelivered records fill the journal; empty: none, or it is not full.
  const std::string& held_by() const { return held_by_; }
  std::uint64_t used_bytes() const { return used_bytes_; }
  // When the journal will be full at the present rate; nothing if it does not grow.
  std::optional<Duration> full_in() const;

 private:
  Task<void> watch_disk();
  Poller::Room room() const;
  void tell_fullness(const PruneStep& step);
  void watch_growth();
  PruneRules rules() const;

  Clock& clock_;
  Log& log_;
  StorageQueue& storage_;
  FileSystem& files_;
  BlockingExecutor& blocking_;
  const JournalSettings& settings_;
  std::string state_dir_;
  std::vector<Poller*> pollers_;
  struct Sample {
    SteadyTime at;
    std::uint64_t bytes;
  };
  std::deque<Sample> samples_;
  std::uint64_t used_bytes_ = 0;
  std::string full_because_;  // empty: it is not full
  std::string held_by_;
  bool disk_low_ = false;
  std::optional<bool> reserve_kept_;  // nothing: not looked yet, an earlier process may have left one
  bool warned_of_growth_ = false;
};

}  // namespace auditferry
