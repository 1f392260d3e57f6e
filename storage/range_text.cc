#include "storage/range_text.h"

#include <charconv>
#include <optional>

namespace auditferry {
namespace {

// Takes a number and the character after it off the front; nothing: it is none.
std::optional<WallTime> take_time(std::string_view& text, char after) {
  std::int64_t micros = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) {
    if (text.front() != after) return std::nullopt;
    text.remove_prefix(1);
    // Something has to follow.
    if (text.empty()) return std::nullopt;
  }
  return from_micros(micros);
}

}  // namespace

std::string encode_ranges(const std::vector<TimeRange>& ranges) {
  std::string text;
  for (const TimeRange& range : ranges) {
    if (!text.empty()) text += ',';
    text += std::to_string(to_micros(range.from)) + ":" + std::to_string(to_micros(range.to));
  }
  return text;
}

Result<std::vector<TimeRange>> decode_ranges(std::string_view text) {
  std::vector<TimeRange> ranges;
  while (!text.empty()) {
    const std::optional<WallTime> from = take_time(text, ':');
    const std::optional<WallTime> to = from ? take_time(text, ',') : std::nullopt;
    if (!to) return Error{ErrorKind::corrupt, "what the walk had shown cannot be read: its bytes are damaged"};
    ranges.push_back({*from, *to});
  }
  return ranges;
}

}  // namespace auditferry
