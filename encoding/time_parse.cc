// The reading half of time_format.h's times.
#include <array>
#include <chrono>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes pieces off the front of a text; once something did not fit, `ok` stays false.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_[0]; }

  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = peek();
      if (c < '0' || c > '9') {
        ok_ = false;
        return 0;
      }
      value = value * 10 + static_cast<unsigned>(c - '0');
      text_.remove_prefix(1);
    }
    return value;
  }

  bool accept(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) { ok_ = accept(word) && ok_; }

  // The index of the word that comes next.
  template <std::size_t N>
  std::size_t one_of(const std::array<std::string_view, N>& words) {
    for (std::size_t i = 0; i < N; ++i) {
      if (accept(words[i])) return i;
    }
    ok_ = false;
    return 0;
  }

  // Digits of a fraction, cut to microseconds.
  Duration fraction() {
    std::int64_t micros = 0;
    int kept = 0;
    bool any = false;
    for (; peek() >= '0' && peek() <= '9'; text_.remove_prefix(1), any = true) {
      if (kept == 6) continue;
      micros = micros * 10 + (peek() - '0');
      ++kept;
    }
    for (; kept < 6; ++kept) micros *= 10;
    ok_ = ok_ && any;
    return Duration(micros);
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> short_days = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> long_days = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                       "Friday", "Saturday", "Sunday"};

std::optional<WallTime> from_date(unsigned year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date));
}

// "hh:mm:ss"; second 60 is a leap second.
std::optional<Duration> time_of_day(Reader& reader) {
  const unsigned hour = reader.digits(2);
  reader.expect(":");
  const unsigned minute = reader.digits(2);
  reader.expect(":");
  const unsigned second = reader.digits(2);
  if (!reader.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return hours(hour) + minutes(minute) + seconds(second);
}

// "Z" or "+hh:mm": what is to be subtracted.
std::optional<Duration> offset(Reader& reader) {
  if (reader.accept("Z") || reader.accept("z")) return Duration::zero();
  const bool west = reader.peek() == '-';
  if (!reader.accept("+") && !reader.accept("-")) return std::nullopt;
  const unsigned hour = reader.digits(2);
  reader.expect(":");
  const unsigned minute = reader.digits(2);
  if (!reader.ok() || hour > 23 || minute > 59) return std::nullopt;
  const Duration east = hours(hour) + minutes(minute);
  return west ? -east : east;
}

std::optional<WallTime> assemble(const Reader& reader, std::optional<WallTime> date,
                                 std::optional<Duration> time) {
  if (!reader.ok() || !reader.at_end() || !date || !time) return std::nullopt;
  return *date + *time;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<WallTime> imf_fixdate(std::string_view text) {
  Reader reader(text);
  reader.one_of(short_days);
  reader.expect(", ");
  const unsigned day = reader.digits(2);
  reader.expect(" ");
  const std::size_t month = reader.one_of(months);
  reader.expect(" ");
  const unsigned year = reader.digits(4);
  reader.expect(" ");
  const std::optional<Duration> time = time_of_day(reader);
  reader.expect(" GMT");
  return assemble(reader, from_date(year, static_cast<unsigned>(month) + 1, day), time);
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<WallTime> rfc850_date(std::string_view text) {
  Reader reader(text);
  reader.one_of(long_days);
  reader.expect(", ");
  const unsigned day = reader.digits(2);
  reader.expect("-");
  const std::size_t month = reader.one_of(months);
  reader.expect("-");
  const unsigned year = reader.digits(2);
  reader.expect(" ");
  const std::optional<Duration> time = time_of_day(reader);
  reader.expect(" GMT");
  return assemble(reader, from_date(year + (year < 70 ? 2000 : 1900), static_cast<unsigned>(month) + 1, day),
                  time);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<WallTime> asctime_date(std::string_view text) {
  Reader reader(text);
  reader.one_of(short_days);
  reader.expect(" ");
  const std::size_t month = reader.one_of(months);
  reader.expect(" ");
  const unsigned day = reader.accept(" ") ? reader.digits(1) : reader.digits(2);
  reader.expect(" ");
  const std::optional<Duration> time = time_of_day(reader);
  reader.expect(" ");
  const unsigned year = reader.digits(4);
  return assemble(reader, from_date(year, static_cast<unsigned>(month) + 1, day), time);
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  const unsigned year = reader.digits(4);
  reader.expect("-");
  const unsigned month = reader.digits(2);
  reader.expect("-");
  const unsigned day = reader.digits(2);
  if (!reader.accept("T") && !reader.accept("t") && !reader.accept(" ")) return std::nullopt;
  std::optional<Duration> time = time_of_day(reader);
  if (!time) return std::nullopt;
  if (reader.accept(".")) *time += reader.fraction();
  const std::optional<Duration> east = offset(reader);
  if (!east) return std::nullopt;
  return assemble(reader, from_date(year, month, day), *time - *east);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (const auto time = imf_fixdate(text)) return time;
  if (const auto time = rfc850_date(text)) return time;
  return asctime_date(text);
}

}  // namespace auditferry
