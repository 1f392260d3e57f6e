#include "encoding/time_format.h"

#include <algorithm>
#include <chrono>

namespace auditferry {
namespace {

using std::chrono::days;
using std::chrono::floor;

constexpr WallTime earliest{std::chrono::sys_days(std::chrono::year(0) / 1 / 1)};
constexpr WallTime latest{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + days(1) - Duration(1)};

void put(char* at, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::string format_with_digits(WallTime time, int digits) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::int64_t of_day = (time - day).count();
  const auto seconds = static_cast<unsigned>(of_day / 1'000'000);
  const auto micros = static_cast<unsigned>(of_day % 1'000'000);
  char text[] = "0000-00-00T00:00:00.000000Z";
  put(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(text + 5, static_cast<unsigned>(date.month()), 2);
  put(text + 8, static_cast<unsigned>(date.day()), 2);
  put(text + 11, seconds / 3600, 2);
  put(text + 14, seconds / 60 % 60, 2);
  put(text + 17, seconds % 60, 2);
  std::size_t length = 19;
  if (digits > 0) {
    put(text + 20, digits == 3 ? micros / 1000 : micros, digits);
    length = 20 + static_cast<std::size_t>(digits);
  }
  text[length] = 'Z';
  return std::string(text, length + 1);
}

}  // namespace

std::string format_rfc3339(WallTime time) {
  time = std::clamp(time, earliest, latest);
  const std::int64_t micros = to_micros(time);
  return format_with_digits(time, micros % 1'000'000 == 0 ? 0 : micros % 1000 == 0 ? 3 : 6);
}

std::string format_rfc3339_micros(WallTime time) {
  return format_with_digits(std::clamp(time, earliest, latest), 6);
}

DateParts date_parts(WallTime time) {
  time = std::clamp(time, earliest, latest);
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), static_cast<unsigned>((time - day).count() / 3'600'000'000)};
}

}  // namespace auditferry
