#pragma once
// What the reports for people have in common. Everything that came from outside goes through plain(),
// so that no terminal obeys it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace auditferry {

// Takes a report piece by piece; pieces are whole lines.
using ReportSink = std::function<void(std::string_view)>;

// Control characters made harmless, at most 1,000 bytes.
std::string plain(std::string_view text);
// To the second, in UTC; "-" when there is none.
std::string report_time(std::optional<WallTime> time);
// One unit, rounded down: "12s", "3h".
std::string report_duration(Duration duration);
// Two units, rounded to the smaller: "1m 6s", "1d 2h".
std::string report_lateness(Duration duration);
std::string report_count(std::uint64_t count);  // "1,204"
// "1 gap", "1,204 gaps"
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);
// As JSON: a quoted time, or null.
std::string json_time(std::optional<WallTime> time);

// Columns as wide as their widest cell, two blanks between; the first row is the head.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head);
  void row(std::vector<std::string> cells);
  // A line of its own below the last row, indented.
  void note(std::string text);
  // Nothing when only the head is there.
  std::string text() const;

 private:
  struct Line {
    std::vector<std::string> cells;  // empty: a note
    std::string note;
  };
  std::vector<Line> lines_;
};

}  // namespace auditferry
