#pragma once

#include <string>

namespace auditferry {

// The group of the user `auditferry`, as whom the package's unit runs the program, for root; empty for anybody else,
// and where there is no such user. What root writes for the service has to be readable for it.
std::string service_group();

}  // namespace auditferry
