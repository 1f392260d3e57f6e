#pragma once

#include <string>

#include "core/result.h"
#include "core/time.h"
#include "storage/journal_types.h"

namespace auditferry {

// Stores a wait that a portal has asked a command for, so that no later process asks inside it. Where a daemon runs
// on the state directory it is told, too, and obeys from then on. Without a journal one is made. Blocks.
Status keep_wait(const std::string& state_dir, const Penalty& penalty, WallTime now);

}  // namespace auditferry
