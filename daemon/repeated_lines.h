#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log.h"

namespace auditferry {

struct RepeatedLinesLimits {
  std::uint32_t lines = 10;                       // of one kind, within
  Duration window = std::chrono::seconds(60);
  std::size_t kinds = 1000;                       // that are watched at once; lines of others are not limited
};

// Hands lines on, but not more than a few of one kind within a window: a portal or sink that fails a thousand
// times a minute must not drown what else is told. What was held back is counted, and told with the next line
// of its kind (a field "suppressed"), by watch() once the window is over, and at the end.
// Of one kind are lines of one level and the same fields (request_id apart) whose words differ only where
// they hold digits. Lines below info are never held back.
// Thread-safe as far as the clock's steady_now() is.
class RepeatedLines final : public Log {
 public:
  RepeatedLines(Log& inner, Clock& clock, RepeatedLinesLimits limits = {});
  ~RepeatedLines() override;  // tells what was held back

  bool enabled(LogLevel level) const override { return inner_.enabled(level); }
  void write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) override;
  // Tells what was held back in windows that are over. Runs until cancelled; on the loop thread.
  Task<void> watch();

 private:
  struct Kind {
    SteadyTime since{};
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
    // The last line that was held back.
    LogLevel level{};
    std::string message;
    std::vector<LogField> fields;
  };
  // Those that are over, or all; with mutex_ held.
  void tell(bool all);
  void tell_of(const Kind& kind);

  Log& inner_;
  Clock& clock_;
  const RepeatedLinesLimits limits_;
  std::mutex mutex_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace auditferry
