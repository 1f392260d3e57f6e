#pragma once
// The commands that act on what the journal keeps: replay, dead-letters and what cares for gaps and exporters.

#include "config/settings.h"
#include "daemon/commands.h"

namespace auditferry {

// Each carries out the commands of its name; see run_command().
ExitStatus replay_records(const CommandLine& line, const Settings& settings);
ExitStatus backfill_window(const CommandLine& line, const Settings& settings);
ExitStatus dead_letters(const CommandLine& line, const Settings& settings);
ExitStatus gaps(const CommandLine& line, const Settings& settings);
ExitStatus exporters(const CommandLine& line, const Settings& settings);

}  // namespace auditferry
