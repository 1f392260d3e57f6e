#pragma once

#include "tests/simulation/world.h"

namespace auditferry::simulation {

// Holds the journal, the files and the far ends against what the portal has shown, and complains to the world
// of everything that breaks a promise. Precondition: the program has caught up and ended; no faults are set.
void judge(World& world);

}  // namespace auditferry::simulation
