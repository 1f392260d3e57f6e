#include "sandbox/time_text.h"

#include <array>
#include <cstdio>

namespace auditferry {
namespace {

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::weekday weekday;
  std::chrono::hh_mm_ss<Duration> clock;
};

Civil civil(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::weekday(day),
          std::chrono::hh_mm_ss<Duration>(time - day)};
}

}  // namespace

std::string http_date(WallTime time) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil at = civil(time);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                days[at.weekday.c_encoding()], static_cast<unsigned>(at.date.day()),
                months[static_cast<unsigned>(at.date.month()) - 1], static_cast<int>(at.date.year()),
                static_cast<int>(at.clock.hours().count()), static_cast<int>(at.clock.minutes().count()),
                static_cast<int>(at.clock.seconds().count()));
  return text.data();
}

std::string rfc3339_milliseconds(WallTime time) {
  const Civil at = civil(time);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(at.date.year()), static_cast<unsigned>(at.date.month()),
                static_cast<unsigned>(at.date.day()), static_cast<int>(at.clock.hours().count()),
                static_cast<int>(at.clock.minutes().count()), static_cast<int>(at.clock.seconds().count()),
                static_cast<int>(at.clock.subseconds().count() / 1000));
  return text.data();
}

}  // namespace auditferry
