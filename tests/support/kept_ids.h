#pragma once
// The ids of the records that a far end of a test was sent, and how often.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace auditferry {

// Any thread.
class KeptIds {
 public:
  // Every `"key":"…"` of a body, as JSON writes it without escapes.
  void take(std::string_view body, std::string_view key) {
    const std::string mark = "\"" + std::string(key) + "\":\"";
    const std::scoped_lock lock(mutex_);
    for (std::size_t at = 0; (at = body.find(mark, at)) != body.npos;) {
      at += mark.size();
      const std::size_t end = body.find('"', at);
      ++times_[std::string(body.substr(at, end - at))];
      ++all_;
    }
  }
  std::size_t distinct() const {
    const std::scoped_lock lock(mutex_);
    return times_.size();
  }
  std::uint64_t repeats() const {
    const std::scoped_lock lock(mutex_);
    return all_ - times_.size();
  }
  bool has(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    return times_.count(id) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> times_;
  std::uint64_t all_ = 0;
};

}  // namespace auditferry
