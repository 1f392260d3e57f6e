// The part of Journal that keeps it within its bounds: delivered payloads, old identities, old ledger
// rows, and what happens at max_size.

#include <algorithm>

#include "encoding/json_object.h"
#include "storage/journal_parts.h"

namespace auditferry {
namespace {

// Bounds of one job on the storage thread (ceilings: deleting packed rows takes microseconds each).
constexpr std::int64_t publications_per_step = 200;
constexpr std::int64_t identities_per_step = 5'000;
constexpr std::int64_t ledger_rows_per_step = 2'000;
constexpr std::int64_t quarantine_items_per_step = 10;  // each may be as large as a page
constexpr const char* vacuum_step = "PRAGMA incremental_vacuum(512)";

struct Oldest {
  std::uint64_t first_seq = 0;
  std::uint64_t records = 0;
  std::int64_t payload_id = 0;
  std::uint64_t first_index = 0;
  WallTime at{};
  std::uint64_t last_seq() const { return first_seq + records - 1; }
};

std::vector<Oldest> oldest_publications(Database& database) {
  Statement statement(database, "SELECT first_seq, records, payload_id, first_index, at FROM publication ORDER BY first_seq LIMIT ?");
  std::vector<Oldest> rows;
  statement.query(publications_per_step);
  while (statement.step()) {
    rows.push_back({static_cast<std::uint64_t>(statement.integer(0)), static_cast<std::uint64_t>(statement.integer(1)), statement.integer(2),
                    static_cast<std::uint64_t>(statement.integer(3)), from_micros(statement.integer(4))});
  }
  return rows;
}

// Removes publications in front whose last seq is at most `settled` and that were published before
// `before`; a payload goes with the row that holds its last record.
std::size_t remove_settled(Database& database, const std::vector<Oldest>& rows, std::uint64_t settled, WallTime before) {
  Statement drop(database, "DELETE FROM publication WHERE first_seq = ?");
  Statement drop_payload(database, "DELETE FROM payload WHERE payload_id = ? AND records = ?");
  std::size_t removed = 0;
  for (const Oldest& row : rows) {
    if (row.last_seq() > settled || row.at >= before) break;
    drop.run(row.first_seq);
    drop_payload.run(row.payload_id, row.first_index + row.records);
    ++removed;
  }
  return removed;
}

// The lowest position of the exporters that count; `most` where it is higher.
template <class Counts>
std::uint64_t lowest_position(const std::vector<ExporterRow>& exporters, std::uint64_t most, Counts counts) {
  std::uint64_t lowest = most;
  for (const ExporterRow& row : exporters) {
    if (counts(row)) lowest = std::min(lowest, row.books.position);
  }
  return lowest;
}

// Of those that hold polling up, the one whose oldest record waits longest.
std::string held_by(const std::vector<ExporterRow>& exporters, std::uint64_t last_seq) {
  const ExporterRow* slowest = nullptr;
  for (const ExporterRow& row : exporters) {
    const bool holds = row.attached && row.when_full == "hold" && row.books.position < last_seq;
    if (holds && (slowest == nullptr || row.books.position < slowest->books.position)) slowest = &row;
  }
  return slowest == nullptr ? std::string() : slowest->name;
}

std::uint64_t used(Database& database) {
  const std::int64_t pages = database.query_int("PRAGMA page_count") - database.query_int("PRAGMA freelist_count");
  return static_cast<std::uint64_t>(pages * database.query_int("PRAGMA page_size"));
}

// Like the ledger, which tells of it; but what a walk could still meet is not forgotten. An item is met no earlier
// than the time of its records, so what is older than the oldest time that is still asked for comes no more.
bool prune_quarantine(Journal::Parts& parts, const PruneRules& rules, WallTime now) {
  Statement streams(*parts.database, "SELECT DISTINCT stream_id FROM quarantine");
  std::vector<std::int64_t> ids;
  streams.query();
  while (streams.step()) ids.push_back(streams.integer(0));
  bool more = false;
  for (const std::int64_t stream_id : ids) {
    WallTime before = now - rules.ledger_keep;
    for (const auto& [needed_of, needed] : rules.forget_before) {
      if (needed_of == stream_id) before = std::min(before, needed);
    }
    if (parts.quarantine.prune(stream_id, before, quarantine_items_per_step) == quarantine_items_per_step) more = true;
  }
  return more;
}

}  // namespace

Result<std::uint64_t> Journal::used_bytes() {
  return guarded([&]() -> Result<std::uint64_t> { return used(*parts_->database); });
}

Result<PruneStep> Journal::prune(const PruneRules& rules, WallTime now) {
  PruneStep step;
  Status done = in_transaction(*parts_, [&]() -> Status {
    Database& database = *parts_->database;
    std::vector<ExporterRow> exporters = parts_->exporters.load_all();
    auto settled = [&] { return lowest_position(exporters, parts_->last_seq, [](const ExporterRow&) { return true; }); };
    auto release = [&](ExporterRow& row, std::uint64_t target) {
      if (row.books.position >= target) return;
      const std::string why = "the journal was full and exporter " + row.name + " had not delivered these records (" +
                              (row.attached ? "when_full = \"release\")" : "it is not in use)");
      const std::uint64_t from = row.books.position + 1;
      parts_->exporters.release(row.exporter_id, target);
      step.released += target - row.books.position;
      parts_->add_gap(0, std::nullopt, row, {"released", std::nullopt, why}, from, target, now);
      row.books.position = target;
    };
    const bool over = rules.max_bytes > 0 && used(database) >= rules.max_bytes;
    const std::vector<Oldest> rows = oldest_publications(database);
    // Over the limit, delivered payloads go before their time.
    std::size_t removed = remove_settled(database, rows, settled(), over ? now + std::chrono::hours(1) : now - rules.keep);
    // Then what is not delivered: first that of exporters which are not in use and must hold nobody up, then
    // that of those which say so. Never more than the others need no longer, since it would free nothing.
    for (const bool also_attached : {false, true}) {
      if (!over || removed > 0 || rows.empty()) break;
      const auto gives_way = [also_attached](const ExporterRow& row) { return !row.attached || (also_attached && row.when_full == "release"); };
      const std::uint64_t target =
          lowest_position(exporters, rows.back().last_seq(), [&gives_way](const ExporterRow& row) { return !gives_way(row); });
      for (ExporterRow& row : exporters) {
        if (gives_way(row)) release(row, target);
      }
      removed = remove_settled(database, rows, settled(), now + std::chrono::hours(1));
    }
    step.more = removed == rows.size() && removed > 0;
    for (const auto& [stream_id, before] : rules.forget_before) {
      const WallTime limit = std::min(before, WallTime(now - rules.remember));
      if (parts_->identities.forget(stream_id, limit, identities_per_step) == identities_per_step) step.more = true;
    }
    if (parts_->ledger.prune(now - rules.ledger_keep, ledger_rows_per_step) >= ledger_rows_per_step) step.more = true;
    if (prune_quarantine(*parts_, rules, now)) step.more = true;
    step.used_bytes = used(database);
    step.full = rules.max_bytes > 0 && step.used_bytes >= rules.max_bytes && removed == 0;
    step.no_records = step.full && rows.empty() && database.query_int("SELECT count(*) FROM (SELECT 1 FROM staged LIMIT 1)") == 0;
    if (step.full && !step.no_records) step.held_by = held_by(exporters, parts_->last_seq);
    return {};
  });
  if (!done) return std::move(done).error();
  return guarded([&]() -> Result<PruneStep> {
    // Each step of the pragma gives a page back; running it to its end gives all that were asked for.
    Statement vacuum(*parts_->database, vacuum_step);
    vacuum.query();
    while (vacuum.step()) {
    }
    return step;
  });
}

}  // namespace auditferry
