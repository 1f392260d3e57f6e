#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"

namespace auditferry {

// A text that is another one once the file (where symbolic links lead) was changed or replaced.
using FingerprintLookup = std::function<Result<std::string>(const std::string& path)>;
// By device, inode, size and times of change. Blocks.
Result<std::string> file_fingerprint(const std::string& path);

// Notices that files were changed, replaced, removed or have come. Every call blocks. One thread at a time.
class FileWatch {
 public:
  explicit FileWatch(FingerprintLookup fingerprint) : fingerprint_(std::move(fingerprint)) {}

  // From now on it is these files, as they are now.
  void watch(const std::vector<std::string>& paths);
  // Those that are not as they were at the last call of watch() or changed().
  std::vector<std::string> changed();

 private:
  std::string look(const std::string& path);

  FingerprintLookup fingerprint_;
  std::map<std::string, std::string> seen_;
};

}  // namespace auditferry
