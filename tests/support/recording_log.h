#pragma once

#include <string>
#include <vector>

#include "core/log.h"

namespace auditferry {

// Keeps every line.
class RecordingLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) override {
    lines.push_back({level, std::string(message), fields});
  }
  // How many lines of at least this level hold `text`.
  std::size_t count(std::string_view text, LogLevel at_least = LogLevel::trace) const {
    std::size_t found = 0;
    for (const Line& line : lines) {
      if (line.level >= at_least && line.message.find(text) != std::string::npos) ++found;
    }
    return found;
  }
  // Everything that was written, one line each.
  std::string text() const {
    std::string all;
    for (const Line& line : lines) {
      all += line.message;
      for (const LogField& field : line.fields) all += " " + field.key + "=" + field.value;
      all += "\n";
    }
    return all;
  }
  // The first line without such a field; "" when every line has it.
  std::string first_without(std::string_view key) const {
    for (const Line& line : lines) {
      bool there = false;
      for (const LogField& field : line.fields) there = there || (field.key == key && !field.value.empty());
      if (!there) return line.message;
    }
    return "";
  }
  struct Line {
    LogLevel level;
    std::string message;
    std::vector<LogField> fields;
  };
  std::vector<Line> lines;
};

}  // namespace auditferry
