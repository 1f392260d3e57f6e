#include "sources/record_time.h"

#include <array>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr WallTime year_0{std::chrono::sys_days(std::chrono::year(0) / 1 / 1)};
constexpr WallTime year_2000{std::chrono::sys_days(std::chrono::year(2000) / 1 / 1)};
constexpr WallTime year_2100{std::chrono::sys_days(std::chrono::year(2100) / 1 / 1)};
constexpr WallTime year_10000{std::chrono::sys_days(std::chrono::year(10000) / 1 / 1)};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A decimal number as digits and the position of its point, so that no digit is lost on the way.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t point = 0;  // digits before the point; may lie outside of `digits`
};

// JSON's number grammar; in strings leading zeros are let pass.
std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return text.substr(begin, at - begin);
  };
  if (at < text.size() && text[at] == '-') {
    decimal.negative = true;
    ++at;
  }
  decimal.digits = digits();
  if (decimal.digits.empty()) return std::nullopt;
  decimal.point = static_cast<std::int64_t>(decimal.digits.size());
  if (at < text.size() && text[at] == '.') {
    ++at;
    const std::string_view fraction = digits();
    if (fraction.empty()) return std::nullopt;
    decimal.digits += fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool down = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::string_view exponent = digits();
    if (exponent.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : exponent) value = std::min<std::int64_t>(value * 10 + (c - '0'), 1'000'000'000);
    decimal.point += down ? -value : value;
  }
  if (at != text.size()) return std::nullopt;
  return decimal;
}

// The number times 10^shift, rounded down; nothing when it does not fit.
std::optional<std::int64_t> scaled(Decimal decimal, int shift) {
  const std::size_t zeros = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  decimal.digits.erase(0, zeros);
  if (decimal.digits.empty()) return 0;
  const std::int64_t whole_digits = decimal.point - static_cast<std::int64_t>(zeros) + shift;
  if (whole_digits > 18) return std::nullopt;
  std::int64_t value = 0;
  for (std::int64_t i = 0; i < whole_digits; ++i) {
    const auto index = static_cast<std::size_t>(i);
    value = value * 10 + (index < decimal.digits.size() ? decimal.digits[index] - '0' : 0);
  }
  if (!decimal.negative) return value;
  const std::size_t rest = static_cast<std::size_t>(std::max<std::int64_t>(whole_digits, 0));
  const bool fraction =
      rest < decimal.digits.size() && decimal.digits.find_first_not_of('0', rest) != std::string::npos;
  return fraction ? -value - 1 : -value;
}

int digits_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::seconds: return 6;
    case TimeUnit::milliseconds: return 3;
    case TimeUnit::microseconds:
    case TimeUnit::rfc3339: return 0;
  }
  return 0;
}

}  // namespace

std::optional<WallTime> record_time(JsonView value, TimeUnit unit) {
  std::optional<WallTime> time;
  if (unit == TimeUnit::rfc3339) {
    const std::optional<std::string> text = value.as_string();
    if (text) time = parse_rfc3339(*text);
  } else {
    if (!value.is_number() && !value.is_string()) return std::nullopt;
    // Strings are unescaped; no number is longer than this.
    if (value.raw().size() > 1000) return std::nullopt;
    const std::optional<Decimal> decimal = parse_decimal(value.scalar_text());
    const std::optional<std::int64_t> micros = decimal ? scaled(*decimal, digits_of(unit)) : std::nullopt;
    if (micros) time = from_micros(*micros);
  }
  if (time && (*time < year_0 || *time >= year_10000)) return std::nullopt;
  return time;
}

bool is_plausible(WallTime time, std::optional<WallTime> now) {
  return time >= year_2000 && time <= (now ? *now + std::chrono::days(3653) : year_2100);
}

std::optional<TimeUnit> fitting_unit(JsonView value, std::optional<WallTime> now) {
  constexpr std::array units = {TimeUnit::seconds, TimeUnit::milliseconds, TimeUnit::microseconds,
                                TimeUnit::rfc3339};
  for (const TimeUnit unit : units) {
    const std::optional<WallTime> time = record_time(value, unit);
    if (time && is_plausible(*time, now)) return unit;
  }
  return std::nullopt;
}

}  // namespace auditferry
