#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/journal_types.h"
#include "storage/sqlite.h"

namespace auditferry {

// Coverage together with the gaps of that collection that have a range, as intervals with how "gap": what
// no walk has to ask for again.
std::vector<CoverageInterval> settled_time(std::vector<CoverageInterval> coverage, const std::vector<GapRow>& gaps,
                                           std::int64_t collection_id);

// True for the types that say "no walk could show this": such a gap is healed once a walk does show it.
// The others (forgotten, oversized, released, damaged) lie inside coverage, which says nothing about them.
bool heals_by_coverage(const std::string& type);

// Calls happen inside the caller's transaction; throws SqliteFailure.
class GapTable {
 public:
  explicit GapTable(Database& database);
  std::int64_t insert(std::optional<std::int64_t> collection_id, std::optional<std::int64_t> exporter_id, const NewGap& gap,
                      std::uint64_t from_seq, std::uint64_t to_seq, WallTime now);
  // A gap of the collection that is open or was accepted and already tells what `gap` would. An oversized
  // record is the same gap only with the same words, which name it.
  std::optional<std::int64_t> telling(std::int64_t collection_id, const NewGap& gap);
  // Open and accepted gaps of a collection.
  std::vector<GapRow> of_collection(std::int64_t collection_id);
  // Of all collections and exporters.
  std::vector<GapRow> open();
  std::vector<GapRow> in_state(const std::string& state);
  std::vector<GapRow> all();
  std::optional<GapRow> find(std::int64_t gap_id);
  void set_state(std::int64_t gap_id, const std::string& state, WallTime now);
  void accept(std::int64_t gap_id, const std::string& accepted_by, const std::string& reason, WallTime now);

 private:
  static std::vector<GapRow> rows(Statement& statement);

  Statement insert_;
  Statement of_collection_;
  Statement open_;
  Statement set_state_;
  Database& database_;
};

}  // namespace auditferry
