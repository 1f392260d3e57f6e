#include "daemon/ledger_report.h"

#include <algorithm>
#include <map>

#include "config/nearest_name.h"
#include "daemon/status_report.h"
#include "encoding/harmless_text.h"
#include "encoding/hash.h"
#include "encoding/json_object.h"

namespace auditferry {
namespace {

// What was asked for: chains with the names that people know them by.
struct Chosen {
  std::map<std::int64_t, std::string> chains;
  std::vector<const StreamSnapshot*> streams;
};

Result<Chosen> select(const JournalSnapshot& snapshot, const LedgerQuery& query) {
  Chosen selection;
  std::vector<std::string> sources;
  std::vector<std::string> streams;
  for (const StreamSnapshot& stream : snapshot.streams) {
    sources.push_back(stream.source);
    streams.push_back(stream.identity.stream);
    const bool wanted = (query.source.empty() || query.source == stream.source) &&
                        (query.stream.empty() || query.stream == stream.identity.stream);
    if (!wanted) continue;
    selection.chains[stream.stream_id] = stream.source + "/" + stream.identity.stream;
    selection.streams.push_back(&stream);
  }
  const bool all = query.source.empty() && query.stream.empty();
  if (all) selection.chains[0] = "the daemon";
  if (all || !selection.streams.empty()) return selection;
  const bool source_known =
      query.source.empty() || std::find(sources.begin(), sources.end(), query.source) != sources.end();
  if (!source_known) {
    return Error{ErrorKind::not_found, "the journal knows no source \"" + plain(query.source) + "\"; " +
                                           suggestion(query.source, sources)};
  }
  return Error{ErrorKind::not_found,
               "the journal knows no stream \"" + plain(query.stream) + "\"" +
                   (query.source.empty() ? "" : " of source \"" + plain(query.source) + "\"") + "; " +
                   suggestion(query.stream, streams)};
}

std::string row_text(const LedgerRow& row, const std::string& name) {
  std::string text =
      report_time(row.at) + "  " + plain(name) + "  #" + std::to_string(row.number) + "  " + plain(row.kind);
  if (row.repeats > 1)
    text += " (" + report_count(static_cast<std::uint64_t>(row.repeats)) + " times since " +
            report_time(row.first_at) + ")";
  return text + "  " + plain(row.detail) + "\n";
}

std::string row_json(const LedgerRow& row, const std::string& name) {
  JsonObject object;
  object.text("type", "row")
      .text("chain", name)
      .number("number", static_cast<std::uint64_t>(row.number))
      .value("first_at", json_time(row.first_at));
  object.value("at", json_time(row.at))
      .number("repeats", static_cast<std::uint64_t>(row.repeats))
      .text("kind", row.kind);
  object.value("detail", row.detail.empty() ? "{}" : row.detail).text("hash", hex(row.hash));
  return object.finish();
}

bool overlaps(const TimeRange& range, const LedgerQuery& query) {
  return (!query.from || range.to >= *query.from) && (!query.to || range.from <= *query.to);
}

bool belongs(const GapRow& gap, const Chosen& selection) {
  for (const StreamSnapshot* stream : selection.streams) {
    for (const CollectionSnapshot& collection : stream->collections) {
      if (gap.collection_id == collection.collection_id) return true;
    }
  }
  return selection.chains.count(0) != 0;
}

// One item: a line for people, or a JSON object with its type.
class Writer {
 public:
  Writer(bool json, const ReportSink& sink) : json_(json), sink_(sink) {}
  void item(const std::string& text, const std::string& json) const { sink_(json_ ? harmless_json(json) + "\n" : text); }

 private:
  bool json_;
  const ReportSink& sink_;
};

void write_coverage(const Writer& writer, const Chosen& selection, const LedgerQuery& query) {
  for (const StreamSnapshot* stream : selection.streams) {
    const std::string& name = selection.chains.at(stream->stream_id);
    for (const CollectionSnapshot& collection : stream->collections) {
      for (const CoverageInterval& interval : collection.coverage) {
        if (!overlaps(interval.range, query)) continue;
        writer.item("covered  " + plain(name) + "  " + report_time(interval.range.from) + " to " +
                        report_time(interval.range.to) + "  by " + plain(interval.how) + ", completed " +
                        report_time(interval.at) + "\n",
                    JsonObject()
                        .text("type", "coverage")
                        .text("chain", name)
                        .text("base_url", collection.base_url)
                        .text("fingerprint", collection.fingerprint)
                        .value("from", json_time(interval.range.from))
                        .value("to", json_time(interval.range.to))
                        .text("how", interval.how)
                        .value("at", json_time(interval.at))
                        .finish());
      }
    }
  }
}

bool write_gaps(const Writer& writer, const JournalSnapshot& snapshot, const Chosen& selection,
                const LedgerQuery& query) {
  bool any = false;
  for (const GapRow& gap : snapshot.gaps) {
    if (!belongs(gap, selection) || (gap.range && !overlaps(*gap.range, query))) continue;
    any = true;
    const std::optional<WallTime> from = gap.range ? std::optional(gap.range->from) : std::nullopt;
    const std::optional<WallTime> to = gap.range ? std::optional(gap.range->to) : std::nullopt;
    const std::string owner = gap_owner(gap, snapshot);
    writer.item("gap " + std::to_string(gap.gap_id) + "  " + plain(owner) + "  " + plain(gap.type) + "  " +
                    report_time(from) + " to " + report_time(to) + "  " + plain(gap.state) + ": " +
                    plain(gap.why) + "\n",
                JsonObject()
                    .text("type", "gap")
                    .number("gap", static_cast<std::uint64_t>(gap.gap_id))
                    .text("of", owner)
                    .text("kind", gap.type)
                    .value("from", json_time(from))
                    .value("to", json_time(to))
                    .text("state", gap.state)
                    .text("why", gap.why)
                    .finish());
  }
  return any;
}

Result<bool> write_verdicts(const Writer& writer, JournalReader& reader, const Chosen& selection) {
  bool unbroken = true;
  for (const auto& [chain, name] : selection.chains) {
    const Result<ChainVerdict> verdict = reader.verify(chain);
    if (!verdict) return verdict.error();
    const auto rows = static_cast<std::uint64_t>(verdict->rows);
    std::string text = "chain of " + plain(name) + ": " + counted(rows, "row", "rows") + ", ";
    JsonObject object;
    object.text("type", "chain")
        .text("chain", name)
        .number("rows", rows)
        .boolean("unbroken", !verdict->broken);
    if (verdict->broken) {
      unbroken = false;
      const LedgerRow& row = *verdict->broken;
      text += "then BROKEN at row " + std::to_string(row.number) + " of " + report_time(row.at) +
              ": this row, or the one before it, is not as it was written";
      object.number("broken_at", static_cast<std::uint64_t>(row.number));
    } else {
      text += "unbroken";
    }
    writer.item(text + "\n", object.finish());
  }
  return unbroken;
}

}  // namespace

Result<LedgerOutcome> render_ledger(JournalReader& reader, const LedgerQuery& query, bool json,
                                    const ReportSink& sink) {
  const Result<JournalSnapshot> snapshot = reader.snapshot();
  if (!snapshot) return snapshot.error();
  const Result<Chosen> selection = select(*snapshot, query);
  if (!selection) return selection.error();
  const Writer writer(json, sink);
  LedgerFilter filter;
  filter.from = query.from;
  filter.to = query.to;
  if (selection->chains.size() == 1) filter.chain = selection->chains.begin()->first;
  const Status read = reader.ledger(filter, [&](const LedgerRow& row) {
    const auto name = selection->chains.find(row.chain);
    if (name != selection->chains.end())
      writer.item(row_text(row, name->second), row_json(row, name->second));
  });
  if (!read) return read.error();
  write_coverage(writer, *selection, query);
  LedgerOutcome outcome;
  outcome.open_gaps = write_gaps(writer, *snapshot, *selection, query);
  const Result<bool> unbroken = write_verdicts(writer, reader, *selection);
  if (!unbroken) return unbroken.error();
  outcome.unbroken = *unbroken;
  return outcome;
}

}  // namespace auditferry
