#include "daemon/insecure_peers.h"
#include "daemon/live_state.h"
#include "daemon/retention_headroom.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"
#include "encoding/harmless_text.h"
#include "encoding/json_object.h"
#include "storage/lateness.h"

namespace auditferry {
namespace {

// The elements' JSON as an array.
std::string array_of(const std::vector<std::string>& elements) {
  std::string out = "[";
  for (const std::string& element : elements) out += (out.size() > 1 ? "," : "") + element;
  return out + "]";
}

std::string seconds_or_null(std::optional<Duration> duration) {
  return duration ? std::to_string(std::chrono::floor<std::chrono::seconds>(*duration).count()) : "null";
}

std::string range_json(const TimeRange& range) {
  return JsonObject().value("from", json_time(range.from)).value("to", json_time(range.to)).finish();
}

std::string minutes_json(const StreamSnapshot& stream, const LiveState* live) {
  if (live == nullptr) return "null";
  std::vector<std::string> counts;
  for (const std::uint64_t count : live->rates->of(stream.stream_id, live->steady_now)) counts.push_back(std::to_string(count));
  return array_of(counts);
}

std::string exporter_state(const ExporterRow& row, const DelivererStatus* live) {
  if (live == nullptr) return row.attached ? "not_running" : "not_configured";
  if (live->up) return "up";
  if (live->paused) return "paused";
  return live->problem.empty() ? "not_tried" : "retrying";
}

std::string stream_json(const StreamProgress& progress, const JournalSnapshot& snapshot, const StatusContext& context) {
  const StreamSnapshot& stream = *progress.stream;
  const CollectionSnapshot* collection = progress.collection;
  std::vector<std::string> holes;
  for (const TimeRange& hole : progress.holes) holes.push_back(range_json(hole));
  std::vector<std::string> walks;
  if (collection != nullptr) {
    for (const StoredWalk& walk : collection->walks) {
      walks.push_back(JsonObject()
                          .text("how", walk.how)
                          .value("from", json_time(walk.window.from))
                          .value("to", json_time(walk.window.to))
                          .boolean("publishing", walk.publishing)
                          .finish());
    }
  }
  const StreamBooks& books = stream.books;
  const std::string numbers = JsonObject()
                                  .number("fetched", books.fetched)
                                  .number("duplicates", books.duplicates)
                                  .number("staged", books.staged)
                                  .number("journaled", books.journaled)
                                  .number("quarantined", books.quarantined)
                                  .number("changed", books.changed)
                                  .number("late", books.late)
                                  .number("vanished", books.vanished)
                                  .finish();
  JsonObject object;
  object.text("source", stream.source)
      .text("vendor", stream.identity.vendor)
      .text("tenant", stream.identity.tenant);
  object.text("stream", stream.identity.stream)
      .text("base_url", collection != nullptr ? collection->base_url : "");
  object.boolean("configured", progress.configured);
  const PollerNotes notes = notes_of(stream);
  object.text("last_error", notes.problem).boolean("stopped", notes.stopped);
  object.value("start", json_time(collection != nullptr ? collection->start : std::nullopt));
  object.value("watermark", json_time(collection != nullptr ? collection->watermark : std::nullopt));
  object.value("shown_until", json_time(progress.shown_until))
      .value("lag_seconds", seconds_or_null(progress.lag));
  object.value("retention_headroom_seconds", seconds_or_null(retention_headroom(progress, snapshot, context)))
      .value("records_per_minute", minutes_json(stream, context.live));
  object.value("newest_record", json_time(stream.newest_record)).value("holes", array_of(holes));
  object.value("walks", array_of(walks)).value("books", numbers);
  const std::string lateness = JsonObject()
                                   .value("p50_seconds", seconds_or_null(lateness_quantile(stream.lateness, 0.5)))
                                   .value("p99_seconds", seconds_or_null(lateness_quantile(stream.lateness, 0.99)))
                                   .finish();
  object.value("lateness", lateness);
  return object.finish();
}

}  // namespace

std::string exporter_json(const ExporterRow& row, std::uint64_t last_seq, const StatusContext& context) {
  const DelivererStatus* live = context.live != nullptr ? context.live->deliverer(row) : nullptr;
  JsonObject object;
  object.text("exporter", row.name)
      .text("type", row.type)
      .boolean("configured", row.attached)
      .text("when_full", row.when_full);
  object.number("position", row.books.position).number("offered", row.books.offered(last_seq));
  object.number("delivered", row.books.delivered).number("waiting", row.books.waiting(last_seq));
  object.number("dead_letters", row.books.dead).number("discarded", row.books.discarded);
  object.number("not_selected", row.books.not_selected).number("released", row.books.released);
  object.number("replayed", row.books.replayed)
      .value("lag_seconds", seconds_or_null(delivery_lag(row, last_seq, context.now)));
  object.text("state", exporter_state(row, live)).value("oldest_waiting", json_time(row.oldest_waiting));
  object.value("last_delivery", json_time(row.last_delivery)).text("last_error", row.last_error);
  return object.finish();
}

std::string gap_json(const GapRow& gap, const JournalSnapshot& snapshot) {
  JsonObject object;
  object.number("gap", static_cast<std::uint64_t>(gap.gap_id))
      .text("of", gap_owner(gap, snapshot))
      .text("type", gap.type);
  object.value("from", json_time(gap.range ? std::optional(gap.range->from) : std::nullopt));
  object.value("to", json_time(gap.range ? std::optional(gap.range->to) : std::nullopt));
  object.number("from_seq", gap.from_seq)
      .number("to_seq", gap.to_seq)
      .text("why", gap.why)
      .text("state", gap.state);
  object.value("opened", json_time(gap.opened)).value("changed", json_time(gap.changed));
  object.text_if("accepted_by", gap.accepted_by).text_if("reason", gap.reason);
  return object.finish();
}

namespace {

std::vector<std::string> quoted(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) append_json_string(out.emplace_back(), text);
  return out;
}

}  // namespace

std::string render_status_json(const JournalSnapshot& snapshot, const StatusContext& context) {
  std::vector<std::string> streams;
  for (const StreamSnapshot& stream : snapshot.streams)
    streams.push_back(stream_json(progress_of(stream, snapshot, context), snapshot, context));
  std::vector<std::string> exporters;
  for (const ExporterRow& row : snapshot.exporters)
    exporters.push_back(exporter_json(row, snapshot.last_seq, context));
  std::vector<std::string> gaps;
  for (const GapRow& gap : snapshot.gaps) gaps.push_back(gap_json(gap, snapshot));
  std::vector<std::string> penalties;
  for (const Penalty& penalty : snapshot.penalties) {
    if (penalty.until <= context.now) continue;
    penalties.push_back(JsonObject()
                            .text("host", penalty.host)
                            .value("until", json_time(penalty.until))
                            .text("why", penalty.why)
                            .finish());
  }
  const std::vector<std::string> needs = needs_a_person(snapshot, context);
  const std::string daemon =
      JsonObject()
          .boolean("running", context.daemon_running)
          .value("pid", context.daemon_pid ? std::to_string(*context.daemon_pid) : "null")
          .finish();
  const std::string journal = JsonObject()
                                  .text("epoch", snapshot.epoch)
                                  .number("last_seq", snapshot.last_seq)
                                  .number("used_bytes", snapshot.used_bytes)
                                  .number("quarantined_items", snapshot.quarantined_items)
                                  .finish();
  JsonObject object;
  object.value("time", json_time(context.now)).value("daemon", daemon).boolean("in_order", needs.empty());
  object.value("needs_a_person", array_of(quoted(needs)))
      .value("journal", journal)
      .value("streams", array_of(streams));
  object.value("not_started", array_of(quoted(not_started(snapshot, context))))
      .value("exporters", array_of(exporters));
  object.value("gaps", array_of(gaps)).value("penalties", array_of(penalties));
  std::vector<std::string> insecure;
  if (context.settings != nullptr) {
    for (const InsecurePeer& peer : insecure_peers(*context.settings)) insecure.push_back(JsonObject().text(peer.whose.key, peer.whose.value).finish());
  }
  object.value("insecure", array_of(insecure));
  return harmless_json(object.finish()) + "\n";
}

}  // namespace auditferry
