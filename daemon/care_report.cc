#include "daemon/care_report.h"

#include <algorithm>

#include "daemon/status_report.h"
#include "encoding/harmless_text.h"

namespace auditferry {
namespace {

bool belongs(const GapRow& gap, const GapListQuery& query, const JournalSnapshot& snapshot) {
  if (!query.state.empty() && gap.state != query.state) return false;
  if (query.source.empty() && query.stream.empty()) return true;
  for (const StreamSnapshot& stream : snapshot.streams) {
    for (const CollectionSnapshot& collection : stream.collections) {
      if (gap.collection_id != collection.collection_id) continue;
      return (query.source.empty() || query.source == stream.source) && (query.stream.empty() || query.stream == stream.identity.stream);
    }
  }
  return false;
}

void add_gap(TextTable& table, const GapRow& gap, const JournalSnapshot& snapshot) {
  std::string from = gap.range ? report_time(gap.range->from) : "entry " + report_count(gap.from_seq);
  std::string to = gap.range ? report_time(gap.range->to) : "entry " + report_count(gap.to_seq);
  if (!gap.range && gap.from_seq == 0) from = to = "-";
  table.row({std::to_string(gap.gap_id), plain(gap_owner(gap, snapshot)), plain(gap.type), from, to, plain(gap.state), report_time(gap.changed)});
  if (!gap.why.empty()) table.note(plain(gap.why));
  if (gap.state == "accepted") table.note("accepted by " + plain(gap.accepted_by) + ": " + plain(gap.reason));
}

}  // namespace

std::size_t render_gap_list(const JournalSnapshot& snapshot, const std::vector<GapRow>& gaps, const GapListQuery& query, bool json,
                            const ReportSink& sink) {
  std::size_t open = 0;
  std::size_t listed = 0;
  TextTable table({"ID", "OF", "TYPE", "FROM", "TO", "STATE", "SINCE"});
  for (const GapRow& gap : gaps) {
    if (!belongs(gap, query, snapshot)) continue;
    ++listed;
    if (gap.state == "open") ++open;
    if (json) {
      sink(harmless_json(gap_json(gap, snapshot)) + "\n");
    } else {
      add_gap(table, gap, snapshot);
    }
  }
  if (!json) sink(listed == 0 ? "there are no gaps\n" : table.text());
  return open;
}

void render_exporter_list(const JournalSnapshot& snapshot, const Settings& settings, WallTime now, bool json, const ReportSink& sink) {
  StatusContext context;
  context.now = now;
  context.settings = &settings;
  TextTable table({"EXPORTER", "TYPE", "STATE", "POSITION", "WAITING", "DEAD LETTERS", "LAST DELIVERY"});
  for (const ExporterRow& row : snapshot.exporters) {
    if (json) sink(harmless_json(exporter_json(row, snapshot.last_seq, context)) + "\n");
    table.row({plain(row.name), plain(row.type), row.attached ? "attached" : "detached", report_count(row.books.position),
               report_count(row.books.waiting(snapshot.last_seq)), report_count(row.books.dead), report_time(row.last_delivery)});
    if (!row.attached) table.note(detached_text(row, snapshot.last_seq));
  }
  for (const ExporterSettings& exporter : settings.exporters) {
    const auto same = [&exporter](const ExporterRow& row) { return row.name == exporter.name; };
    if (!exporter.enabled || std::any_of(snapshot.exporters.begin(), snapshot.exporters.end(), same)) continue;
    table.row({plain(exporter.name), plain(exporter.type), "not started yet", "-", "-", "-", "-"});
  }
  if (json) return;
  const std::string text = table.text();
  sink(text.empty() ? "there are no exporters\n" : text);
}

}  // namespace auditferry
