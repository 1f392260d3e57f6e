#pragma once

#include <memory>

#include "core/log.h"

namespace auditferry {

// Whether `descriptor` is the stream that $JOURNAL_STREAM ("device:inode") speaks of: systemd.exec(5).
// Nothing set: no.
bool is_journal_stream(int descriptor, const char* journal_stream);
// The same of standard error and this process's environment.
bool standard_error_is_the_journal();

// Lines on standard error, by spdlog: text (time, level, message, key=value …) or one JSON object each.
// Where the journal reads them they begin with its priority, "<3>" for errors (sd-daemon(3)), and text has no
// time of its own. Whatever comes from outside is made harmless: what is_harmful() names is escaped. Thread-safe.
class StderrLog final : public Log {
 public:
  StderrLog(LogLevel level, bool json, bool to_journal = standard_error_is_the_journal());
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
