#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace auditferry::simulation {

struct Outcome {
  std::uint64_t hash = 0;                      // of everything that happened
  std::map<std::string, std::uint64_t> hits;   // faults by kind
  std::vector<std::string> complaints;         // promises that were broken
  std::string tail;                            // the last lines of the trace
};

// The whole program under one seed: a few lives of it in bad weather, then quiet, then judgement. `everything`:
// also what simulate.cc excludes.
Outcome simulate(std::uint64_t seed, bool loud = false, bool everything = false);

}  // namespace auditferry::simulation
