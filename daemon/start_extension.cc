#include "daemon/start_extension.h"

namespace auditferry {

StartExtension::StartExtension(std::function<void(Duration)> tell, Duration every)
    : tell_(std::move(tell)), every_(every) {
  tell_(every_ * 4);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void StartExtension::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    stopped_.wait_for(lock, stop, every_, [] { return false; });
    if (stop.stop_requested()) return;
    tell_(every_ * 4);
  }
}

}  // namespace auditferry
