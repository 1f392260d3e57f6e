#include "daemon/service_manager.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <ctime>

namespace auditferry::service_manager {

bool listens() { return std::getenv("NOTIFY_SOCKET") != nullptr; }
void ready() { sd_notify(0, "READY=1"); }
void extend_start(Duration time) { sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(time.count())).c_str()); }
void reloading() {
  // Type=notify-reload wants to know when, on its own clock.
  struct timespec now {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}
void stopping() { sd_notify(0, "STOPPING=1"); }
void status(const std::string& line) { sd_notify(0, ("STATUS=" + line).c_str()); }
void alive() { sd_notify(0, "WATCHDOG=1"); }

std::optional<Duration> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return Duration(static_cast<std::int64_t>(microseconds)) / 2;
}

}  // namespace auditferry::service_manager
