#include "daemon/mebibytes_read.h"

#include <fstream>
#include <string>

namespace auditferry {

std::uint64_t mebibytes_read() {
  std::ifstream counters("/proc/self/io");
  std::string name;
  for (std::uint64_t bytes = 0; counters >> name >> bytes;) {
    if (name == "rchar:") return bytes >> 20;
  }
  return 0;
}

}  // namespace auditferry
