#pragma once
// The waits that portals have asked for, per host and credential. Throws SqliteFailure.

#include <optional>
#include <vector>

#include "core/time.h"
#include "storage/journal_types.h"
#include "storage/sqlite.h"

namespace auditferry {

// A shorter wait does not end a longer one.
void put_penalty(Database& database, const Penalty& penalty);
// Those that go on after `now`; without it, all.
std::vector<Penalty> load_penalties(Database& database, std::optional<WallTime> now = std::nullopt);

}  // namespace auditferry
