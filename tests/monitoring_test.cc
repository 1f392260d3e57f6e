// The dashboard and the alert rules of docs/monitoring, and the table of docs/metrics.md, speak of metrics and labels
// that the program has, and the rules fire when they should (promtool, as scripts/install-dependencies unpacks it).

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "daemon/metrics_fixture.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
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

std::vector<std::smatch> all_matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

struct ShownMetric {
  std::string type;
  std::set<std::string> labels;
  friend bool operator==(const ShownMetric&, const ShownMetric&) = default;
};
std::ostream& operator<<(std::ostream& out, const ShownMetric& metric) {
  out << metric.type;
  for (const std::string& label : metric.labels) out << " " << label;
  return out;
}
using ShownMetrics = std::map<std::string, ShownMetric>;

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  const std::regex word("[a-z_]+");
  for (const std::smatch& found : all_matches(text, word)) words.insert(found.str());
  return words;
}

// What /metrics has, with the labels of each.
ShownMetrics shown_metrics() {
  const std::string text = SmallJournal().text();
  ShownMetrics metrics;
  const std::regex type("# TYPE (auditferry_[a-z_]+) ([a-z]+)");
  for (const std::smatch& found : all_matches(text, type)) metrics[found[1]].type = found[2];
  const std::regex line("\n(auditferry_[a-z_]+)\\{([^}]*)\\}");
  const std::regex label("([a-z_]+)=\"[^\"]*\"");
  for (const std::smatch& found : all_matches(text, line)) {
    const std::string inside = found[2];
    for (const std::smatch& one : all_matches(inside, label)) metrics[found[1]].labels.insert(one[1]);
  }
  return metrics;
}

// Every metric of the expression has the labels that it is selected by and that results are grouped or joined by.
// Returns the labels of a result.
std::set<std::string> labels_of_result(const std::string& expression, const ShownMetrics& metrics) {
  std::set<std::string> asked_of_all;
  std::set<std::string> grouped;
  bool is_grouped = false;
  const std::regex grouping("\\b(by|on) ?\\(([^)]*)\\)");
  for (const std::smatch& found : all_matches(expression, grouping)) {
    const std::set<std::string> labels = words_of(found[2]);
    asked_of_all.insert(labels.begin(), labels.end());
    if (found[1] != "by") continue;
    is_grouped = true;
    grouped = labels;
  }
  std::set<std::string> of_first;
  bool first = true;
  const std::regex selector("(auditferry_[a-z_]+)(\\{[^}]*\\})?");
  const std::regex matcher("([a-z_]+) *(=~|!~|!=|=)");
  for (const std::smatch& found : all_matches(expression, selector)) {
    const auto metric = metrics.find(found[1]);
    EXPECT_NE(metric, metrics.end()) << found[1] << " in " << expression;
    if (metric == metrics.end()) continue;
    std::set<std::string> asked = asked_of_all;
    const std::string inside = found[2];
    for (const std::smatch& one : all_matches(inside, matcher)) asked.insert(one[1]);
    for (const std::string& label : asked) {
      EXPECT_TRUE(metric->second.labels.contains(label)) << found[1] << " has no label " << label << ": " << expression;
    }
    if (first) of_first = metric->second.labels;
    first = false;
  }
  EXPECT_FALSE(first) << "no metric of ours: " << expression;
  return is_grouped ? grouped : of_first;
}

void expect_labels(const std::string& text, const std::regex& reference, const std::set<std::string>& labels) {
  for (const std::smatch& found : all_matches(text, reference)) EXPECT_TRUE(labels.contains(found[1])) << text << " speaks of the label " << found[1];
}

// The members of this name, as text, of every object of the document that has all of them.
void each_object_with(const JsonView& view, const std::vector<std::string>& keys, const std::function<void(const std::vector<std::string>&)>& take) {
  std::vector<std::string> values;
  for (const std::string& key : keys) {
    const auto value = view.find(key);
    if (value && value->is_string()) values.push_back(*value->as_string());
  }
  if (values.size() == keys.size()) take(values);
  for (const JsonView element : view.elements()) each_object_with(element, keys, take);
  for (const JsonView::Member& member : view.members()) each_object_with(member.value, keys, take);
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

TEST(Monitoring, TheDashboardSpeaksOfLabelsThatItsMetricsHave) {
  const ShownMetrics metrics = shown_metrics();
  const std::string dashboard = scan_json(text_of(monitoring + "dashboard.json")).value().text;
  std::size_t targets = 0;
  const std::regex in_legend("\\{\\{ *([a-z_]+) *\\}\\}");
  each_object_with(JsonView(dashboard), {"expr", "legendFormat"}, [&](const std::vector<std::string>& target) {
    ++targets;
    expect_labels(target[1], in_legend, labels_of_result(target[0], metrics));
  });
  EXPECT_GT(targets, 20u);
  std::size_t variables = 0;
  const std::regex label_values("label_values\\((auditferry_[a-z_]+), ([a-z_]+)\\)");
  for (const std::smatch& found : all_matches(dashboard, label_values)) {
    ++variables;
    EXPECT_TRUE(metrics.at(found[1]).labels.contains(found[2])) << found.str();
  }
  EXPECT_GE(variables, 3u);
}

TEST(Monitoring, TheAlertsSpeakOfLabelsThatTheirMetricsHave) {
  const ShownMetrics metrics = shown_metrics();
  const std::string alerts = text_of(monitoring + "alerts.yml");
  const std::regex in_words("\\$labels\\.([a-z_]+)");
  std::size_t rules = 0;
  std::size_t end = 0;
  for (std::size_t at = alerts.find("- alert: "); at != alerts.npos; at = end) {
    end = alerts.find("- alert: ", at + 1);
    const std::string rule = alerts.substr(at, end == alerts.npos ? end : end - at);
    const std::size_t expression = rule.find("expr: ");
    ASSERT_NE(expression, rule.npos) << rule;
    ++rules;
    expect_labels(rule, in_words, labels_of_result(rule.substr(expression + 6, rule.find('\n', expression) - expression - 6), metrics));
  }
  EXPECT_GT(rules, 10u);
}

TEST(Monitoring, TheTableOfTheDocumentationIsWhatThereIs) {
  ShownMetrics documented;
  const std::string text = text_of(AUDITFERRY_SOURCE "/docs/metrics.md");
  const std::regex row("\n\\| `(auditferry_[a-z_]+)`( \\*)? \\| ([a-z]+) \\| ([a-z, ]*)\\|");
  for (const std::smatch& found : all_matches(text, row)) documented[found[1]] = {found[3], words_of(found[4])};
  const ShownMetrics shown = shown_metrics();
  for (const auto& [name, metric] : shown) EXPECT_TRUE(documented.contains(name)) << name << " is not in docs/metrics.md";
  for (const auto& [name, metric] : documented) {
    const auto found = shown.find(name);
    ASSERT_NE(found, shown.end()) << "docs/metrics.md has " << name << ", which /metrics does not have";
    EXPECT_EQ(metric, found->second) << name;
  }
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
