#pragma once

#include <string>
#include <string_view>

namespace auditferry {

// The words of a message, with '#' for each that holds a digit (counts, ids, times): two that agree in it say the same.
std::string message_kind(std::string_view message);

}  // namespace auditferry
