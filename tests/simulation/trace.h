#pragma once
// What happened in a run: a hash of all of it, the last lines in words, and how often each kind of fault hit.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/log.h"

namespace auditferry::simulation {

class Trace final : public Log {
 public:
  explicit Trace(Clock& clock) : clock_(clock) {}
  // The folder's name, which differs from run to run.
  void leave_out(std::string folder) { folder_ = std::move(folder); }

  void note(std::string_view line);
  void hit(const std::string& fault, std::uint64_t times = 1) { hits_[fault] += times; }

  bool enabled(LogLevel level) const override { return level >= LogLevel::info; }
  void write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) override;

  std::uint64_t hash() const { return hash_; }
  const std::map<std::string, std::uint64_t>& hits() const { return hits_; }
  // The last lines, oldest first.
  std::string tail() const;
  // Every line to standard error as it comes.
  void set_loud(bool loud) { loud_ = loud; }

 private:
  Clock& clock_;
  std::string folder_;
  std::uint64_t hash_ = 14695981039346656037ull;
  std::map<std::string, std::uint64_t> hits_;
  std::deque<std::string> last_;
  bool loud_ = false;
};

}  // namespace auditferry::simulation
