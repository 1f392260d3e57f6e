#include "daemon/text_report.h"

#include <algorithm>

#include "encoding/harmless_text.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

// What a terminal shows of UTF-8, but for wide and combining characters.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string plain(std::string_view text) {
  return harmless_text(text, 1000);
}

std::string report_time(std::optional<WallTime> time) {
  return time ? format_rfc3339(std::chrono::floor<std::chrono::seconds>(*time)) : "-";
}

std::string report_duration(Duration duration) {
  const std::int64_t seconds =
      std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(duration).count());
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / (24 * 3600)) + "d";
}

std::string report_lateness(Duration duration) {
  struct Unit {
    const char* name;
    std::int64_t seconds;
  };
  constexpr Unit units[] = {{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}};
  std::int64_t left = std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(duration).count());
  std::string text;
  int shown = 0;
  for (const Unit& unit : units) {
    const std::int64_t whole = left / unit.seconds;
    left %= unit.seconds;
    if (whole == 0 && shown == 0) continue;
    if (whole > 0) text += (text.empty() ? "" : " ") + std::to_string(whole) + unit.name;
    if (++shown == 2) break;
  }
  return text.empty() ? "0s" : text;
}

std::string report_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return report_count(count).append(" ").append(count == 1 ? one : many);
}

std::string json_time(std::optional<WallTime> time) {
  return time ? "\"" + format_rfc3339(*time) + "\"" : "null";
}

TextTable::TextTable(std::vector<std::string> head) {
  lines_.push_back({std::move(head), {}});
}
void TextTable::row(std::vector<std::string> cells) {
  lines_.push_back({std::move(cells), {}});
}
void TextTable::note(std::string text) {
  lines_.push_back({{}, std::move(text)});
}

std::string TextTable::text() const {
  if (lines_.size() == 1) return {};
  std::vector<std::size_t> widths(lines_[0].cells.size());
  for (const Line& line : lines_) {
    for (std::size_t i = 0; i < line.cells.size(); ++i) widths[i] = std::max(widths[i], width(line.cells[i]));
  }
  std::string out;
  for (const Line& line : lines_) {
    if (line.cells.empty()) {
      out += "  " + line.note + "\n";
      continue;
    }
    for (std::size_t i = 0; i < line.cells.size(); ++i) {
      out += line.cells[i];
      if (i + 1 < line.cells.size()) out += std::string(widths[i] - width(line.cells[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace auditferry
