#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/time.h"

namespace auditferry {

// As long as it lives and the start gets on, the service manager is told again and again that it takes longer: opening
// a large journal that is to be migrated or checked may take more than the unit's TimeoutStartSec, and a start that
// is killed for it would begin anew for ever. One that hangs is not told of, so that it is ended in time. From a
// thread of its own, since opening the journal blocks.
class StartExtension {
 public:
  // `tell` is called at once and then every `every`, with the time that is wanted from then on: four times as long;
  // but only if what `progress` gives is another number than before.
  StartExtension(std::function<void(Duration)> tell, std::function<std::uint64_t()> progress, Duration every = std::chrono::seconds(30));

 private:
  void run(const std::stop_token& stop);

  const std::function<void(Duration)> tell_;
  const std::function<std::uint64_t()> progress_;
  const Duration every_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // ends first
};

}  // namespace auditferry
