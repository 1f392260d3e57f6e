#include "storage/gap_table.h"

namespace auditferry {
namespace {

std::string select_where(const std::string& condition) {
  return "SELECT gap_id, collection_id, exporter_id, type, from_time, to_time, from_seq, to_seq, why, state, opened, changed, accepted_by, reason FROM gap WHERE " +
         condition + " ORDER BY gap_id";
}

}  // namespace

std::vector<CoverageInterval> settled_time(std::vector<CoverageInterval> coverage, const std::vector<GapRow>& gaps,
                                           std::int64_t collection_id) {
  for (const GapRow& gap : gaps) {
    if (gap.collection_id == collection_id && gap.range) coverage.push_back({*gap.range, "gap", gap.opened});
  }
  return coverage;
}

bool heals_by_coverage(const std::string& type) { return type == "unreachable" || type == "unreadable"; }

GapTable::GapTable(Database& database)
    : insert_(database,
              "INSERT INTO gap(collection_id, exporter_id, type, from_time, to_time, from_seq, to_seq, why, opened, changed) VALUES "
              "(nullif(?, 0), nullif(?, 0), ?, nullif(?, 0), nullif(?, 0), ?, ?, ?, ?, ?)"),
      of_collection_(database, select_where("collection_id = ? AND state IN ('open', 'accepted')").c_str()),
      open_(database, select_where("state = 'open'").c_str()),
      set_state_(database, "UPDATE gap SET state = ?, changed = ? WHERE gap_id = ?"),
      database_(database) {}

std::int64_t GapTable::insert(std::optional<std::int64_t> collection_id, std::optional<std::int64_t> exporter_id, const NewGap& gap,
                              std::uint64_t from_seq, std::uint64_t to_seq, WallTime now) {
  insert_.run(collection_id.value_or(0), exporter_id.value_or(0), gap.type, gap.range ? to_micros(gap.range->from) : std::int64_t{0},
              gap.range ? to_micros(gap.range->to) : std::int64_t{0}, from_seq, to_seq, gap.why, to_micros(now), to_micros(now));
  return database_.last_insert_id();
}

std::optional<std::int64_t> GapTable::telling(std::int64_t collection_id, const NewGap& gap) {
  for (const GapRow& known : of_collection(collection_id)) {
    if (known.type != gap.type || known.range.has_value() != gap.range.has_value()) continue;
    if (!heals_by_coverage(gap.type) && known.why != gap.why) continue;
    const bool encloses = !gap.range || (known.range->from <= gap.range->from && gap.range->to <= known.range->to);
    if (encloses) return known.gap_id;
  }
  return std::nullopt;
}

std::vector<GapRow> GapTable::of_collection(std::int64_t collection_id) {
  of_collection_.query(collection_id);
  return rows(of_collection_);
}

std::vector<GapRow> GapTable::open() {
  open_.query();
  return rows(open_);
}

std::vector<GapRow> GapTable::in_state(const std::string& state) {
  Statement statement(database_, select_where("state = ?").c_str());
  statement.query(state);
  return rows(statement);
}

std::vector<GapRow> GapTable::all() {
  Statement statement(database_, select_where("1").c_str());
  statement.query();
  return rows(statement);
}

std::optional<GapRow> GapTable::find(std::int64_t gap_id) {
  Statement statement(database_, select_where("gap_id = ?").c_str());
  statement.query(gap_id);
  std::vector<GapRow> found = rows(statement);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void GapTable::accept(std::int64_t gap_id, const std::string& accepted_by, const std::string& reason, WallTime now) {
  Statement accept(database_, "UPDATE gap SET state = 'accepted', accepted_by = ?, reason = ?, changed = ? WHERE gap_id = ?");
  accept.run(accepted_by, reason, to_micros(now), gap_id);
}

void GapTable::set_state(std::int64_t gap_id, const std::string& state, WallTime now) { set_state_.run(state, to_micros(now), gap_id); }

std::vector<GapRow> GapTable::rows(Statement& statement) {
  std::vector<GapRow> gaps;
  while (statement.step()) {
    GapRow gap;
    gap.gap_id = statement.integer(0);
    if (!statement.is_null(1)) gap.collection_id = statement.integer(1);
    if (!statement.is_null(2)) gap.exporter_id = statement.integer(2);
    gap.type = statement.text(3);
    if (!statement.is_null(4)) gap.range = TimeRange{from_micros(statement.integer(4)), from_micros(statement.integer(5))};
    gap.from_seq = static_cast<std::uint64_t>(statement.integer(6));
    gap.to_seq = static_cast<std::uint64_t>(statement.integer(7));
    gap.why = statement.text(8);
    gap.state = statement.text(9);
    gap.opened = from_micros(statement.integer(10));
    gap.changed = from_micros(statement.integer(11));
    gap.accepted_by = statement.text(12);
    gap.reason = statement.text(13);
    gaps.push_back(std::move(gap));
  }
  return gaps;
}

}  // namespace auditferry
