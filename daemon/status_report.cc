#include "daemon/status_report.h"

#include <algorithm>

#include "daemon/findings.h"
#include "daemon/insecure_peers.h"
#include "daemon/retention_headroom.h"
#include "daemon/text_report.h"
#include "encoding/time_format.h"
#include "storage/lateness.h"

namespace auditferry {
namespace {

constexpr const char* unbalanced = " do not balance: run auditferry journal check";

std::string label(const StreamSnapshot& stream) {
  return stream.source + "/" + stream.identity.stream;
}

std::string range_text(const TimeRange& range) {
  return report_time(range.from) + " to " + report_time(range.to);
}

std::string lateness_text(const StreamSnapshot& stream) {
  const std::optional<Duration> half = lateness_quantile(stream.lateness, 0.5);
  const std::optional<Duration> most = lateness_quantile(stream.lateness, 0.99);
  std::string text = "late records: " + report_count(stream.books.late);
  if (half && most) text += ", half of them at most " + report_lateness(*half) + " after their time, 99 of 100 at most " + report_lateness(*most);
  return text;
}

void add_stream(TextTable& table, const StreamProgress& progress, const JournalSnapshot& snapshot) {
  const StreamSnapshot& stream = *progress.stream;
  const CollectionSnapshot* collection = progress.collection;
  const StreamBooks& books = stream.books;
  table.row({plain(label(stream)), report_time(collection != nullptr ? collection->start : std::nullopt),
             report_time(collection != nullptr ? collection->watermark : std::nullopt),
             progress.lag ? report_duration(*progress.lag) : "-", report_count(books.journaled),
             report_count(books.staged), report_count(books.duplicates), report_count(books.late),
             report_count(books.changed), report_count(books.quarantined)});
  if (!progress.configured) table.note("no longer configured");
  if (!stream.lateness.empty()) table.note(lateness_text(stream));
  if (books.vanished > 0) table.note("no longer shown by the portal: " + report_count(books.vanished) + " (ledger rows of kind vanished)");
  if (!progress.holes.empty()) {
    const std::string more =
        progress.holes.size() > 1 ? ", and " + report_count(progress.holes.size() - 1) + " more" : "";
    table.note("still to be fetched: " + range_text(progress.holes.back()) + more);
  }
  for (const StoredWalk& walk : collection != nullptr ? collection->walks : std::vector<StoredWalk>()) {
    table.note((walk.publishing ? "being published: " : "under way: ") + plain(walk.how) + " of " +
               range_text(walk.window));
  }
  const PollerNotes notes = notes_of(*progress.stream);
  if (!notes.problem.empty()) table.note((notes.stopped ? "stopped: " : "last error: ") + plain(notes.problem));
  if (!books.balance()) table.note("THE BOOKS DO NOT BALANCE: run auditferry journal check");
  for (const GapRow& gap : snapshot.gaps) {
    const bool mine = collection != nullptr && gap.collection_id == collection->collection_id;
    if (mine) table.note("gap " + std::to_string(gap.gap_id) + " is open, see below");
  }
}

std::string streams_text(const JournalSnapshot& snapshot, const StatusContext& context) {
  TextTable table({"STREAM", "FROM", "SHOWN UP TO", "LAG", "RECORDS", "STAGED", "DUPLICATES", "LATE",
                   "CHANGED", "QUARANTINED"});
  for (const StreamSnapshot& stream : snapshot.streams)
    add_stream(table, progress_of(stream, snapshot, context), snapshot);
  std::string text = table.text();
  for (const std::string& name : not_started(snapshot, context))
    text += plain(name) + ": nothing has been asked yet\n";
  return text.empty() ? "no stream has been collected yet\n" : text;
}

std::string exporters_text(const JournalSnapshot& snapshot, const StatusContext& context) {
  TextTable table({"EXPORTER", "TYPE", "POSITION", "WAITING", "LAG", "DELIVERED", "DEAD LETTERS", "RELEASED",
                   "LAST DELIVERY"});
  for (const ExporterRow& row : snapshot.exporters) {
    const std::optional<Duration> lag = delivery_lag(row, snapshot.last_seq, context.now);
    table.row({plain(row.name), plain(row.type), report_count(row.books.position),
               report_count(row.books.waiting(snapshot.last_seq)), lag ? report_duration(*lag) : "-",
               report_count(row.books.delivered), report_count(row.books.dead),
               report_count(row.books.released), report_time(row.last_delivery)});
    if (!row.attached) table.note(detached_text(row, snapshot.last_seq));
    if (!row.last_error.empty()) table.note("last error: " + plain(row.last_error));
    if (!row.books.balance(snapshot.last_seq))
      table.note("THE BOOKS DO NOT BALANCE: run auditferry journal check");
  }
  return table.text();
}

std::string gaps_text(const JournalSnapshot& snapshot) {
  TextTable table({"GAP", "OF", "TYPE", "WHAT", "SINCE"});
  for (const GapRow& gap : snapshot.gaps) {
    const std::string what =
        gap.range ? range_text(*gap.range)
                  : "entries " + report_count(gap.from_seq) + " to " + report_count(gap.to_seq);
    table.row({std::to_string(gap.gap_id), plain(gap_owner(gap, snapshot)), plain(gap.type), what,
               report_time(gap.opened)});
    if (!gap.why.empty()) table.note(plain(gap.why));
  }
  return table.text();
}

std::string penalties_text(const JournalSnapshot& snapshot, WallTime now) {
  std::string text;
  for (const Penalty& penalty : snapshot.penalties) {
    if (penalty.until <= now) continue;
    text += "no request goes to " + plain(penalty.host) + " until " + report_time(penalty.until) + ": " +
            plain(penalty.why) + "\n";
  }
  return text;
}

}  // namespace

PollerNotes notes_of(const StreamSnapshot& stream) {
  return stream.collections.empty() ? PollerNotes() : PollerNotes::from_text(stream.collections.back().state);
}

StreamProgress progress_of(const StreamSnapshot& stream, const JournalSnapshot& snapshot,
                           const StatusContext& context) {
  StreamProgress progress;
  progress.stream = &stream;
  if (context.settings != nullptr) {
    const auto here = [&stream](const SourceSettings& source) {
      const bool collects =
          std::any_of(source.streams.begin(), source.streams.end(),
                      [&](const StreamSettings& other) { return other.name == stream.identity.stream; });
      return collects && source.profile.vendor == stream.identity.vendor &&
             source.tenant == stream.identity.tenant;
    };
    progress.configured =
        std::any_of(context.settings->sources.begin(), context.settings->sources.end(), here);
  }
  if (stream.collections.empty()) return progress;
  const CollectionSnapshot& collection = stream.collections.back();
  progress.collection = &collection;
  for (const CoverageInterval& interval : collection.coverage)
    progress.shown_until = std::max(progress.shown_until.value_or(interval.range.to), interval.range.to);
  if (collection.watermark) progress.lag = context.now - *collection.watermark;
  if (!collection.start || !progress.shown_until || *collection.start > *progress.shown_until)
    return progress;
  const std::vector<CoverageInterval> settled = settled_of(collection, snapshot);
  progress.holes = holes_in(settled, {*collection.start, *progress.shown_until});
  return progress;
}

std::vector<std::string> not_started(const JournalSnapshot& snapshot, const StatusContext& context) {
  std::vector<std::string> names;
  if (context.settings == nullptr) return names;
  for (const SourceSettings& source : context.settings->sources) {
    for (const StreamSettings& stream : source.streams) {
      const StreamIdentity wanted{source.profile.vendor, source.tenant, stream.name};
      const bool known =
          std::any_of(snapshot.streams.begin(), snapshot.streams.end(),
                      [&wanted](const StreamSnapshot& other) { return other.identity == wanted; });
      if (!known) names.push_back(source.name + "/" + stream.name);
    }
  }
  return names;
}

std::optional<Duration> delivery_lag(const ExporterRow& row, std::uint64_t last_seq, WallTime now) {
  if (row.books.waiting(last_seq) == 0) return Duration::zero();
  if (!row.oldest_waiting) return std::nullopt;
  return std::max(Duration::zero(), Duration(now - *row.oldest_waiting));
}

std::string detached_text(const ExporterRow& row, std::uint64_t last_seq) {
  const std::uint64_t waiting = row.books.waiting(last_seq);
  const std::string forget = "'auditferry exporter forget " + plain(row.name) + "'";
  if (waiting == 0) return "not in use, and nothing waits for it: " + forget + " removes it";
  return "not in use: " + counted(waiting, "record is", "records are") +
         " kept for it until the journal is full. Configure it again to go on, 'auditferry exporter rename' if it has another name now, or " + forget;
}

std::string gap_owner(const GapRow& gap, const JournalSnapshot& snapshot) {
  for (const ExporterRow& row : snapshot.exporters) {
    if (gap.exporter_id == row.exporter_id) return "exporter " + row.name;
  }
  for (const StreamSnapshot& stream : snapshot.streams) {
    for (const CollectionSnapshot& collection : stream.collections) {
      if (gap.collection_id == collection.collection_id) return label(stream);
    }
  }
  return "-";
}

std::vector<std::string> needs_a_person(const JournalSnapshot& snapshot, const StatusContext& context) {
  std::vector<std::string> needs;
  if (context.live != nullptr) {
    for (const Finding& trouble : troubles(*context.live)) needs.push_back(trouble.what);
    return needs;
  }
  if (context.settings != nullptr && context.free_bytes && *context.free_bytes < context.settings->journal.min_free) {
    needs.push_back("nothing is fetched, because the disk of daemon.state_dir has only " + format_size(*context.free_bytes) +
                    " free, less than journal.min_free (" + format_size(context.settings->journal.min_free) + "): free some space");
  }
  if (!snapshot.gaps.empty()) {
    needs.push_back(counted(snapshot.gaps.size(), "gap is", "gaps are") +
                    " open: what the portal showed of them is gone, or could not be read; see auditferry gaps list");
  }
  for (const StreamSnapshot& stream : snapshot.streams) {
    const PollerNotes notes = notes_of(stream);
    if (notes.stopped) needs.push_back("stream " + plain(label(stream)) + " is stopped: " + plain(notes.problem));
    if (!stream.books.balance()) needs.push_back("the books of " + plain(label(stream)) + unbalanced);
    const std::optional<Duration> headroom = alarming_headroom(progress_of(stream, snapshot, context), snapshot, context);
    if (headroom) needs.push_back(headroom_words(*headroom, plain(label(stream))));
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (row.books.dead > 0)
      needs.push_back("exporter " + plain(row.name) + " has " + report_count(row.books.dead) +
                      " dead letters: see auditferry dead-letters list");
    if (row.attached && !row.last_error.empty())
      needs.push_back("exporter " + plain(row.name) + " does not deliver: " + plain(row.last_error));
    if (!row.books.balance(snapshot.last_seq)) needs.push_back("the books of exporter " + plain(row.name) + unbalanced);
  }
  return needs;
}

std::string render_status_line(const JournalSnapshot& snapshot, const StatusContext& context) {
  std::uint64_t fetched = 0;
  std::uint64_t journaled = 0;
  std::uint64_t delivered = 0;
  std::uint64_t waiting = 0;
  Duration lag = Duration::zero();
  for (const StreamSnapshot& stream : snapshot.streams) {
    fetched += stream.books.fetched;
    journaled += stream.books.journaled;
    lag = std::max(lag, progress_of(stream, snapshot, context).lag.value_or(Duration::zero()));
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (!row.attached) continue;
    delivered += row.books.delivered;
    waiting += row.books.waiting(snapshot.last_seq);
    lag = std::max(lag, delivery_lag(row, snapshot.last_seq, context.now).value_or(Duration::zero()));
  }
  return "fetched " + std::to_string(fetched) + " journaled " + std::to_string(journaled) + " delivered " +
         std::to_string(delivered) + " waiting " + std::to_string(waiting) + " lag " + report_duration(lag) +
         "\n";
}

std::string render_status(const JournalSnapshot& snapshot, const StatusContext& context, bool json) {
  if (json) return render_status_json(snapshot, context);
  std::string text = context.daemon_running ? "the daemon is running" : "the daemon is not running";
  if (context.daemon_pid) text += " (process " + std::to_string(*context.daemon_pid) + ")";
  text += "\njournal: " + format_size(snapshot.used_bytes) + ", last sequence number " +
          report_count(snapshot.last_seq);
  if (snapshot.quarantined_items > 0)
    text += ", " + report_count(snapshot.quarantined_items) + " items in quarantine";
  text += "\n\n" + streams_text(snapshot, context);
  for (const std::string& part :
       {exporters_text(snapshot, context), gaps_text(snapshot), penalties_text(snapshot, context.now)}) {
    if (!part.empty()) text += "\n" + part;
  }
  if (context.settings != nullptr) {
    const std::vector<InsecurePeer> insecure = insecure_peers(*context.settings);
    if (!insecure.empty()) text += "\nnot verified:\n";
    for (const InsecurePeer& peer : insecure) text += "- " + plain(peer.what) + ": " + peer.todo + "\n";
  }
  const std::vector<std::string> needs = needs_a_person(snapshot, context);
  text += needs.empty() ? "\nall is in order\n" : "\nneeds a person:\n";
  for (const std::string& need : needs) text += "- " + need + "\n";
  return text;
}

}  // namespace auditferry
