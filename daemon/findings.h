#pragma once

#include <string>
#include <vector>

#include "daemon/live_state.h"

namespace auditferry {

// Something that a person has to look at.
struct Finding {
  std::string what;     // a sentence
  std::string todo;     // another: what to do
  std::string command;  // to be typed into a shell as it stands; empty: none helps
};

// Everything that needs a person, the worst first; empty: all is in order. Pure. Words from outside are as
// they came, but for control characters.
std::vector<Finding> findings(const LiveState& state);
// The same without what is configured so (tls.insecure), which leaves `in_order` of /status as it is.
std::vector<Finding> troubles(const LiveState& state);

// "auditferry COMMAND --config FILE", quoted for a shell.
std::string command_line(const std::string& config, const std::string& command,
                         const std::vector<std::string>& arguments = {});
// What can be done about a gap: read how it came about, ask the portal once more, take note of it. Pure.
struct GapAdvice {
  std::string words;
  std::string command;
};
std::vector<GapAdvice> gap_advice(const GapRow& gap, const JournalSnapshot& snapshot, const std::string& config);

}  // namespace auditferry
