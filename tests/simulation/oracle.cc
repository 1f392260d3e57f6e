#include "tests/simulation/oracle.h"

#include <algorithm>
#include <set>

#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "sandbox/query.h"
#include "storage/snapshot.h"

namespace auditferry::simulation {
namespace {

// An entry of the journal.
struct Entry {
  StreamIdentity identity;
  std::string id;  // with "@n"
  std::string stream;
  bool gap = false;
  std::string gap_exporter;  // of a gap that concerns one exporter only
  std::string raw;           // the vendor's record; nothing where it was repaired
};

class Judge {
 public:
  explicit Judge(World& world) : world_(world) {}
  void run();

 private:
  void read_journal();
  void check_ledger();
  void check_streams();
  void check_coverage(const StreamSnapshot& stream, const CollectionSnapshot& collection, const Asked& asked);
  void check_gaps(const CollectionSnapshot& collection, const std::vector<GapRow>& gaps, const std::vector<RecordInfo>& records);
  void check_made_up();
  void check_exporter(const ExporterRow& row, const ExporterPlan& plan);
  std::map<std::uint64_t, std::string> lines_of(const ExporterPlan& plan);
  void complain(const std::string& what) { world_.complain(what); }
  bool collected(const StreamIdentity& identity, const std::string& id) const { return first_ids_.contains({identity, id}); }

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
  check_streams();
  check_made_up();
  for (const ExporterRow& row : snapshot_.exporters) {
    if (!row.books.balance(snapshot_.last_seq)) complain("the books of exporter " + row.name + " do not balance");
    for (const ExporterPlan& plan : world_.configuration.exporters) {
      if (plan.name == row.name && plan.enabled) check_exporter(row, plan);
    }
  }
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
      entry.id = record.id;
      if (!record.gap && !record.repaired) entry.raw = record.raw;
      if (!record.gap && record.revision == 1 && !first_ids_.insert({entry.identity, entry.id}).second)
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
    std::uint64_t journaled = 0;
    for (const auto& [seq, entry] : entries_) journaled += !entry.gap && entry.identity == stream.identity ? 1 : 0;
    if (journaled != books.journaled)
      complain(name + " counts " + std::to_string(books.journaled) + " records as journaled; there are " + std::to_string(journaled));
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

// Every record that the way of asking fits and whose time lies in what the collection says it has shown (or
// knows as lost) is in the journal, or in a gap, or came later than overlap and reread can see.
void Judge::check_coverage(const StreamSnapshot& stream, const CollectionSnapshot& collection, const Asked& asked) {
  if (!collection.start) return;
  const std::string name = stream.identity.vendor + "/" + stream.identity.stream + (asked.query.empty() ? "" : " (" + asked.query + ")");
  // Where coverage begins is told by the moment when a process first asked, which is soon after it began.
  const bool begins_well = std::any_of(asked.begins.begin(), asked.begins.end(),
                                       [&](WallTime begin) { return *collection.start <= begin - start_ago + std::chrono::minutes(2); });
  if (!begins_well && !world_.configuration.retention) complain(name + " begins at " + shown(*collection.start) + ", later than any process asked for");
  const Result<CollectionState> state = journal_->load_collection(collection.collection_id);
  if (!state.ok()) return complain("a collection cannot be read: " + state.error().message);
  const Result<RecordFilter> filter = parse_query(asked.query, asked.vendor == "okta" ? SandboxLog::okta : SandboxLog::audit);
  const std::vector<RecordInfo> records = world_.portal->all_records(portal_log(asked.vendor, asked.stream));
  WallTime last_shown = *collection.start;
  for (const CoverageInterval& interval : collection.coverage) last_shown = std::max(last_shown, interval.range.to);
  std::size_t lost = 0;
  std::string example;
  for (const RecordInfo& record : records) {
    const bool is_covered = std::any_of(collection.coverage.begin(), collection.coverage.end(),
                                        [&](const CoverageInterval& interval) { return interval.range.contains(record.created); });
    if (!is_covered || record.created < *collection.start) continue;
    if (filter.ok() && *filter && !(*filter)(*record.json)) continue;
    if (collected(stream.identity, record.id)) continue;
    const bool in_gap = std::any_of(state->gaps.begin(), state->gaps.end(),
                                    [&](const GapRow& gap) { return gap.range && gap.range->contains(record.created); });
    if (in_gap) continue;
    const Duration lateness = record.first_visible - record.created;
    const bool reread = asked.vendor == "okta" || asked.stream != "audit" || world_.configuration.audit_is_reread;
    if (lateness > (reread ? reread_delay : overlap / 2)) continue;
    // Nobody asks in this way any more, and it came late or in the last moments that somebody did.
    const bool in_use = asked.vendor == "okta" || asked.stream != "audit" || asked.query == world_.configuration.audit_query;
    if (!in_use && (lateness > std::chrono::seconds(1) || record.created >= last_shown - std::chrono::seconds(2))) continue;
    // Late, and forgotten before it could be looked for again; logs that are read forward have no overlap.
    const Duration overlooked = asked.vendor == "okta" ? Duration::zero() : Duration(std::chrono::seconds(1));
    if (lateness > overlooked && record.forgotten) continue;
    ++lost;
    if (example.empty())
      example = record.id + " of " + shown(record.created) + ", visible from " + shown(record.first_visible) + (record.forgotten ? ", forgotten since" : "");
  }
  if (lost > 0) complain(name + " has lost " + std::to_string(lost) + " records that it says it has shown: " + example);
  check_gaps(collection, state->gaps, records);
}

void Judge::check_gaps(const CollectionSnapshot& collection, const std::vector<GapRow>& gaps, const std::vector<RecordInfo>& records) {
  for (const GapRow& gap : gaps) {
    if (!gap.range) continue;
    const std::string name = "the gap \"" + gap.type + "\" from " + shown(gap.range->from) + " to " + shown(gap.range->to);
    if (gap.range->to < gap.range->from) complain(name + " ends before it begins");
    if (gap.range->from < *collection.start - std::chrono::seconds(2)) complain(name + " begins before its stream");
    if (gap.range->to > world_.portal_time()) complain(name + " lies in the future");
    if (gap.type == "unreachable" && gap.range->to - gap.range->from > std::chrono::seconds(4)) complain(name + " is wider than two units");
    if (gap.type != "forgotten") continue;
    // What the portal never forgets cannot be in it.
    const bool any = std::any_of(records.begin(), records.end(), [](const RecordInfo& record) { return record.forgotten; });
    if (!any) complain(name + " is told although the portal has forgotten nothing");
  }
}

void Judge::check_made_up() {
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::shared_ptr<const std::string>>> known;
  for (const StreamSnapshot& stream : snapshot_.streams) {
    for (const RecordInfo& record : world_.portal->all_records(portal_log(stream.identity.vendor, stream.identity.stream)))
      known[{stream.identity.vendor, stream.identity.stream}].emplace(record.id, record.json);
  }
  for (const auto& [identity, id] : first_ids_) {
    if (!known[{identity.vendor, identity.stream}].contains(id)) complain("the portal never had " + identity.stream + " " + id);
  }
  for (const auto& [seq, entry] : entries_) {
    const auto& records = known[{entry.identity.vendor, entry.identity.stream}];
    const auto record = records.find(entry.id);
    if (!entry.raw.empty() && record != records.end() && entry.raw != *record->second)
      complain("seq " + std::to_string(seq) + " is not what the portal has as " + entry.id + ": " + entry.raw);
  }
}

// seq to id of the lines in the exporter's files; complains of a line that is there twice.
std::map<std::uint64_t, std::string> Judge::lines_of(const ExporterPlan& plan) {
  std::map<std::uint64_t, std::string> lines;
  for (const auto& [path, content] : world_.files.contents()) {
    if (!path.starts_with(std::string(out_folder) + "/" + plan.name + "/")) continue;
    if (!content.empty() && content.back() != '\n') complain(path + " ends in the middle of a line");
    for (std::size_t at = 0; at < content.size();) {
      const std::size_t end = std::min(content.find('\n', at), content.size());
      const JsonView line(std::string_view(content).substr(at, end - at));
      const auto seq = line.find("seq");
      const auto id = line.find("id");
      if (!seq || !id) {
        complain(path + " holds a line that is none");
      } else if (!lines.emplace(static_cast<std::uint64_t>(seq->as_int64().value_or(0)), id->as_string().value_or("")).second) {
        complain(path + ": seq " + std::string(seq->scalar_text()) + " is in the files twice");
      }
      at = end + 1;
    }
  }
  return lines;
}

void Judge::check_exporter(const ExporterRow& row, const ExporterPlan& plan) {
  std::map<std::uint64_t, std::string> there;
  if (plan.file) {
    there = lines_of(plan);
  } else {
    for (const auto& [seq, taken] : world_.far_end(plan.name).taken) there[seq] = taken.id;
  }
  const std::set<std::uint64_t>& dead = dead_[plan.name];
  std::uint64_t selected = 0;
  std::uint64_t not_selected = 0;
  std::uint64_t missing = 0;
  std::uint64_t example = 0;
  for (const auto& [seq, entry] : entries_) {
    if (seq <= row.books.added_seq) continue;
    const bool of_others = !entry.gap_exporter.empty() && entry.gap_exporter != plan.name;
    const bool wanted = plan.streams.empty() || std::find(plan.streams.begin(), plan.streams.end(), entry.stream) != plan.streams.end();
    if (!wanted || of_others) {
      ++not_selected;
      continue;
    }
    ++selected;
    if (dead.contains(seq)) continue;
    const auto found = there.find(seq);
    if (found == there.end()) {
      if (missing++ == 0) example = seq;
    } else if (!found->second.ends_with(entry.id)) {
      complain("exporter " + plan.name + " has " + found->second + " under seq " + std::to_string(seq) + ", which is " + entry.id);
    }
  }
  if (missing > 0) complain("exporter " + plan.name + " misses " + std::to_string(missing) + " records, for example seq " + std::to_string(example));
  for (const auto& [seq, id] : there) {
    if (seq > snapshot_.last_seq || !entries_.contains(seq)) complain("exporter " + plan.name + " has seq " + std::to_string(seq) + ", which the journal does not have");
    // A dead letter may have been taken by a far end that said otherwise; a file has no second opinion.
    if (plan.file && dead.contains(seq)) complain("exporter " + plan.name + " has a dead letter in its files");
  }
  const ExporterBooks& books = row.books;
  if (books.position != snapshot_.last_seq) complain("exporter " + plan.name + " has not settled everything");
  if (books.dead != dead.size()) complain("exporter " + plan.name + " counts " + std::to_string(books.dead) + " dead letters; there are " + std::to_string(dead.size()));
  if (books.delivered + books.dead != selected || books.released != 0)
    complain("exporter " + plan.name + " counts " + std::to_string(books.delivered) + " delivered and " + std::to_string(books.dead) + " dead of " + std::to_string(selected) + " selected");
  (void)not_selected;
  const FarEnd* far_end = plan.file ? nullptr : &world_.far_end(plan.name);
  for (const std::uint64_t seq : dead) {
    if (!far_end || !far_end->refused.contains(seq)) complain("exporter " + plan.name + " has a dead letter that nobody refused: seq " + std::to_string(seq));
  }
}

}  // namespace

void judge(World& world) { Judge(world).run(); }

}  // namespace auditferry::simulation
