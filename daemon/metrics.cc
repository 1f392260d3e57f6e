#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <set>

#include "daemon/retention_headroom.h"
#include "daemon/status_report.h"

namespace auditferry {
namespace {

using Labels = std::map<std::string, std::string>;

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The series of one answer. The library gives the same object for the same labels, so counts add up.
class MetricSet {
 public:
  void count(const char* name, const char* help, const Labels& labels, double value) {
    prometheus::BuildCounter().Name(full(name)).Help(help).Register(registry_).Add(labels).Increment(value);
  }
  void add(const char* name, const char* help, const Labels& labels, double value) {
    gauge(name, help, labels).Increment(value);
  }
  void most(const char* name, const char* help, const Labels& labels, double value) {
    keep(name, help, labels, value, [](double now, double other) { return std::max(now, other); });
  }
  void least(const char* name, const char* help, const Labels& labels, double value) {
    keep(name, help, labels, value, [](double now, double other) { return std::min(now, other); });
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

 private:
  static std::string full(const char* name) { return std::string("auditferry_") + name; }
  prometheus::Gauge& gauge(const char* name, const char* help, const Labels& labels) {
    return prometheus::BuildGauge().Name(full(name)).Help(help).Register(registry_).Add(labels);
  }
  template <class Choose>
  void keep(const char* name, const char* help, const Labels& labels, double value, Choose choose) {
    prometheus::Gauge& found = gauge(name, help, labels);
    const bool is_new = set_.insert(&found).second;
    found.Set(is_new ? value : choose(found.Value(), value));
  }

  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
  std::set<const prometheus::Gauge*> set_;
};

void add_books(MetricSet& metrics, const StreamBooks& books, const Labels& labels) {
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    metrics.count(name, help, labels, static_cast<double>(value));
  };
  count("fetched_records_total", "Records that portals showed: duplicates, staged, journaled and quarantined ones",
        books.fetched);
  count("duplicate_records_total", "Records that were known already when they were fetched", books.duplicates);
  metrics.add("staged_records", "Records of walks under way, which have no sequence number yet", labels,
              static_cast<double>(books.staged));
  count("journaled_records_total", "Records that got a sequence number and are offered to exporters",
        books.journaled);
  count("quarantined_records_total", "Records that could not be read as records and were kept apart",
        books.quarantined);
  count("changed_records_total", "Records that a portal showed again with other content", books.changed);
  count("late_records_total", "Records found where a walk had already been", books.late);
  count("vanished_records_total", "Records that the portal had shown and a reread did not meet", books.vanished);
}

void add_stream(MetricSet& metrics, const StreamSnapshot& stream, const MetricsInput& input) {
  const JournalSnapshot& snapshot = *input.snapshot;
  const Labels labels{{"source", stream.source}, {"stream", stream.identity.stream}};
  add_books(metrics, stream.books, labels);
  const auto of_stream = [&](const GapRow& gap) {
    return std::any_of(stream.collections.begin(), stream.collections.end(), [&](const CollectionSnapshot& one) {
      return gap.collection_id == one.collection_id;
    });
  };
  const auto gaps = std::count_if(snapshot.gaps.begin(), snapshot.gaps.end(), of_stream);
  metrics.add("gaps", "Open gaps: where completeness cannot be shown", labels, static_cast<double>(gaps));
  StatusContext context;
  context.now = input.now;
  context.settings = input.settings;
  const StreamProgress progress = progress_of(stream, snapshot, context);
  // A stream that is no longer collected would only grow older.
  if (!progress.configured || progress.collection == nullptr) return;
  if (progress.lag) {
    metrics.most("watermark_age_seconds", "Age of the moment up to which everything since the start is shown",
                 labels, seconds_of(*progress.lag));
  }
  if (const std::optional<Duration> headroom = retention_headroom(progress, snapshot, context)) {
    metrics.least("retention_headroom_seconds",
                  "How long until the portal forgets something that is not here; 0 or less: it may have", labels,
                  seconds_of(*headroom));
  }
}

void add_poller(MetricSet& metrics, const PollerStatus& status) {
  const Labels labels{{"source", status.source}, {"stream", status.stream}};
  // Before the first answer nothing is known.
  if (status.up || !status.problem.empty())
    metrics.least("source_up", "1 when the last request was good", labels, status.up ? 1 : 0);
  for (const auto& [code, requests] : status.session.requests_by_status) {
    Labels with_status = labels;
    with_status["status"] = code == 0 ? "none" : std::to_string(code);
    metrics.count("requests_total", "Requests since the start of the process by HTTP status; none: no answer came",
                  with_status, static_cast<double>(requests));
  }
  if (status.session.clock_skew) {
    const double skew = seconds_of(*status.session.clock_skew);
    metrics.most("clock_skew_seconds", "The portal's clock minus ours", {{"source", status.source}}, skew);
  }
}

void add_exporter(MetricSet& metrics, const ExporterRow& row, const MetricsInput& input) {
  const Labels labels{{"exporter", row.name}};
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    metrics.count(name, help, labels, static_cast<double>(value));
  };
  const std::uint64_t waiting = row.books.waiting(input.snapshot->last_seq);
  count("delivered_records_total", "Records that the far end confirmed", row.books.delivered);
  metrics.add("waiting_records", "Records in the journal that this exporter has not settled yet", labels,
              static_cast<double>(waiting));
  count("not_selected_records_total", "Records that the exporter's select leaves out", row.books.not_selected);
  metrics.add("dead_letters", "Records that the far end refused for good and that nobody has dealt with", labels,
              static_cast<double>(row.books.dead));
  count("discarded_records_total", "Dead letters that a person has discarded", row.books.discarded);
  count("released_records_total", "Records given up undelivered: the journal was full, or they were damaged",
        row.books.released);
  count("replayed_records_total", "Records delivered again on request", row.books.replayed);
  for (const DelivererStatus& status : input.deliverers) {
    if (status.exporter != row.name) continue;
    if (status.up || !status.problem.empty())
      metrics.most("exporter_up", "1 when the last delivery was good", labels, status.up ? 1 : 0);
    if (waiting > 0 && !status.oldest_waiting) continue;
    const Duration lag = waiting == 0 ? Duration::zero() : Duration(input.now - *status.oldest_waiting);
    metrics.most("delivery_lag_seconds", "How long ago the oldest record that waits was fetched; 0: none waits",
                 labels, std::max(0.0, seconds_of(lag)));
  }
}

}  // namespace

std::string render_metrics(const MetricsInput& input) {
  MetricSet metrics;
  const JournalSnapshot& snapshot = *input.snapshot;
  for (const StreamSnapshot& stream : snapshot.streams) add_stream(metrics, stream, input);
  for (const PollerStatus& status : input.pollers) add_poller(metrics, status);
  for (const auto& [source, throttled] : input.throttled) {
    metrics.count("throttled_seconds_total", "Time spent waiting because a portal asked for it", {{"source", source}},
                  seconds_of(throttled));
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (row.attached) add_exporter(metrics, row, input);
  }
  metrics.add("journal_bytes", "Bytes of the journal that are in use", {}, static_cast<double>(snapshot.used_bytes));
  if (input.journal_full_in) {
    metrics.add("journal_full_in_seconds", "When journal.max_size will be reached at the present rate", {},
                seconds_of(*input.journal_full_in));
  }
  metrics.add("build_info", "Always 1; the label says which version runs", {{"version", AUDITFERRY_VERSION}}, 1);
  return metrics.text();
}

}  // namespace auditferry
