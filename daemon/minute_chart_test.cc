#include "daemon/minute_chart.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

TEST(MinuteChart, ABarForEachMinuteThatHadRecords) {
  RecordRates::Minutes minutes{};
  minutes[0] = 1000;
  minutes[58] = 500;
  minutes[59] = 1;
  const std::string svg = minute_chart("acme/audit", minutes);
  EXPECT_NE(svg.find("<rect class=\"bar\" x=\"0\" y=\"0\" width=\"2\" height=\"30\"/>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<rect class=\"bar\" x=\"174\" y=\"15\" width=\"2\" height=\"15\"/>"), std::string::npos) << svg;
  // The smallest count is seen, too.
  EXPECT_NE(svg.find("<rect class=\"bar\" x=\"177\" y=\"29\" width=\"2\" height=\"1\"/>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("aria-label=\"Records per minute of acme/audit: 1,501 in the last hour, 500 in the last minute; at most 1,000\""), std::string::npos)
      << svg;
}

TEST(MinuteChart, NothingCameAndLargestNumbers) {
  EXPECT_EQ(minute_chart("x", {}).find("<rect"), std::string::npos);
  RecordRates::Minutes minutes{};
  minutes[3] = UINT64_MAX;
  EXPECT_NE(minute_chart("x", minutes).find("y=\"0\" width=\"2\" height=\"30\""), std::string::npos);
}

TEST(MinuteChart, TheNameInjectsNothing) {
  const std::string svg = minute_chart("\"><script>", {});
  EXPECT_EQ(svg.find("<script"), std::string::npos) << svg;
  EXPECT_NE(svg.find("&quot;&gt;&lt;script&gt;"), std::string::npos) << svg;
}

}  // namespace
}  // namespace auditferry
