#pragma once

#include <memory>

#include "core/log.h"

namespace auditferry {

// Lines on standard error, by spdlog: text (time, level, message, key=value …) or one JSON object each.
// Whatever comes from outside is made harmless: control characters are escaped. Thread-safe.
class StderrLog final : public Log {
 public:
  StderrLog(LogLevel level, bool json);
  ~StderrLog() override;
  bool enabled(LogLevel level) const override { return level >= level_; }
  void write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) override;

 private:
  struct State;
  LogLevel level_;
  bool json_;
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
