#include "encoding/retry_after.h"

#include <gtest/gtest.h>

#include "encoding/time_format.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const WallTime now = *parse_rfc3339("2025-11-23T10:00:00Z");

HttpResponse response(int status, std::vector<HttpHeader> headers = {}) {
  return {status, std::move(headers), ""};
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  EXPECT_EQ(retry_after(response(429, {{"Retry-After", "7"}}), now), Duration(seconds(7)));
  EXPECT_EQ(retry_after(response(429, {{"Retry-After", " 120 "}}), now), Duration(seconds(120)));
  // Measured against the answer's own Date: the portal's clock may differ from ours.
  const HttpResponse dated = response(
      429, {{"Date", "Sun, 23 Nov 2025 12:00:00 GMT"}, {"Retry-After", "Sun, 23 Nov 2025 12:01:30 GMT"}});
  EXPECT_EQ(retry_after(dated, now), Duration(seconds(90)));
}

TEST(RetryAfter, IsNoHintWhenItCannotBeMeant) {
  for (const char* text : {"0", " 0 ", "", "-5", "soon", "1.5", "Sat, 22 Nov 2025 10:00:00 GMT", "0x10"}) {
    EXPECT_EQ(retry_after(response(429, {{"Retry-After", text}}), now), std::nullopt) << text;
  }
  EXPECT_EQ(retry_after(response(429), now), std::nullopt);
}

TEST(RetryAfter, AHugeNumberDoesNotOverflow) {
  for (const char* text : {"18446744073709551615", "99999999999999999999999999"}) {
    const auto wait = retry_after(response(429, {{"Retry-After", text}}), now);
    ASSERT_TRUE(wait.has_value()) << text;
    EXPECT_GT(*wait, Duration(hours(24 * 365))) << text;
  }
}

}  // namespace
}  // namespace auditferry
