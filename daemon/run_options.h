#pragma once

#include <string>

#include "core/time.h"

namespace auditferry {

struct RunOptions {
  bool once = false;                               // poll up to now, deliver everything, end
  Duration once_timeout = std::chrono::minutes(10);
  std::string config_sha256;                       // for the ledger
  std::string config;                              // the configuration's path, for commands to type
};

enum class ExitStatus { done = 0, failed = 1, usage = 2, needs_a_person = 3 };

}  // namespace auditferry
