#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace auditferry {

// WARN: nothing is lost. ERROR: an operator must act.
enum class LogLevel { trace, debug, info, warn, error };

struct LogField {
  std::string key;  // for example "source", "stream", "exporter", "request_id"
  std::string value;
};

// Where lines for the operator go. Thread-safe. Implementations make control characters, marks of direction and
// invalid UTF-8 harmless (encoding/harmless_text.h says which), so a caller may pass text that came from a portal; it
// never passes a secret.
class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) = 0;

  void trace(std::string_view message, const std::vector<LogField>& fields = {}) { write_if(LogLevel::trace, message, fields); }
  void debug(std::string_view message, const std::vector<LogField>& fields = {}) { write_if(LogLevel::debug, message, fields); }
  void info(std::string_view message, const std::vector<LogField>& fields = {}) { write_if(LogLevel::info, message, fields); }
  void warn(std::string_view message, const std::vector<LogField>& fields = {}) { write_if(LogLevel::warn, message, fields); }
  void error(std::string_view message, const std::vector<LogField>& fields = {}) { write_if(LogLevel::error, message, fields); }

 private:
  void write_if(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
    if (enabled(level)) write(level, message, fields);
  }
};

// Drops everything.
class NullLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

}  // namespace auditferry
