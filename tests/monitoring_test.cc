// The dashboard and the alert rules of docs/monitoring speak of metrics that the program has, and the rules fire
// when they should (promtool, as scripts/install-dependencies unpacks it).

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "daemon/metrics_fixture.h"
#include "encoding/json_scanner.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

const std::string monitoring = AUDITFERRY_SOURCE "/docs/monitoring/";

std::set<std::string> metric_names(const std::string& text) {
  const std::regex name("auditferry_[a-z_]+");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) names.insert(at->str());
  return names;
}

void expect_known(const std::string& file) {
  const std::set<std::string> known = metric_names(SmallJournal().text());
  ASSERT_GT(known.size(), 20u);
  const std::set<std::string> used = metric_names(text_of(monitoring + file));
  EXPECT_GT(used.size(), 10u) << file;
  for (const std::string& name : used) {
    EXPECT_TRUE(known.contains(name)) << file << " speaks of " << name << ", which /metrics does not have";
  }
}

TEST(Monitoring, TheDashboardSpeaksOfMetricsThatThereAre) {
  expect_known("dashboard.json");
  std::string dashboard = text_of(monitoring + "dashboard.json");
  EXPECT_TRUE(scan_json(dashboard).ok());
}

TEST(Monitoring, TheAlertsSpeakOfMetricsThatThereAre) {
  expect_known("alerts.yml");
  expect_known("alerts_test.yml");
  const std::string alerts = text_of(monitoring + "alerts.yml");
  for (const char* watched : {"retention_headroom_seconds", "watermark_age_seconds", "exporter_up", "dead_letters", "gaps", "journal_bytes",
                              "journal_full_in_seconds", "clock_skew_seconds", "source_up"}) {
    const std::string name = "auditferry_" + std::string(watched);
    const bool there = alerts.find("expr: " + name) != alerts.npos || alerts.find("expr: abs(" + name) != alerts.npos;
    EXPECT_TRUE(there) << watched;
  }
}

TEST(Monitoring, TheAlertsFireWhenTheyShouldAndOnlyThen) {
  TemporaryFolder folder;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"check", "rules", monitoring + "alerts.yml"}, std::vector<std::string>{"test", "rules", monitoring + "alerts_test.yml"}}) {
    std::vector<std::string> command{AUDITFERRY_PROMTOOL};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess promtool(command, {}, folder / arguments.front());
    EXPECT_EQ(promtool.wait(std::chrono::seconds(120)), 0) << promtool.output();
    EXPECT_NE(promtool.output().find("SUCCESS"), std::string::npos) << promtool.output();
  }
}

}  // namespace
}  // namespace auditferry
