#include "encoding/retry_after.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "encoding/time_format.h"

namespace auditferry {

std::optional<std::uint64_t> header_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ptr != text.data() + text.size()) return std::nullopt;
  // A number, however long, is as large as numbers get.
  if (parsed.ec == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

Duration header_seconds(std::uint64_t seconds) {
  constexpr std::uint64_t longest = 10ull * 365 * 24 * 3600;
  return std::chrono::seconds(std::min(seconds, longest));
}

WallTime answer_time(const HttpResponse& response, WallTime now) {
  const auto date = response.header("Date");
  const auto parsed = date ? parse_http_date(*date) : std::nullopt;
  return parsed.value_or(now);
}

std::optional<Duration> retry_after(const HttpResponse& response, WallTime now) {
  const auto header = response.header("Retry-After");
  if (!header) return std::nullopt;
  // Zero seconds ask for no wait either: no hint, so that backing off begins.
  if (const auto seconds = header_number(*header)) return *seconds == 0 ? std::nullopt : std::optional<Duration>(header_seconds(*seconds));
  const auto date = parse_http_date(*header);
  if (!date) return std::nullopt;
  // A date that has passed asks for no wait; it is no hint.
  const Duration wait = *date - answer_time(response, now);
  if (wait <= Duration::zero()) return std::nullopt;
  return wait;
}

}  // namespace auditferry
