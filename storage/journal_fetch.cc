// The part of Journal that takes pages in: streams, walks, the page transaction, publication, gaps.

#include <algorithm>

#include "core/check.h"
#include "encoding/hash.h"
#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/journal_parts.h"
#include "storage/page_intake.h"
#include "storage/range_text.h"

namespace auditferry {
namespace {

std::string json_range(TimeRange range) {
  return "[\"" + format_rfc3339(range.from) + "\",\"" + format_rfc3339(range.to) + "\"]";
}

std::string json_ranges(const std::vector<TimeRange>& ranges) {
  std::string text = "[";
  for (const TimeRange& range : ranges) {
    if (text.size() > 1) text += ',';
    text += json_range(range);
  }
  return text + "]";
}

std::string page_detail(const PageToStore& page, const PageIntake& intake) {
  JsonObject detail;
  const PageProvenance& provenance = page.provenance;
  detail.text("source", page.source).text("how", provenance.how).value("window", json_range(provenance.window));
  detail.text_if("query", provenance.query).text_if("cursor_in", provenance.cursor_in).text_if("cursor_out", provenance.cursor_out);
  detail.number("status", static_cast<std::uint64_t>(provenance.status));
  detail.text_if("request_id", provenance.request_id).text_if("date", provenance.server_date);
  detail.number("records", page.page->records.size()).number("new", intake.fresh.size());
  if (intake.revisions > 0) detail.number("changed", intake.revisions);
  if (!page.page->oversized.empty()) detail.number("oversized", page.page->oversized.size());
  if (intake.first_time) detail.text("first", format_rfc3339(*intake.first_time)).text("last", format_rfc3339(*intake.last_time));
  detail.text("sha256", provenance.body_sha256);
  return detail.finish();
}

// Puts the page's new records down as one payload that belongs to the walk.
void stage(Journal::Parts& parts, const PageToStore& page, const PageIntake& intake) {
  if (intake.fresh.empty()) return;
  const std::string body = encode_payload(page.source, page.received, intake.fresh);
  const std::int64_t payload_id = parts.add_payload(page.stream_id, intake.fresh.size(), page.received, body);
  const Record& first = intake.fresh.front();
  const Record& last = intake.fresh.back();
  parts.insert_staged.run(payload_id, page.walk_id, intake.fresh.size(), to_micros(first.time), first.id,
                          to_micros(last.time), last.id);
}

// What of a page went to the quarantine, and what of it was there before.
struct Kept {
  std::vector<bool> is_new;  // per item
  std::uint64_t records = 0;
  std::uint64_t known_records = 0;
};

Kept keep_apart(Journal::Parts& parts, const PageToStore& page, const PageIntake& intake, WallTime now) {
  Kept kept;
  const bool new_repairs =
      std::any_of(intake.fresh.begin(), intake.fresh.end(), [](const Record& record) { return record.repaired; });
  for (const QuarantineItem& item : page.quarantine) {
    const bool wanted = !item.of_repaired || new_repairs;
    kept.is_new.push_back(wanted && parts.quarantine.keep(page.stream_id, item, now));
    (kept.is_new.back() ? kept.records : kept.known_records) += item.records;
  }
  return kept;
}

}  // namespace

Result<CollectionState> Journal::attach(const StreamIdentity& identity, const std::string& source, const std::string& base_url,
                                        const std::string& fingerprint, const std::string& query, WallTime now) {
  std::int64_t collection_id = 0;
  bool is_new = false;
  Status attached = in_transaction(*parts_, [&]() -> Status {
    Database& database = *parts_->database;
    Statement make_stream(database,
                          "INSERT INTO stream(vendor, tenant, name, source) VALUES (?, ?, ?, ?) ON CONFLICT(vendor, tenant, name) DO UPDATE "
                          "SET source = excluded.source RETURNING stream_id");
    make_stream.query(identity.vendor, identity.tenant, identity.stream, source).step();
    const std::int64_t stream_id = make_stream.integer(0);
    make_stream.reset();
    Statement make(database, "INSERT OR IGNORE INTO collection(stream_id, base_url, fingerprint, created) VALUES (?, ?, ?, ?)");
    make.run(stream_id, base_url, fingerprint, to_micros(now));
    is_new = database.changes() == 1;
    Statement find(database, "SELECT collection_id FROM collection WHERE stream_id = ? AND base_url = ? AND fingerprint = ?");
    find.query(stream_id, base_url, fingerprint).step();
    collection_id = find.integer(0);
    find.reset();
    if (is_new) {
      JsonObject detail;
      detail.text("source", source).text("base_url", base_url).text_if("query", query).text("fingerprint", fingerprint);
      parts_->ledger.append(stream_id, now, "collection", detail.finish());
    }
    // What other ways of asking had fetched and not yet published is kept, without claiming coverage.
    Statement orphans(database,
                      "UPDATE walk SET publishing = 1 WHERE publishing = 0 AND collection_id IN (SELECT collection_id FROM collection WHERE "
                      "stream_id = ? AND collection_id <> ?)");
    orphans.run(stream_id, collection_id);
    return {};
  });
  if (!attached) return std::move(attached).error();
  Result<CollectionState> state = load_collection(collection_id);
  if (state) state->is_new = is_new;
  return state;
}

Result<CollectionState> Journal::load_collection(std::int64_t collection_id) {
  return guarded([&]() -> Result<CollectionState> {
    Database& database = *parts_->database;
    CollectionState state;
    state.collection_id = collection_id;
    Statement row(database, "SELECT stream_id, start_time, state FROM collection WHERE collection_id = ?");
    AUDITFERRY_CHECK(row.query(collection_id).step());
    state.stream_id = row.integer(0);
    if (!row.is_null(1)) state.start = from_micros(row.integer(1));
    state.state = row.text(2);
    row.reset();
    state.coverage = parts_->coverage.load(collection_id);
    state.gaps = parts_->gaps.of_collection(collection_id);
    state.walks = load_walks(database,
                             "collection_id = ?1 OR (publishing = 1 AND collection_id IN (SELECT collection_id FROM collection WHERE "
                             "stream_id = (SELECT stream_id FROM collection WHERE collection_id = ?1)))",
                             collection_id);
    return state;
  });
}

Status Journal::set_start(std::int64_t collection_id, WallTime start) {
  return in_transaction(*parts_, [&]() -> Status {
    Statement statement(*parts_->database, "UPDATE collection SET start_time = ? WHERE collection_id = ?");
    statement.run(to_micros(start), collection_id);
    return {};
  });
}

Status Journal::save_collection(std::int64_t collection_id, const std::string& state) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->save_collection(collection_id, state);
    return {};
  });
}

Result<std::int64_t> Journal::begin_walk(std::int64_t collection_id, const std::string& how, TimeRange window, const std::string& state,
                                         WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<std::int64_t> {
    return parts_->insert_walk(collection_id, how, window, state, now);
  });
}

std::int64_t Journal::Parts::insert_walk(std::int64_t collection_id, const std::string& how, TimeRange window, const std::string& state,
                                         WallTime now) {
  Statement insert(*database, "INSERT INTO walk(collection_id, how, from_time, to_time, started, state) VALUES (?, ?, ?, ?, ?, ?)");
  insert.run(collection_id, how, to_micros(window.from), to_micros(window.to), to_micros(now), state);
  return database->last_insert_id();
}

void Journal::Parts::save_collection(std::int64_t collection_id, const std::string& state) {
  Statement statement(*database, "UPDATE collection SET state = ? WHERE collection_id = ?");
  statement.run(state, collection_id);
}

Status Journal::save_walk(std::int64_t walk_id, const std::string& state) {
  return in_transaction(*parts_, [&]() -> Status {
    parts_->update_walk.run(state, walk_id);
    return {};
  });
}

Result<StoredPage> Journal::store_page(const PageToStore& given, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<StoredPage> {
    PageToStore page = given;
    if (page.walk_id == 0) {
      page.walk_id = parts_->insert_walk(page.collection_id, page.provenance.how, page.provenance.window, page.walk_state, now);
    }
    Result<PageIntake> intake = take_in(parts_->identities, page);
    if (!intake) return std::move(intake).error();
    stage(*parts_, page, *intake);
    const Kept kept = keep_apart(*parts_, page, *intake, now);
    const std::uint64_t seen = page.page->records.size();
    parts_->count_page.run(page.stream_id, seen + kept.records + kept.known_records, intake->duplicates + kept.known_records,
                           intake->fresh.size(), kept.records, intake->revisions, intake->late,
                           intake->last_time ? to_micros(*intake->last_time) : std::int64_t{0});
    for (const auto& [step, records] : intake->lateness) parts_->count_late.run(page.stream_id, std::int64_t{step}, records);
    const bool empty = seen + page.page->oversized.size() == 0 && page.provenance.cursor_in.empty() && page.provenance.cursor_out.empty();
    const std::string detail = page_detail(page, *intake);
    if (empty) {
      parts_->ledger.append_repeating(page.stream_id, now, "empty", detail);
    } else {
      parts_->ledger.append(page.stream_id, now, "page", detail);
    }
    std::vector<NewGap> new_gaps;
    for (const NewGap& gap : page.gaps) {
      if (parts_->add_gap(page.stream_id, page.collection_id, std::nullopt, gap, 0, 0, now)) new_gaps.push_back(gap);
    }
    if (page.collection_state) parts_->save_collection(page.collection_id, *page.collection_state);
    StoredPage stored{page.walk_id, intake->fresh.size(), intake->duplicates, intake->revisions, intake->late, intake->latest, std::move(new_gaps), kept.is_new, false};
    parts_->update_walk.run(page.walk_state, page.walk_id);
    if (parts_->database->changes() != 1) {
      // Stored, its records would wait for ever for a number.
      return Error{ErrorKind::invalid, "the walk that this page belongs to has ended already; nothing of the page was stored"};
    }
    if (page.end) stored.walk_finished = parts_->finish_fetching(page.walk_id, page.end->covered, empty, now);
    return stored;
  });
}

bool Journal::Parts::finish_fetching(std::int64_t walk_id, const std::vector<TimeRange>& covered, bool after_empty_page, WallTime now) {
  Statement update(*database, "UPDATE walk SET publishing = 1, covered = ? WHERE walk_id = ?");
  update.run(encode_ranges(covered), walk_id);
  Statement staged(*database, "SELECT 1 FROM staged WHERE walk_id = ? LIMIT 1");
  const bool any = staged.query(walk_id).step();
  staged.reset();
  if (!any) complete_walk(walk_id, after_empty_page, now);
  return !any;
}

bool Journal::Parts::complete_walk(std::int64_t walk_id, bool after_empty_page, WallTime now) {
  Statement walk(*database, "SELECT collection_id, how, from_time, to_time, covered FROM walk WHERE walk_id = ?");
  AUDITFERRY_CHECK(walk.query(walk_id).step());
  const std::int64_t collection_id = walk.integer(0);
  const std::string how(walk.text(1));
  const TimeRange window{from_micros(walk.integer(2)), from_micros(walk.integer(3))};
  const Result<std::vector<TimeRange>> stored = decode_ranges(walk.text(4));
  walk.reset();
  // What it has shown is not known any more: nothing is claimed, and its time is asked for again.
  const std::vector<TimeRange> covered = stored.ok() ? *stored : std::vector<TimeRange>();
  for (const TimeRange& range : covered) coverage.add(collection_id, range, how, now);
  if (!covered.empty()) heal_gaps(collection_id, now);
  // What an empty poll has shown stands in its own row; a row more each time would keep the empty ones
  // from sharing theirs.
  if (!after_empty_page) {
    JsonObject detail;
    detail.text("how", how).value("window", json_range(window)).value("covered", json_ranges(covered)).number("last_seq", last_seq);
    if (!stored) detail.text("damaged", stored.error().message);
    ledger.append(stream_of_collection(collection_id), now, "walk", detail.finish());
  }
  Statement remove(*database, "DELETE FROM walk WHERE walk_id = ?");
  remove.run(walk_id);
  return stored.ok();
}

Status Journal::end_walk(std::int64_t walk_id, const std::vector<TimeRange>& covered, const std::vector<NewGap>& gaps,
                         const std::string& collection_state, WallTime now) {
  return in_transaction(*parts_, [&]() -> Status {
    Statement walk(*parts_->database, "SELECT collection_id FROM walk WHERE walk_id = ?");
    AUDITFERRY_CHECK(walk.query(walk_id).step());
    const std::int64_t collection_id = walk.integer(0);
    walk.reset();
    for (const NewGap& gap : gaps) {
      parts_->add_gap(parts_->stream_of_collection(collection_id), collection_id, std::nullopt, gap, 0, 0, now);
    }
    parts_->save_collection(collection_id, collection_state);
    parts_->finish_fetching(walk_id, covered, false, now);
    return {};
  });
}

Result<PublishProgress> Journal::publish(std::int64_t walk_id, std::uint64_t max_records, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<PublishProgress> {
    Statement walk(*parts_->database, "SELECT collection_id FROM walk WHERE walk_id = ?");
    if (!walk.query(walk_id).step()) return PublishProgress{0, parts_->last_seq, true};
    const std::int64_t stream_id = parts_->stream_of_collection(walk.integer(0));
    walk.reset();
    const Publisher::Chunk chunk = parts_->publisher.publish(walk_id, parts_->last_seq + 1, max_records, now);
    parts_->last_seq += chunk.records;
    Statement count(*parts_->database, "UPDATE stream SET staged = staged - ?2, journaled = journaled + ?2 WHERE stream_id = ?1");
    count.run(stream_id, chunk.records);
    const bool claimed = !chunk.complete || parts_->complete_walk(walk_id, false, now);
    return PublishProgress{chunk.records, parts_->last_seq, chunk.complete, !claimed};
  });
}

Result<bool> Journal::quarantine(std::int64_t stream_id, const QuarantineItem& item, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<bool> {
    const bool is_new = parts_->quarantine.keep(stream_id, item, now);
    const std::uint64_t known = is_new ? 0 : item.records;
    parts_->count_page.run(stream_id, item.records, known, std::int64_t{0}, item.records - known, std::int64_t{0}, std::int64_t{0},
                           std::int64_t{0});
    if (!is_new) return false;
    JsonObject detail;
    detail.text("why", item.why).number("bytes", item.body.size()).text("sha256", hex(sha256(item.body)));
    parts_->ledger.append(stream_id, now, "quarantine", detail.finish());
    return true;
  });
}

Result<bool> Journal::is_quarantined(std::int64_t stream_id, const QuarantineItem& item) {
  return guarded([&]() -> Result<bool> { return parts_->quarantine.holds(stream_id, item); });
}

Result<bool> Journal::record_gap(std::int64_t collection_id, const NewGap& gap, WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<bool> {
    return parts_->add_gap(parts_->stream_of_collection(collection_id), collection_id, std::nullopt, gap, 0, 0, now).has_value();
  });
}

Result<std::int64_t> Journal::record_exporter_gap(const ExporterRow& exporter, const NewGap& gap, std::uint64_t first, std::uint64_t last,
                                                  WallTime now) {
  return in_transaction(*parts_, [&]() -> Result<std::int64_t> {
    // A crash between this and the position's move must not tell it twice.
    Statement known(*parts_->database, "SELECT gap_id FROM gap WHERE exporter_id = ? AND from_seq = ? AND type = ?");
    if (known.query(exporter.exporter_id, first, gap.type).step()) return known.integer(0);
    return parts_->add_gap(0, std::nullopt, exporter, gap, first, last, now).value_or(0);
  });
}

Result<Journal::Around> Journal::records_around(std::int64_t stream_id, WallTime time) {
  return guarded([&]() -> Result<Around> {
    Around around;
    Statement before(*parts_->database, "SELECT 1 FROM identity WHERE stream_id = ? AND time <= ? LIMIT 1");
    around.had_before = before.query(stream_id, to_micros(time)).step();
    before.reset();
    Statement after(*parts_->database, "SELECT min(time) FROM identity WHERE stream_id = ? AND time > ?");
    if (after.query(stream_id, to_micros(time)).step() && !after.is_null(0)) around.first_after = from_micros(after.integer(0));
    after.reset();
    return around;
  });
}

// What no walk could show of the gap's range and no other gap tells. Nothing is missing where an earlier walk has
// been: this one only could not look once more.
std::vector<TimeRange> Journal::Parts::untold_of(std::int64_t collection_id, const NewGap& gap) {
  std::vector<CoverageInterval> told;
  for (const GapRow& known : gaps.of_collection(collection_id)) {
    if (known.range && heals_by_coverage(known.type)) told.push_back({*known.range, "gap", known.opened});
  }
  std::vector<TimeRange> untold = holes_in(told, *gap.range);
  const std::vector<CoverageInterval> shown = coverage.load(collection_id);
  std::erase_if(untold, [&](const TimeRange& hole) {
    return (hole.from == hole.to && hole != *gap.range) || holes_in(shown, hole).empty();
  });
  return untold;
}

std::optional<std::int64_t> Journal::Parts::add_gap(std::int64_t stream_id, std::optional<std::int64_t> collection_id,
                                                    std::optional<ExporterRow> exporter, const NewGap& gap, std::uint64_t from_seq,
                                                    std::uint64_t to_seq, WallTime now) {
  if (collection_id && gaps.telling(*collection_id, gap)) return std::nullopt;
  if (collection_id && heals_by_coverage(gap.type) && gap.range) {
    const std::vector<TimeRange> untold = untold_of(*collection_id, gap);
    if (untold.empty()) return std::nullopt;
    if (untold != std::vector<TimeRange>{*gap.range}) {
      std::optional<std::int64_t> last;
      for (const TimeRange& range : untold) {
        last = add_gap(stream_id, collection_id, exporter, NewGap{gap.type, range, gap.why}, from_seq, to_seq, now);
      }
      return last;
    }
  }
  const std::int64_t gap_id = gaps.insert(collection_id, exporter ? std::optional(exporter->exporter_id) : std::nullopt, gap, from_seq, to_seq, now);
  GapRow row;
  row.gap_id = gap_id;
  row.type = gap.type;
  row.range = gap.range;
  row.from_seq = from_seq;
  row.to_seq = to_seq;
  row.why = gap.why;
  row.state = "open";
  row.opened = now;
  tell_gap(row, stream_id, exporter ? exporter->name : std::string(), now);
  return gap_id;
}

void Journal::Parts::tell_gap(const GapRow& gap, std::int64_t stream_id, const std::string& exporter, WallTime now) {
  JsonObject entry;
  entry.text("type", gap.type);
  entry.value("from", gap.range ? "\"" + format_rfc3339(gap.range->from) + "\"" : "null");
  entry.value("to", gap.range ? "\"" + format_rfc3339(gap.range->to) + "\"" : "null");
  entry.text("why", gap.why).text("state", gap.state);
  if (!exporter.empty()) entry.text("exporter", exporter).number("from_seq", gap.from_seq).number("to_seq", gap.to_seq);
  entry.text_if("accepted_by", gap.accepted_by).text_if("reason", gap.reason);
  const std::string raw = entry.finish();
  const bool opened = gap.state == "open";
  // Of this journal alone: where several journals meet, at Elasticsearch for example, no gap hides another's.
  const std::string id = "gap-" + epoch.substr(0, 12) + "-" + std::to_string(gap.gap_id);
  Record record;
  record.id = id;
  record.revision = opened ? 1 : 2;
  record.time = gap.range ? gap.range->from : gap.opened;
  record.gap = true;
  record.raw = raw;
  Statement label(*database, "SELECT source FROM stream WHERE stream_id = ?");
  const std::string source = label.query(stream_id).step() ? std::string(label.text(0)) : std::string();
  label.reset();
  const std::string body = encode_payload(source, now, {record});
  publisher.publish_payload(add_payload(stream_id, 1, now, body), ++last_seq, 1, now);
  if (opened) ledger.append(stream_id, now, "gap", raw);
}

void Journal::Parts::heal_gaps(std::int64_t collection_id, WallTime now) {
  std::vector<CoverageInterval> shown;
  for (GapRow& gap : gaps.of_collection(collection_id)) {
    if (gap.state != "open" || !gap.range || !heals_by_coverage(gap.type)) continue;
    if (shown.empty()) shown = coverage.load(collection_id);
    if (!holes_in(shown, *gap.range).empty()) continue;
    gaps.set_state(gap.gap_id, "healed", now);
    JsonObject detail;
    detail.number("gap", static_cast<std::uint64_t>(gap.gap_id)).text("type", gap.type).value("range", json_range(*gap.range));
    ledger.append(stream_of_collection(collection_id), now, "gap healed", detail.finish());
    gap.state = "healed";
    tell_gap(gap, stream_of_collection(collection_id), "", now);
  }
}

std::int64_t Journal::Parts::add_payload(std::int64_t stream_id, std::size_t records, WallTime received, const std::string& body) {
  const ShortHash hash = short_hash(body);
  insert_payload.run(stream_id, records, to_micros(received), Statement::Blob{bytes_of(hash)}, Statement::Blob{body});
  return database->last_insert_id();
}

std::vector<StoredWalk> load_walks(Database& database, const std::string& condition, std::int64_t collection_id) {
  const std::string sql = "SELECT walk_id, how, from_time, to_time, publishing, state FROM walk WHERE " + condition + " ORDER BY walk_id";
  Statement row(database, sql.c_str());
  std::vector<StoredWalk> walks;
  row.query(collection_id);
  while (row.step()) {
    walks.push_back({row.integer(0), std::string(row.text(1)), {from_micros(row.integer(2)), from_micros(row.integer(3))},
                     row.integer(4) != 0, std::string(row.text(5))});
  }
  return walks;
}

}  // namespace auditferry
