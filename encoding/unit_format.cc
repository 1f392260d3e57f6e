// The durations and sizes of time_format.h.
#include <array>
#include <charconv>
#include <limits>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t value;
};

constexpr std::uint64_t second = 1'000'000;
// Largest first among those that format_duration uses.
constexpr std::array<Unit, 7> duration_units = {{{"d", 86'400 * second},
                                                 {"h", 3600 * second},
                                                 {"m", 60 * second},
                                                 {"s", second},
                                                 {"ms", 1000},
                                                 {"us", 1},
                                                 {"y", 365 * 86'400 * second}}};
constexpr std::array<Unit, 9> size_units = {{{"TiB", 1ull << 40},
                                             {"GiB", 1ull << 30},
                                             {"MiB", 1ull << 20},
                                             {"KiB", 1ull << 10},
                                             {"B", 1},
                                             {"KB", 1000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000},
                                             {"TB", 1'000'000'000'000}}};

template <std::size_t N>
std::optional<std::uint64_t> parse_units(std::string_view text, const std::array<Unit, N>& units,
                                         std::uint64_t limit) {
  std::uint64_t number = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return std::nullopt;
  const std::string_view name = text.substr(static_cast<std::size_t>(rest - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > limit / unit.value) return std::nullopt;
    return number * unit.value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto micros = parse_units(text, duration_units, std::numeric_limits<std::int64_t>::max());
  if (!micros) return std::nullopt;
  return Duration(static_cast<std::int64_t>(*micros));
}

std::string format_duration(Duration duration) {
  if (duration.count() == 0) return "0s";
  const bool negative = duration.count() < 0;
  const auto bits = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t micros = negative ? 0 - bits : bits;  // also right for the smallest value
  for (const Unit& unit : duration_units) {
    if (micros % unit.value == 0)
      return (negative ? "-" : "") + std::to_string(micros / unit.value) + std::string(unit.name);
  }
  return {};  // not reached: every count is a multiple of 1 us
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_units(text, size_units, std::numeric_limits<std::uint64_t>::max());
}

std::string format_size(std::uint64_t bytes) {
  for (const Unit& unit : size_units) {
    if (bytes < unit.value) continue;
    std::string out = std::to_string(bytes / unit.value);
    if (const std::uint64_t rest = bytes % unit.value; rest != 0) {
      const auto tenths =
          static_cast<unsigned>(static_cast<double>(rest) * 10 / static_cast<double>(unit.value));
      out += '.';
      out += static_cast<char>('0' + (tenths > 9 ? 9 : tenths));
    }
    return out + std::string(unit.name);
  }
  return "0B";
}

}  // namespace auditferry
