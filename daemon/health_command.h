#pragma once
// `auditferry health`: whether the daemon of a configuration is alive, for containers and scripts. It asks the
// admin listener's /healthz, or, where there is none that can be asked, looks at the last sign of life in the
// state directory. Needs no secrets, changes nothing, takes a few seconds at most.

#include <optional>
#include <string>

#include "config/settings.h"
#include "core/http_client.h"
#include "core/result.h"
#include "core/task.h"
#include "core/time.h"

namespace auditferry {

struct HealthVerdict {
  bool healthy = false;
  std::string words;  // one line without its end
};

// The address of /healthz as this machine can ask it; nothing: there is no listener, or its port is not
// known (admin.listen with port 0).
std::optional<std::string> health_url(const AdminSettings& admin);

// Nothing: something answered that does not know /healthz or refuses this name.
Task<std::optional<HealthVerdict>> ask_health(HttpClient& http, std::string url);

// By the last sign of life and by whether a process holds the folder.
HealthVerdict health_by_life_sign(const std::string& state_dir, SteadyTime now);

// The whole command: healthy if the first line of output says so. A configuration that cannot be read (a
// daemon may go on with the one before) is told of only if $STATE_DIRECTORY does not lead to a sign of life.
HealthVerdict health(const std::string& config);

}  // namespace auditferry
