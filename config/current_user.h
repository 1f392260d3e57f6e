#pragma once

#include <string>

namespace auditferry {

// The name of the user that this process runs as, or its number: for messages about missing rights.
std::string current_user();

}  // namespace auditferry
