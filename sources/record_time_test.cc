#include "sources/record_time.h"

#include <gtest/gtest.h>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr std::int64_t micros = 1'763'893'512'000'000;  // 2025-11-23T10:25:12Z

std::optional<std::int64_t> read(std::string_view json, TimeUnit unit) {
  const std::optional<WallTime> time = record_time(JsonView(json), unit);
  return time ? std::optional(to_micros(*time)) : std::nullopt;
}

TEST(RecordTime, ReadsNumbersOfEveryUnit) {
  EXPECT_EQ(read("1763893512", TimeUnit::seconds), micros);
  EXPECT_EQ(read("1763893512345", TimeUnit::milliseconds), micros + 345'000);
  EXPECT_EQ(read("1763893512345678", TimeUnit::microseconds), micros + 345'678);
  EXPECT_EQ(read("\"1763893512\"", TimeUnit::seconds), micros);
  EXPECT_EQ(read("0", TimeUnit::seconds), 0);
  EXPECT_EQ(read("-0", TimeUnit::seconds), 0);
}

TEST(RecordTime, ReadsFractionsExponentsAndNegatives) {
  EXPECT_EQ(read("1763893512.25", TimeUnit::seconds), micros + 250'000);
  EXPECT_EQ(read("1763893512.1234567", TimeUnit::seconds), micros + 123'456);
  EXPECT_EQ(read("1763893512345.6", TimeUnit::milliseconds), micros + 345'600);
  EXPECT_EQ(read("1.763893512e9", TimeUnit::seconds), micros);
  EXPECT_EQ(read("17638935120000E-4", TimeUnit::seconds), micros);
  EXPECT_EQ(read("0.0000001", TimeUnit::seconds), 0);
  EXPECT_EQ(read("-0.0000001", TimeUnit::seconds), -1);
  EXPECT_EQ(read("-1.5", TimeUnit::seconds), -1'500'000);
  EXPECT_EQ(read("0e999999999999999999", TimeUnit::seconds), 0);
  EXPECT_EQ(read("1e-999999999999999999", TimeUnit::seconds), 0);
  EXPECT_EQ(read("0.5", TimeUnit::microseconds), 0);
}

TEST(RecordTime, GivesNothingForTheRest) {
  for (const char* json :
       {"1e999999999999999999", "123456789012345678901234567890", "9223372036854775807", "-99999999999999",
        "true", "null", "{}", "[1]", "\"\"", "\"abc\"", "\"12x\"", "\" 12\"", "\"2025-11-23T10:25:12Z\""}) {
    EXPECT_EQ(read(json, TimeUnit::seconds), std::nullopt) << json;
  }
  EXPECT_EQ(read("1763893512", TimeUnit::rfc3339), std::nullopt);
  EXPECT_EQ(read("\"yesterday\"", TimeUnit::rfc3339), std::nullopt);
  EXPECT_EQ(read("\"0000-01-01T00:00:00+23:59\"", TimeUnit::rfc3339), std::nullopt);  // before the year 0
}

TEST(RecordTime, ReadsText) {
  EXPECT_EQ(read("\"2025-11-23T10:25:12.345Z\"", TimeUnit::rfc3339), micros + 345'000);
  EXPECT_EQ(read("\"2025-11-23T12:25:12+02:00\"", TimeUnit::rfc3339), micros);
}

TEST(FittingUnit, NamesTheUnitThatMakesSense) {
  const WallTime now = from_micros(micros);
  EXPECT_EQ(fitting_unit(JsonView("1763893512"), now), TimeUnit::seconds);
  EXPECT_EQ(fitting_unit(JsonView("1763893512000"), now), TimeUnit::milliseconds);
  EXPECT_EQ(fitting_unit(JsonView("1763893512000000"), std::nullopt), TimeUnit::microseconds);
  EXPECT_EQ(fitting_unit(JsonView("\"2025-11-23T10:25:12Z\""), now), TimeUnit::rfc3339);
  EXPECT_EQ(fitting_unit(JsonView("81723"), now), std::nullopt);
  EXPECT_TRUE(is_plausible(now + std::chrono::days(3650), now));
  EXPECT_FALSE(is_plausible(now + std::chrono::days(3660), now));
  EXPECT_FALSE(is_plausible(*parse_rfc3339("1999-12-31T23:59:59Z"), now));
}

}  // namespace
}  // namespace auditferry
