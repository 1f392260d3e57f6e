#include "encoding/time_format.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace auditferry {
namespace {

constexpr std::int64_t base = 1'763'893'512;  // 2025-11-23T10:25:12Z
WallTime at(std::int64_t seconds, std::int64_t micros = 0) {
  return from_micros(seconds * 1'000'000 + micros);
}

TEST(FormatRfc3339, UsesTheFewestOfNoneThreeAndSixDigits) {
  EXPECT_EQ(format_rfc3339(at(base)), "2025-11-23T10:25:12Z");
  EXPECT_EQ(format_rfc3339(at(base, 120'000)), "2025-11-23T10:25:12.120Z");
  EXPECT_EQ(format_rfc3339(at(base, 120'331)), "2025-11-23T10:25:12.120331Z");
  EXPECT_EQ(format_rfc3339_micros(at(base)), "2025-11-23T10:25:12.000000Z");
  EXPECT_EQ(format_rfc3339(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(from_micros(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_rfc3339(at(1'709'164'799)), "2024-02-28T23:59:59Z");
  EXPECT_EQ(format_rfc3339(at(1'709'164'800)), "2024-02-29T00:00:00Z");
}

TEST(FormatRfc3339, ClampsWhatTheRfcCannotWrite) {
  EXPECT_EQ(format_rfc3339(WallTime::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_rfc3339_micros(WallTime::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(ParseRfc3339, AcceptsItsForms) {
  for (const char* text : {"2025-11-23T10:25:12Z", "2025-11-23t10:25:12z", "2025-11-23 10:25:12Z",
                           "2025-11-23T12:25:12+02:00", "2025-11-23T04:55:12-05:30", "2025-11-23T10:25:12.0Z",
                           "2025-11-23T10:25:12.0000009999Z", "2025-11-24T10:24:12+23:59"}) {
    EXPECT_EQ(parse_rfc3339(text), at(base)) << text;
  }
  EXPECT_EQ(parse_rfc3339("2025-11-23T10:25:12.5Z"), at(base, 500'000));
  EXPECT_EQ(parse_rfc3339("2025-11-23T10:25:12.123456789Z"), at(base, 123'456));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("0000-01-01T00:00:00Z"), parse_rfc3339("0000-01-01T00:00:00+00:00"));
}

TEST(ParseRfc3339, RefusesTheRest) {
  for (const char* text : {"",
                           "2025-11-23",
                           "2025-11-23T10:25:12",
                           "2025-11-23T10:25Z",
                           "2025-13-01T00:00:00Z",
                           "2025-00-01T00:00:00Z",
                           "2025-02-29T00:00:00Z",
                           "2025-04-31T00:00:00Z",
                           "2025-11-23T24:00:00Z",
                           "2025-11-23T10:60:00Z",
                           "2025-11-23T10:25:61Z",
                           "2025-11-23T10:25:12.Z",
                           "2025-11-23T10:25:12+2:00",
                           "2025-11-23T10:25:12+02:60",
                           "2025-11-23T10:25:12+24:00",
                           "2025-11-23T10:25:12Zx",
                           " 2025-11-23T10:25:12Z",
                           "25-11-23T10:25:12Z",
                           "2025/11/23T10:25:12Z",
                           "2025-11-23T10:25:12,5Z",
                           "2025-11-23T1a:25:12Z",
                           "1763893512"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(Rfc3339, ThereAndBack) {
  Random random(42);
  for (int round = 0; round < 20'000; ++round) {
    const WallTime time = from_micros(static_cast<std::int64_t>(random.below(250'000'000'000'000'000)) -
                                      60'000'000'000'000'000);
    ASSERT_EQ(parse_rfc3339(format_rfc3339(time)), time);
    ASSERT_EQ(parse_rfc3339(format_rfc3339_micros(time)), time);
  }
}

TEST(ParseHttpDate, ReadsTheThreeForms) {
  const WallTime expected = at(784'111'777);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 23-Nov-25 10:25:12 GMT"), at(base));
  EXPECT_EQ(parse_http_date("Sun Nov 23 10:25:12 2025"), at(base));
  for (const char* bad : {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
                          "sun, 06 nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37 UTC"}) {
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
  }
}

TEST(ParseDuration, WholeNumberAndOneUnit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("5y"), 5 * 365 * 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("17us"), 17us);
  EXPECT_EQ(parse_duration("9223372036854775807us"), Duration::max());
  for (const char* bad : {"", "30", "s", "1.5h", "-1s", "+1s", " 1s", "1 s", "1h30m", "1S",
                          "9223372036854775808us", "300000y", "99999999999999999999s", "1sec"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(FormatDuration, LargestExactUnit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(90min), "90m");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(-10min), "-10m");
  EXPECT_EQ(format_duration(Duration::min()), "-9223372036854775808us");
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const Duration duration(static_cast<std::int64_t>(random.next() >> (1 + random.below(60))));
    ASSERT_EQ(parse_duration(format_duration(duration)), duration);
  }
}

TEST(Sizes, ParseAndFormat) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("8GiB"), 8'589'934'592u);
  EXPECT_EQ(parse_size("2TiB"), 2'199'023'255'552u);
  EXPECT_EQ(parse_size("3MB"), 3'000'000u);
  EXPECT_EQ(parse_size("10KB"), 10'000u);
  for (const char* bad :
       {"", "64", "64 KiB", "64kib", "1.5MiB", "-1B", "KiB", "99999999TiB", "99999999999999999999B"}) {
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(1023), "1023B");
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(1536), "1.5KiB");
  EXPECT_EQ(format_size(8'589'934'592), "8GiB");
  EXPECT_EQ(format_size(8'589'934'591), "7.9GiB");
  EXPECT_EQ(format_size(~0ull), "16777215.9TiB");
}

TEST(DateParts, InUtc) {
  EXPECT_EQ(date_parts(at(base)), (DateParts{2025, 11, 23, 10}));
  EXPECT_EQ(date_parts(from_micros(-1)), (DateParts{1969, 12, 31, 23}));
}

}  // namespace
}  // namespace auditferry
