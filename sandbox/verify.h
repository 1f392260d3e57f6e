#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace auditferry {

// What a collector's files hold, held against what the portal made.
struct Comparison {
  std::uint64_t made = 0;        // records the portal has shown, over all streams named in the files
  std::uint64_t in_files = 0;    // lines
  std::uint64_t missing = 0;     // made, but not in any file
  std::uint64_t twice = 0;       // lines whose id was there before
  std::uint64_t unknown = 0;     // lines that the portal never made
  std::uint64_t out_of_order = 0;  // lines whose seq does not rise within their file
  std::string example;           // of what is wrong
  bool equal() const { return missing == 0 && twice == 0 && unknown == 0 && out_of_order == 0; }
};

// `files` are lines of format "json"; `made` are ids as the collector writes them
// ("apptego/TENANT/audit/81723"). Reads the files line by line.
Result<Comparison> compare_files(const std::vector<std::string>& files, const std::vector<std::string>& made);

// Asks a running sandbox (its origin, "http://127.0.0.1:8480") for the ids of everything it has shown in the
// streams audit and device.
Result<std::vector<std::string>> ask_for_ids(const std::string& origin);
// Nothing new comes into being from now on.
Status ask_to_stop_making(const std::string& origin);

}  // namespace auditferry
