#pragma once

#include <optional>
#include <string>

#include "core/time.h"

namespace auditferry {

// What systemd is told (sd_notify(3)). Without NOTIFY_SOCKET every call does nothing.
namespace service_manager {

// Whether a service manager listens at all.
bool listens();
void ready();
// The start takes longer: the next such word, or ready(), comes within this time.
void extend_start(Duration time);
// Before a configuration is read again; ready() says that it is done.
void reloading();
void stopping();
void status(const std::string& line);
void alive();
// How often alive() must come; nothing without a watchdog.
std::optional<Duration> watchdog_interval();

}  // namespace service_manager
}  // namespace auditferry
