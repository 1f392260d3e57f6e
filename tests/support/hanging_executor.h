#pragma once

#include <functional>
#include <vector>

#include "core/blocking_executor.h"

namespace auditferry {

// Can be told to keep its jobs waiting, as a disk that hangs does. For loops with virtual time.
class HangingExecutor final : public BlockingExecutor {
 public:
  explicit HangingExecutor(BlockingExecutor& inner) : inner_(inner) {}
  void post(std::function<void()> job) override {
    if (hangs) {
      waiting_.push_back(std::move(job));
    } else {
      inner_.post(std::move(job));
    }
  }
  void go_on() {
    hangs = false;
    for (auto& job : waiting_) inner_.post(std::move(job));
    waiting_.clear();
  }
  bool hangs = false;

 private:
  BlockingExecutor& inner_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace auditferry
