#pragma once

#include <unistd.h>

namespace auditferry {

// Root may do everything, so tests of missing rights lay its powers down for the length of a scope.
class WithoutRoot {
 public:
  WithoutRoot() {
    if (was_root_) dropped_ = seteuid(nobody) == 0;
  }
  ~WithoutRoot() {
    if (dropped_) dropped_ = seteuid(0) != 0;
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;
  // False: this process is root and cannot be anybody else.
  bool effective() const { return !was_root_ || dropped_; }

 private:
  static constexpr uid_t nobody = 65534;
  bool was_root_ = geteuid() == 0;
  bool dropped_ = false;
};

}  // namespace auditferry
