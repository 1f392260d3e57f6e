#include "tests/simulation/oracle.h"

#include <algorithm>
#include <set>

#include "daemon/portal_session.h"
#include "encoding/hash.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "sandbox/query.h"
#include "sources/request_builder.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"

namespace auditferry::simulation {
namespace {

// An entry of the journal.
struct Entry {
  StreamIdentity identity;
  std::string id;        // with "@n"
  std::string plain_id;  // without
  std::uint32_t revision = 1;
  bool repaired = false;
  std::string stream;
  bool gap = false;
  std::string gap_exporter;  // of a gap that concerns one exporter only
  std::string raw;           // the vendor's record, or the gap
};

// A line of a file.
struct Line {
  std::string id;
  std::string record;  // what stands under "record", or "gap"
};

class Judge {
 public:
  explicit Judge(World& world) : world_(world) {}
  void run();

 private:
  void read_journal();
  void check_ledger();
  void check_streams();
  void check_configured();
  void check_books(const StreamSnapshot& stream);
  void check_late(const StreamSnapshot& stream);
  void check_start(const CollectionSnapshot& collection, const std::string& name, const Asked& asked);
  bool is_out_of_order(const RecordInfo& record, const std::vector<RecordInfo>& records) const;
  bool cursors_ended_early(const std::string& vendor) const;
  void check_coverage(const StreamSnapshot& stream, const CollectionSnapshot& collection, const Asked& asked);
  void check_gaps(const CollectionSnapshot& collection, const std::vector<GapRow>& gaps, const std::vector<RecordInfo>& records, const Asked& asked);
  void check_forgotten(const std::string& name, const GapRow& gap, const std::vector<RecordInfo>& records);
  void check_unreadable(const std::string& name, const GapRow& gap, const Asked& asked);
  void check_made_up();
  bool is_made_up(const StreamIdentity& identity, const std::string& id) const;
  void check_exporters();
  void check_exporter(const ExporterRow& row, const ExporterPlan& plan);
  std::map<std::uint64_t, Line> lines_of(const ExporterPlan& plan, bool in_use);
  void complain(const std::string& what) { world_.complain(what); }
  bool collected(const StreamIdentity& identity, const std::string& id) const { return first_ids_.contains({identity, id}); }
  bool says_now(const StreamIdentity& identity, const RecordInfo& record) const;

  World& world_;
  std::unique_ptr<Journal> journal_;
  JournalSnapshot snapshot_;
  std::map<std::uint64_t, Entry> entries_;
  std::set<std::pair<StreamIdentity, std::string>> first_ids_;  // without revisions
  std::map<std::string, std::set<std::uint64_t>> dead_;         // by exporter
};

std::string shown(WallTime time) { return format_rfc3339(time); }

void Judge::run() {
  Result<std::unique_ptr<Journal>> opened = Journal::open(world_.journal_path());
  if (!opened.ok()) return complain("the journal does not open: " + opened.error().message);
  journal_ = std::move(opened).value();
  Result<JournalSnapshot> taken = take_snapshot(*journal_);
  if (!taken.ok()) return complain("the journal cannot be read: " + taken.error().message);
  snapshot_ = std::move(taken).value();
  read_journal();
  check_configured();
  check_streams();
  check_made_up();
  check_exporters();
  for (const auto& [name, far_end] : world_.far_ends) {
    for (const std::string& complaint : far_end.complaints) complain("far end of " + name + ": " + complaint);
  }
  (void)journal_->close();
  journal_.reset();
  check_ledger();
}

void Judge::read_journal() {
  std::uint64_t after = 0;
  while (after < snapshot_.last_seq) {
    const Result<RecordBatch> batch = journal_->read(after, 5000, std::uint64_t{1} << 30);
    if (!batch.ok()) return complain("the journal cannot be read: " + batch.error().message);
    if (!batch->missing.empty()) complain("seq " + std::to_string(batch->missing.front()) + " cannot be read");
    for (const Record& record : batch->records) {
      Entry entry;
      entry.identity = {std::string(record.vendor), std::string(record.tenant), std::string(record.stream)};
      entry.stream = record.stream;
      entry.gap = record.gap;
      entry.id = entry.plain_id = record.id;
      entry.revision = record.revision;
      entry.repaired = record.repaired;
      entry.raw = record.raw;
      // What a fault has made up has no id, and may be seen any number of times.
      const bool again = !record.gap && record.revision == 1 && !first_ids_.insert({entry.identity, entry.id}).second;
      if (again && entry.raw != made_up_record)
        complain("record " + entry.id + " of " + entry.stream + " is in the journal twice");
      if (record.revision > 1) entry.id += "@" + std::to_string(record.revision);
      if (record.gap) {
        if (const auto exporter = JsonView(record.raw).find("exporter")) entry.gap_exporter = exporter->as_string().value_or("");
      }
      entries_[record.seq] = std::move(entry);
    }
    if (batch->last_seq <= after) return complain("the journal ends at seq " + std::to_string(after));
    after = batch->last_seq;
  }
  if (entries_.size() != snapshot_.last_seq) complain("the journal holds " + std::to_string(entries_.size()) + " entries and has given " + std::to_string(snapshot_.last_seq) + " sequence numbers");
  const Result<std::vector<std::int64_t>> letters = dead_letter_ids(*journal_, {});
  for (const std::int64_t id : letters.ok() ? *letters : std::vector<std::int64_t>()) {
    const Result<std::optional<DeadLetterRow>> letter = find_dead_letter(*journal_, id);
    if (letter.ok() && *letter && !dead_[(*letter)->exporter].insert((*letter)->seq).second) complain("a dead letter is there twice");
  }
}

void Judge::check_ledger() {
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(world_.journal_path());
  if (!reader.ok()) return complain("the journal cannot be opened for reading: " + reader.error().message);
  for (std::int64_t chain = 0; chain <= static_cast<std::int64_t>(snapshot_.streams.size()); ++chain) {
    const Result<ChainVerdict> verdict = (*reader)->verify(chain);
    if (!verdict.ok() || verdict->broken) complain("chain " + std::to_string(chain) + " of the ledger is broken");
  }
  const Result<std::vector<std::string>> findings = (*reader)->check();
  if (!findings.ok()) complain("the journal cannot be checked: " + findings.error().message);
  for (const std::string& finding : findings.ok() ? *findings : std::vector<std::string>()) complain("journal check: " + finding);
}

// Each stream of the configuration has been asked for, and each exporter is known.
void Judge::check_configured() {
  const Settings settings = settings_of(world_.configuration, "/");
  for (const SourceSettings& source : settings.sources) {
    for (const StreamSettings& stream : source.streams) {
      const std::string fingerprint = request_fingerprint(request_context(source, stream));
      bool found = false;
      for (const StreamSnapshot& known : snapshot_.streams) {
        if (known.identity.vendor != source.profile.vendor || known.identity.stream != stream.name) continue;
        for (const CollectionSnapshot& collection : known.collections) found = found || (collection.fingerprint == fingerprint && collection.start);
      }
      if (!found) complain(source.name + "/" + stream.name + " is configured, and the journal has no collection of it that begins somewhere");
    }
  }
  for (const ExporterPlan& plan : world_.configuration.exporters) {
    const bool found = std::any_of(snapshot_.exporters.begin(), snapshot_.exporters.end(),
                                   [&](const ExporterRow& row) { return row.name == plan.name && row.attached; });
    if (plan.enabled && !found) complain("exporter " + plan.name + " is configured, and the journal has none of that name");
  }
}

// Counts once more, from the ledger and the entries. Nothing of the ledger is old enough to be pruned.
void Judge::check_books(const StreamSnapshot& stream) {
  const std::string name = stream.identity.vendor + "/" + stream.identity.stream;
  const StreamBooks& books = stream.books;
  std::uint64_t records = 0;
  std::uint64_t fresh = 0;
  std::uint64_t changed = 0;
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(world_.journal_path());
  if (!reader.ok()) return complain("the journal cannot be opened for reading: " + reader.error().message);
  LedgerFilter filter;
  filter.chain = stream.stream_id;
  const Status read = (*reader)->ledger(filter, [&](const LedgerRow& row) {
    if (row.kind != "page" && row.kind != "empty") return;
    const JsonView detail(row.detail);
    auto number = [&](std::string_view key) {
      const auto value = detail.find(key);
      return static_cast<std::uint64_t>(value ? value->as_int64().value_or(0) : 0) * static_cast<std::uint64_t>(row.repeats);
    };
    records += number("records");
    fresh += number("new");
    changed += number("changed");
  });
  if (!read.ok()) complain("the ledger cannot be read: " + read.error().message);
  std::uint64_t quarantined = 0;
  Statement kept(journal_->database(), "SELECT coalesce(sum(records), 0) FROM quarantine WHERE stream_id = ?");
  if (kept.query(stream.stream_id).step()) quarantined = static_cast<std::uint64_t>(kept.integer(0));
  std::uint64_t journaled = 0;
  std::uint64_t revisions = 0;
  for (const auto& [seq, entry] : entries_) {
    if (entry.gap || entry.identity != stream.identity) continue;
    ++journaled;
    if (entry.revision > 1) ++revisions;
  }
  auto compare = [&](const char* what, std::uint64_t counted, std::uint64_t there) {
    if (counted != there) complain(name + " counts " + std::to_string(counted) + " records as " + what + "; there are " + std::to_string(there));
  };
  compare("fetched", books.fetched, records + quarantined);
  compare("duplicates", books.duplicates, records - fresh);
  compare("journaled", books.journaled, journaled);
  compare("staged", books.staged, fresh - journaled);
  compare("quarantined", books.quarantined, quarantined);
  compare("changed", books.changed, changed);
  // Those of walks that have not ended are counted, and have no number yet.
  if (books.staged == 0) compare("changed (by its entries)", books.changed, revisions);
}

// How many came late lies between what must have been seen as late and what may have been.
void Judge::check_late(const StreamSnapshot& stream) {
  const std::string name = stream.identity.vendor + "/" + stream.identity.stream;
  std::uint64_t steps = 0;
  for (const auto& [step, records] : stream.lateness) steps += records;
  if (steps != stream.books.late) complain(name + " counts " + std::to_string(stream.books.late) + " late records, and " + std::to_string(steps) + " by how late they came");
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  for (const auto& [seq, entry] : entries_) most += !entry.gap && entry.identity == stream.identity && entry.revision > 1 ? 1 : 0;
  for (const RecordInfo& record : world_.portal->all_records(portal_log(stream.identity.vendor, stream.identity.stream))) {
    if (record.first_visible <= record.created || !collected(stream.identity, record.id)) continue;
    ++most;
    // Whichever way of asking has fetched it had shown its time before.
    const bool shown = std::all_of(stream.collections.begin(), stream.collections.end(), [&](const CollectionSnapshot& collection) {
      const auto seen = world_.seen.find(collection.collection_id);
      if (seen == world_.seen.end()) return false;
      const std::vector<CoverageInterval>* before = nullptr;
      for (const auto& [when, coverage] : seen->second.coverage) {
        if (when < record.first_visible) before = &coverage;
      }
      return before && std::any_of(before->begin(), before->end(), [&](const CoverageInterval& interval) { return interval.range.contains(record.created); });
    });
    if (shown) ++least;
  }
  if (stream.books.late < least || stream.books.late > most)
    complain(name + " counts " + std::to_string(stream.books.late) + " late records; there are at least " + std::to_string(least) + " and at most " + std::to_string(most));
  world_.trace.hit("late record counted", stream.books.late);
}

void Judge::check_streams() {
  for (const StreamSnapshot& stream : snapshot_.streams) {
    const std::string name = stream.identity.vendor + "/" + stream.identity.stream;
    const StreamBooks& books = stream.books;
    if (!books.balance()) {
      complain("the books of " + name + " do not balance: fetched " + std::to_string(books.fetched) + ", duplicates " +
               std::to_string(books.duplicates) + ", staged " + std::to_string(books.staged) + ", journaled " +
               std::to_string(books.journaled) + ", quarantined " + std::to_string(books.quarantined));
    }
    std::uint64_t forgotten = 0;
    for (const RecordInfo& record : world_.portal->all_records(portal_log(stream.identity.vendor, stream.identity.stream))) forgotten += record.forgotten;
    if (books.vanished > forgotten)
      complain(name + " counts " + std::to_string(books.vanished) + " records as no longer shown, and the portal has forgotten " + std::to_string(forgotten));
    check_books(stream);
    check_late(stream);
    for (const CollectionSnapshot& collection : stream.collections) {
      const auto asked = world_.asked.find(collection.fingerprint);
      if (asked == world_.asked.end()) {
        complain(name + " has a collection that was never configured");
        continue;
      }
      check_coverage(stream, collection, asked->second);
    }
  }
}

// Where coverage begins is told by the moment when a process first asked, which is soon after it began. That it does
// not move later is seen to while processes run (World::observe).
void Judge::check_start(const CollectionSnapshot& collection, const std::string& name, const Asked& asked) {
  const auto seen = world_.seen.find(collection.collection_id);
  if (seen != world_.seen.end() && *collection.start > seen->second.start)
    complain(name + " began at " + shown(seen->second.start) + " and ends as beginning at " + shown(*collection.start));
  const WallTime told = seen == world_.seen.end() ? world_.portal_time() : seen->second.start_told;
  const bool begins_well = std::any_of(asked.begins.begin(), asked.begins.end(), [&](WallTime begin) {
    return begin <= told && *collection.start <= begin + world_.misled_by(begin) - start_ago + std::chrono::minutes(2);
  });
  if (!begins_well && !world_.configuration.retention) complain(name + " begins at " + shown(*collection.start) + ", later than any process asked for");
}

// Whether the journal has what the portal says of the record in the end; a repaired entry may be that.
bool Judge::says_now(const StreamIdentity& identity, const RecordInfo& record) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& item) {
    const Entry& entry = item.second;
    return !entry.gap && entry.identity == identity && entry.plain_id == record.id && (entry.repaired || entry.raw == *record.json);
  });
}

// A known limit (docs/guarantees.md): a record that stands deeper in the log than its time says is passed over where
// a chain of cursors breaks before it and the walk goes on by time.
bool Judge::is_out_of_order(const RecordInfo& record, const std::vector<RecordInfo>& records) const {
  return std::any_of(records.begin(), records.end(), [&](const RecordInfo& other) {
    return other.event > record.event && other.created + std::chrono::seconds(1) < record.created;
  });
}
bool Judge::cursors_ended_early(const std::string& vendor) const {
  return world_.by_event && !oldest_first(vendor) && !world_.portal->stats().expired_cursors.empty();
}

// Every record that the way of asking fits and whose time lies in what the collection says it has shown (or
// knows as lost) is in the journal, or in a gap, or came later than overlap and reread can see. So is what the portal
// says of it in the end, where it has changed it.
void Judge::check_coverage(const StreamSnapshot& stream, const CollectionSnapshot& collection, const Asked& asked) {
  if (!collection.start) return;
  const std::string name = stream.identity.vendor + "/" + stream.identity.stream + (asked.query.empty() ? "" : " (" + asked.query + ")");
  check_start(collection, name, asked);
  const Result<CollectionState> state = journal_->load_collection(collection.collection_id);
  if (!state.ok()) return complain("a collection cannot be read: " + state.error().message);
  const Result<RecordFilter> filter = parse_query(asked.query, SandboxLog::audit);
  const std::vector<RecordInfo> records = world_.portal->all_records(portal_log(asked.vendor, asked.stream));
  WallTime last_shown = *collection.start;
  for (const CoverageInterval& interval : collection.coverage) last_shown = std::max(last_shown, interval.range.to);
  std::size_t lost = 0;
  std::size_t outdated = 0;
  std::string example;
  const std::string log = portal_log(asked.vendor, asked.stream);
  for (const RecordInfo& record : records) {
    const bool is_covered = std::any_of(collection.coverage.begin(), collection.coverage.end(),
                                        [&](const CoverageInterval& interval) { return interval.range.contains(record.created); });
    if (!is_covered || record.created < *collection.start) continue;
    if (filter.ok() && *filter && !(*filter)(*record.json)) continue;
    const bool is_collected = collected(stream.identity, record.id);
    const auto changed = world_.changed.find({log, record.id});
    if (is_collected && (changed == world_.changed.end() || says_now(stream.identity, record))) continue;
    const bool in_gap = std::any_of(state->gaps.begin(), state->gaps.end(),
                                    [&](const GapRow& gap) { return gap.range && gap.range->contains(record.created); });
    if (in_gap) continue;
    // What is missing was to be seen from then on.
    const WallTime appeared = is_collected ? changed->second.last : record.first_visible;
    const Duration lateness = appeared - record.created;
    const bool reread = oldest_first(asked.vendor) || asked.stream != "audit" || world_.configuration.audit_is_reread;
    if (lateness > (reread ? reread_delay : overlap / 2)) continue;
    // Nobody asks in this way any more, and it came late or in the last moments that somebody did.
    const bool in_use = oldest_first(asked.vendor) || asked.stream != "audit" || asked.query == world_.configuration.audit_query;
    if (!in_use && (lateness > std::chrono::seconds(1) || record.created >= last_shown - std::chrono::seconds(2))) continue;
    // Late, and forgotten before it could be looked for again; logs that are read forward have no overlap.
    const Duration overlooked = oldest_first(asked.vendor) ? Duration::zero() : Duration(std::chrono::seconds(1));
    if (lateness > overlooked && record.forgotten) continue;
    if (!is_collected && !world_.judges_limits && is_out_of_order(record, records) && cursors_ended_early(asked.vendor)) {
      world_.trace.hit("passed over: out of order behind a broken chain");
      continue;
    }
    ++(is_collected ? outdated : lost);
    if (example.empty())
      example = record.id + " of " + shown(record.created) + ", visible from " + shown(appeared) + (record.forgotten ? ", forgotten since" : "");
  }
  if (lost > 0) complain(name + " has lost " + std::to_string(lost) + " records that it says it has shown: " + example);
  if (outdated > 0) complain(name + " does not have what the portal said last of " + std::to_string(outdated) + " records that it changed in time: " + example);
  check_gaps(collection, state->gaps, records, asked);
}

// The time that a request for a page asks for, where it says so.
std::optional<TimeRange> window_of(const SeenRequest& request) {
  TimeRange window{WallTime::min(), request.at};
  if (!request.body.empty()) {
    const JsonView body(request.body);
    const auto from = body.find("start_time");
    const auto to = body.find("end_time");
    if (!from || !to) return std::nullopt;
    return TimeRange{from_micros(from->as_int64().value_or(0) * 1'000'000), from_micros(to->as_int64().value_or(0) * 1'000'000)};
  }
  return window;
}

bool asks_for(const SeenRequest& request, const std::string& log) {
  if (log == "okta") return request.target.find("/api/v1/logs") != std::string::npos;
  if (log == "github") return request.target.find("/audit-log") != std::string::npos;
  return request.target.find("/" + log + "_logs") != std::string::npos;
}

// Answers that hold nothing that can be read, so that what they were to show may become a gap.
bool unreadable(const std::string& fault) {
  for (const FaultKind kind : {FaultKind::truncated, FaultKind::malformed, FaultKind::deep_nesting, FaultKind::huge_body, FaultKind::empty_body}) {
    if (fault == to_string(kind)) return true;
  }
  return false;
}

// Nothing may be taken for forgotten that the portal had on show when the gap was recorded.
void Judge::check_forgotten(const std::string& name, const GapRow& gap, const std::vector<RecordInfo>& records) {
  const std::vector<WallTime> times = world_.portal_times_of(gap.opened);
  for (const RecordInfo& record : records) {
    if (record.created <= gap.range->from + std::chrono::seconds(1) || record.created >= gap.range->to - std::chrono::seconds(1)) continue;
    // What came late may have come after the walk that found where the portal's memory begins.
    if (record.first_visible > gap.range->to) continue;
    const bool on_show = !times.empty() && std::none_of(times.begin(), times.end(), [&](WallTime when) { return world_.forgotten_at(record.created, when); });
    if (!on_show) continue;
    complain(name + " holds " + record.id + " of " + shown(record.created) + ", which the portal still showed when it was recorded at " + shown(times.front()));
    return;
  }
}

// Only where answers could not be read, and no further than those were to show.
void Judge::check_unreadable(const std::string& name, const GapRow& gap, const Asked& asked) {
  const std::string log = portal_log(asked.vendor, asked.stream);
  std::vector<CoverageInterval> asked_in_vain;
  std::optional<TimeRange> window;  // of the chain of pages
  std::uint64_t met = 0;
  for (const SeenRequest& request : world_.portal->seen_requests()) {
    if (!asks_for(request, log)) continue;
    if (const auto own = window_of(request)) window = own;
    if (!unreadable(request.fault) || !window) continue;
    ++met;
    const Duration wider = std::chrono::seconds(5);
    asked_in_vain.push_back({{window->from == WallTime::min() ? window->from : window->from - wider, window->to + wider}, "", {}});
  }
  if (met == 0) return complain(name + " is told although every answer of that log could be read");
  std::sort(asked_in_vain.begin(), asked_in_vain.end(), [](const CoverageInterval& a, const CoverageInterval& b) { return a.range.from < b.range.from; });
  const std::vector<TimeRange> readable = holes_in(asked_in_vain, *gap.range);
  if (!readable.empty()) complain(name + " reaches beyond what unreadable answers were to show: " + shown(readable.front().from) + " to " + shown(readable.front().to));
  if (!oldest_first(asked.vendor)) return;
  // A log that is read forward is skipped in steps that double up to an hour, each after three answers at least.
  Duration widest = overlap;
  Duration step = std::chrono::seconds(1);
  for (std::uint64_t steps = met / 3; steps > 0; --steps) {
    widest += step;
    step = std::min<Duration>(step * 2, std::chrono::hours(1));
  }
  if (gap.range->to - gap.range->from > widest) complain(name + " is wider than " + std::to_string(met) + " unreadable answers make it");
}

void Judge::check_gaps(const CollectionSnapshot& collection, const std::vector<GapRow>& gaps, const std::vector<RecordInfo>& records, const Asked& asked) {
  const Result<RecordFilter> filter = parse_query(asked.query, SandboxLog::audit);
  std::vector<RecordInfo> fitting;
  for (const RecordInfo& record : records) {
    if (!filter.ok() || !*filter || (*filter)(*record.json)) fitting.push_back(record);
  }
  for (const GapRow& gap : gaps) {
    if (!gap.range) continue;
    const std::string name = "the gap \"" + gap.type + "\" from " + shown(gap.range->from) + " to " + shown(gap.range->to);
    if (gap.range->to < gap.range->from) complain(name + " ends before it begins");
    if (gap.range->from < *collection.start - std::chrono::seconds(2)) complain(name + " begins before its stream");
    if (gap.range->to > world_.portal_time()) complain(name + " lies in the future");
    if (gap.type == "unreachable" && gap.range->to - gap.range->from > std::chrono::seconds(4)) complain(name + " is wider than two units");
    if (gap.type == "unreadable") check_unreadable(name, gap, asked);
    if (gap.type == "forgotten") check_forgotten(name, gap, fitting);
    if (gap.type != "forgotten" && gap.type != "unreadable" && gap.type != "unreachable") complain(name + " is of a type that nothing here can have caused");
    if (gap.type != "forgotten") continue;
    // A portal that never answered for a day since its stream began may have had anything, for all that can be known.
    if (gap.range->from <= *collection.start + std::chrono::seconds(2) && gap.opened - *collection.start > start_ago + std::chrono::hours(24)) continue;
    // What the portal never forgets cannot be in it.
    const bool any = std::any_of(records.begin(), records.end(), [](const RecordInfo& record) { return record.forgotten; });
    if (!any) complain(name + " is told although the portal has forgotten nothing");
  }
}

// What a fault made up as a record is kept once, under its content's hash, and just as it came: nobody can tell that it is none.
bool Judge::is_made_up(const StreamIdentity& identity, const std::string& id) const {
  if (!world_.made_up_for.contains(identity.vendor) || id != hex(sha256(made_up_record))) return false;
  return std::all_of(entries_.begin(), entries_.end(), [&](const auto& item) {
    const Entry& entry = item.second;
    return entry.identity != identity || entry.plain_id != id || (entry.raw == made_up_record && entry.revision == 1 && !entry.repaired);
  });
}

void Judge::check_made_up() {
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::shared_ptr<const std::string>>> known;
  for (const StreamSnapshot& stream : snapshot_.streams) {
    for (const RecordInfo& record : world_.portal->all_records(portal_log(stream.identity.vendor, stream.identity.stream)))
      known[{stream.identity.vendor, stream.identity.stream}].emplace(record.id, record.json);
  }
  for (const auto& [identity, id] : first_ids_) {
    if (known[{identity.vendor, identity.stream}].contains(id) || is_made_up(identity, id)) continue;
    complain("the portal never had " + identity.stream + " " + id);
  }
  std::set<std::pair<std::pair<StreamIdentity, std::string>, std::string>> told;
  std::set<std::pair<StreamIdentity, std::string>> repaired;
  for (const auto& [seq, entry] : entries_) {
    if (entry.repaired) repaired.insert({entry.identity, entry.plain_id});
  }
  for (const auto& [seq, entry] : entries_) {
    if (entry.gap || entry.repaired) continue;
    const auto& records = known[{entry.identity.vendor, entry.identity.stream}];
    const auto record = records.find(entry.plain_id);
    if (record == records.end()) continue;
    const auto changed = world_.changed.find({portal_log(entry.identity.vendor, entry.identity.stream), entry.plain_id});
    const bool is_changed = changed != world_.changed.end();
    const bool is_version = is_changed ? changed->second.versions.contains(entry.raw) : entry.raw == *record->second;
    if (!is_version) complain("seq " + std::to_string(seq) + " is not what the portal has as " + entry.id + ": " + entry.raw);
    // After a repaired one the clean one is something new.
    if (!told.insert({{entry.identity, entry.plain_id}, entry.raw}).second && !repaired.contains({entry.identity, entry.plain_id}))
      complain("seq " + std::to_string(seq) + " says of " + entry.plain_id + " what was said before");
    if (is_changed && entry.revision > 1) world_.trace.hit("record changed");
  }
}

// The lines in the exporter's files by seq; complains of a line that is there twice, or not in its order. Where the
// exporter is not in use any more, a power loss may have left the beginning of a line.
std::map<std::uint64_t, Line> Judge::lines_of(const ExporterPlan& plan, bool in_use) {
  std::map<std::uint64_t, Line> lines;
  for (const auto& [path, content] : world_.files.contents()) {
    if (!path.starts_with(std::string(out_folder) + "/" + plan.name + "/")) continue;
    const bool is_cut = !content.empty() && content.back() != '\n';
    if (is_cut && in_use) complain(path + " ends in the middle of a line");
    std::uint64_t before = 0;
    for (std::size_t at = 0; at < content.size();) {
      const std::size_t end = std::min(content.find('\n', at), content.size());
      if (end == content.size() && is_cut) break;
      const JsonView line(std::string_view(content).substr(at, end - at));
      const auto seq = line.find("seq");
      const auto id = line.find("id");
      if (!seq || !id) {
        complain(path + " holds a line that is none");
      } else {
        const auto number = static_cast<std::uint64_t>(seq->as_int64().value_or(0));
        const auto gap = line.find("gap");
        const auto record = gap ? gap : line.find("record");
        if (!lines.emplace(number, Line{id->as_string().value_or(""), std::string(record ? record->raw() : "")}).second)
          complain(path + ": seq " + std::to_string(number) + " is in the files twice");
        if (number <= before) complain(path + ": seq " + std::to_string(number) + " comes after " + std::to_string(before));
        before = number;
      }
      at = end + 1;
    }
  }
  return lines;
}

void Judge::check_exporters() {
  std::vector<ExporterPlan> plans = world_.configuration.exporters;
  plans.insert(plans.end(), world_.configuration.former.begin(), world_.configuration.former.end());
  for (const ExporterRow& row : snapshot_.exporters) {
    if (!row.books.balance(snapshot_.last_seq)) complain("the books of exporter " + row.name + " do not balance");
    if (row.books.added_seq != 0) complain("exporter " + row.name + " begins after seq " + std::to_string(row.books.added_seq) + " although it was to begin with the oldest");
    const auto plan = std::find_if(plans.begin(), plans.end(), [&row](const ExporterPlan& one) { return one.name == row.name; });
    if (plan == plans.end()) {
      complain("nobody has ever configured exporter " + row.name);
    } else {
      check_exporter(row, *plan);
    }
  }
}

// Up to its position: everything, where it is in use.
void Judge::check_exporter(const ExporterRow& row, const ExporterPlan& plan) {
  std::map<std::uint64_t, Line> there;
  if (plan.is_file()) {
    there = lines_of(plan, row.attached);
  } else {
    for (const auto& [seq, taken] : world_.far_end(plan.name).taken) there[seq] = {taken.id, ""};
  }
  const ExporterBooks& books = row.books;
  const std::set<std::uint64_t>& dead = dead_[plan.name];
  std::uint64_t selected = 0;
  std::uint64_t not_selected = 0;
  std::uint64_t missing = 0;
  std::uint64_t example = 0;
  for (const auto& [seq, entry] : entries_) {
    const bool settled = seq <= books.position;
    const bool of_others = !entry.gap_exporter.empty() && entry.gap_exporter != plan.name;
    const bool wanted = plan.streams.empty() || std::find(plan.streams.begin(), plan.streams.end(), entry.stream) != plan.streams.end();
    if (!wanted || of_others) {
      if (settled) ++not_selected;
      continue;
    }
    if (settled) ++selected;
    if (dead.contains(seq)) continue;
    const auto found = there.find(seq);
    if (found == there.end()) {
      if (settled && missing++ == 0) example = seq;
    } else if (!found->second.id.ends_with(entry.id)) {
      complain("exporter " + plan.name + " has " + found->second.id + " under seq " + std::to_string(seq) + ", which is " + entry.id);
    } else if (plan.is_file() && found->second.record != entry.raw) {
      complain("exporter " + plan.name + " has another record under seq " + std::to_string(seq) + ": " + found->second.record);
    }
  }
  if (missing > 0) complain("exporter " + plan.name + " misses " + std::to_string(missing) + " records, for example seq " + std::to_string(example));
  for (const auto& [seq, line] : there) {
    if (seq > snapshot_.last_seq || !entries_.contains(seq)) complain("exporter " + plan.name + " has seq " + std::to_string(seq) + ", which the journal does not have");
    // A dead letter may have been taken by a far end that said otherwise; a file has no second opinion.
    if (plan.is_file() && dead.contains(seq)) complain("exporter " + plan.name + " has a dead letter in its files");
  }
  if (row.attached && books.position != snapshot_.last_seq) complain("exporter " + plan.name + " has not settled everything");
  if (books.dead != dead.size()) complain("exporter " + plan.name + " counts " + std::to_string(books.dead) + " dead letters; there are " + std::to_string(dead.size()));
  if (books.released != 0 || books.discarded != 0) complain("exporter " + plan.name + " counts records as released or discarded, which nobody did");
  // What is confirmed beyond the position is counted with it; a detached exporter may have left letters there.
  std::uint64_t dead_settled = 0;
  for (const std::uint64_t seq : dead) dead_settled += seq <= books.position ? 1 : 0;
  if (books.delivered + dead_settled != selected)
    complain("exporter " + plan.name + " counts " + std::to_string(books.delivered) + " delivered and " + std::to_string(books.dead) + " dead of " + std::to_string(selected) + " selected");
  if (books.not_selected != not_selected)
    complain("exporter " + plan.name + " counts " + std::to_string(books.not_selected) + " entries that it does not select; there are " + std::to_string(not_selected));
  const FarEnd* far_end = plan.is_file() ? nullptr : &world_.far_end(plan.name);
  for (const std::uint64_t seq : dead) {
    const auto refused = far_end ? far_end->refused.find(seq) : std::map<std::uint64_t, std::uint64_t>::const_iterator();
    if (!far_end || refused == far_end->refused.end()) {
      complain("exporter " + plan.name + " has a dead letter that nobody refused: seq " + std::to_string(seq));
    } else if (far_end->confirmed <= refused->second) {
      complain("exporter " + plan.name + " has a dead letter, seq " + std::to_string(seq) + ", and its far end has accepted nothing since it refused that");
    }
  }
}

}  // namespace

void judge(World& world) { Judge(world).run(); }

}  // namespace auditferry::simulation
