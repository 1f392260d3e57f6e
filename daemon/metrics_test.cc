#include "daemon/metrics.h"

#include <gtest/gtest.h>

#include "daemon/metrics_fixture.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;


bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, HasEveryNameWithItsLabelsAndValue) {
  const std::string text = SmallJournal().text();
  const std::string stream = "{source=\"acme\",stream=\"audit\"} ";
  const std::string exporter = "{exporter=\"archive\"} ";
  for (const std::string& line : std::vector<std::string>{
           "fetched_records_total" + stream + "1300",
           "duplicate_records_total" + stream + "90",
           "staged_records" + stream + "4",
           "journaled_records_total" + stream + "1204",
           "quarantined_records_total" + stream + "2",
           "changed_records_total" + stream + "5",
           "late_records_total" + stream + "3",
           "vanished_records_total" + stream + "0",
           "gaps" + stream + "0",
           "watermark_age_seconds" + stream + "12",
           "retention_headroom_seconds" + stream + "86388",
           "source_up" + stream + "1",
           "requests_total{source=\"acme\",status=\"none\",stream=\"audit\"} 1",
           "requests_total{source=\"acme\",status=\"200\",stream=\"audit\"} 17",
           "requests_total{source=\"acme\",status=\"429\",stream=\"audit\"} 2",
           "throttled_seconds_total{source=\"acme\"} 30",
           "clock_skew_seconds{source=\"acme\"} -1.5",
           "delivered_records_total" + exporter + "1180",
           "waiting_records" + exporter + "4",
           "not_selected_records_total" + exporter + "10",
           "dead_letters" + exporter + "2",
           "discarded_records_total" + exporter + "3",
           "released_records_total" + exporter + "5",
           "replayed_records_total" + exporter + "6",
           "delivery_lag_seconds" + exporter + "180",
           "exporter_up" + exporter + "0",
           "journal_bytes 65536",
           "journal_full_in_seconds 3600",
           "build_info{version=\"" AUDITFERRY_VERSION "\"} 1",
       }) {
    EXPECT_TRUE(has_line(text, "auditferry_" + line)) << line << "\n" << text;
  }
  EXPECT_TRUE(has_line(text, "# TYPE auditferry_fetched_records_total counter"));
  EXPECT_TRUE(has_line(text, "# TYPE auditferry_gaps gauge"));
  EXPECT_NE(text.find("# HELP auditferry_gaps Open gaps"), std::string::npos);
}

TEST(Metrics, LeavesOutWhatIsNotKnown) {
  SmallJournal journal;
  journal.snapshot.streams[0].collections[0].start.reset();
  journal.snapshot.streams[0].collections[0].watermark.reset();
  journal.input.pollers[0] = {};  // nothing was asked yet
  journal.input.deliverers[0].problem.clear();
  journal.input.deliverers[0].oldest_waiting.reset();
  journal.input.throttled.clear();
  journal.input.journal_full_in.reset();
  const std::string text = journal.text();
  for (const char* name : {"watermark_age", "retention_headroom", "source_up", "requests_total", "throttled",
                           "clock_skew", "delivery_lag", "exporter_up", "journal_full_in"})
    EXPECT_EQ(text.find(name), std::string::npos) << name << "\n" << text;
  EXPECT_NE(text.find("auditferry_waiting_records"), std::string::npos);
}

TEST(Metrics, AGapIsCountedAndDoesNotHoldTheHeadroom) {
  SmallJournal journal;
  CollectionSnapshot& collection = journal.snapshot.streams[0].collections[0];
  collection.coverage = {{{metrics_now - hours(20), metrics_now - seconds(12)}, "poll", metrics_now}};
  collection.watermark.reset();
  EXPECT_TRUE(has_line(journal.text(), "auditferry_retention_headroom_seconds{source=\"acme\",stream=\"audit\"} 0"));
  GapRow gap;
  gap.collection_id = 7;
  gap.range = TimeRange{metrics_now - hours(24), metrics_now - hours(20)};
  journal.snapshot.gaps = {gap};
  const std::string text = journal.text();
  EXPECT_TRUE(has_line(text, "auditferry_gaps{source=\"acme\",stream=\"audit\"} 1")) << text;
  EXPECT_NE(text.find("auditferry_retention_headroom_seconds{source=\"acme\",stream=\"audit\"} 86388"),
            std::string::npos)
      << text;
}

TEST(Metrics, StreamsOfOneLabelShareASeries) {
  SmallJournal journal;
  StreamSnapshot other = journal.snapshot.streams[0];
  other.identity.tenant = "t2";
  other.collections[0].watermark = metrics_now - hours(2);
  journal.snapshot.streams.push_back(other);
  SourceSettings source = journal.settings.sources[0];
  source.tenant = "t2";
  journal.settings.sources.push_back(source);
  PollerStatus down = journal.input.pollers[0];
  down.up = false;
  down.problem = "status 503";
  journal.input.pollers.push_back(down);
  const std::string text = journal.text();
  const std::string labels = "{source=\"acme\",stream=\"audit\"} ";
  EXPECT_TRUE(has_line(text, "auditferry_fetched_records_total" + labels + "2600")) << text;
  EXPECT_TRUE(has_line(text, "auditferry_staged_records" + labels + "8"));
  EXPECT_TRUE(has_line(text, "auditferry_watermark_age_seconds" + labels + "7200"));
  EXPECT_TRUE(has_line(text, "auditferry_source_up" + labels + "0"));
}

TEST(Metrics, EscapesLabels) {
  SmallJournal journal;
  journal.snapshot.exporters[0].name = "a\"b\\c\nd";
  EXPECT_TRUE(has_line(journal.text(), "auditferry_dead_letters{exporter=\"a\\\"b\\\\c\\nd\"} 2")) << journal.text();
}

TEST(Metrics, AnEmptyJournalIsEnough) {
  const JournalSnapshot nothing;
  MetricsInput input;
  input.snapshot = &nothing;
  const std::string text = render_metrics(input);
  EXPECT_TRUE(has_line(text, "auditferry_journal_bytes 0")) << text;
  EXPECT_EQ(text.find("source="), std::string::npos);
}

}  // namespace
}  // namespace auditferry
