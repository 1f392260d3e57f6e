#include "daemon/start_extension.h"

namespace auditferry {

StartExtension::StartExtension(std::function<void(Duration)> tell, std::function<std::uint64_t()> progress, Duration every)
    : tell_(std::move(tell)), progress_(std::move(progress)), every_(every) {
  tell_(every_ * 4);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void StartExtension::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::uint64_t before = progress_();
  for (;;) {
    stopped_.wait_for(lock, stop, every_, [] { return false; });
    if (stop.stop_requested()) return;
    const std::uint64_t now = progress_();
    if (now == before) continue;
    before = now;
    tell_(every_ * 4);
  }
}

}  // namespace auditferry
