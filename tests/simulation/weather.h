#pragma once
// What the world does to the program for a while: one draw of faults, and new records.

#include "tests/simulation/world.h"

namespace auditferry::simulation {

// The kinds of faults that the fixed list of seeds as a whole has to hit.
const std::vector<std::string>& all_fault_kinds();

// Faults for the next while. Each call takes back what the one before has set.
void change_weather(World& world);
// No faults, and the clock is right.
void calm_weather(World& world);
// Into the trace: the faults that were met, as far as they are not told in the moment.
void count_faults(World& world);
// The portal's logs grow over [now, now + duration]: regular, piles of one instant, late ones; and records change.
void let_records_come(World& world, Duration duration);

}  // namespace auditferry::simulation
