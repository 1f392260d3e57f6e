#pragma once
// The records that a far end refused for good, kept until a person retries or discards them. Writing them
// is part of Journal::advance; here they are read, and settled.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/result.h"
#include "core/time.h"

namespace auditferry {

class Database;
class Journal;

struct DeadLetterRow {
  std::int64_t letter_id = 0;
  std::int64_t exporter_id = 0;
  std::string exporter;
  std::uint64_t seq = 0;
  WallTime at{};
  std::string reason;
  std::int64_t group = 0;  // the id of the first letter of its group; 0: alone
  std::string bytes;       // as they were refused
  StreamIdentity identity;
  // The record, in `batch`; no records: it was stored by an older version that did not keep it, or the letter is damaged.
  RecordBatch batch;
  bool damaged = false;  // what is stored of it is not what was stored: neither bytes nor identity can be relied on
};

struct DeadLetterFilter {
  std::string exporter;                  // by name; empty: all
  std::vector<std::int64_t> letter_ids;  // empty: all
};

// In the order of their ids. Throws SqliteFailure.
void for_each_letter(Database& database, const DeadLetterFilter& filter, const std::function<void(const DeadLetterRow&)>& visit);

// JournalReader::dead_letters shows them to commands; these are for the storage thread.
Result<std::vector<std::int64_t>> dead_letter_ids(Journal& journal, const DeadLetterFilter& filter);
// Nothing: it is gone.
Result<std::optional<DeadLetterRow>> find_dead_letter(Journal& journal, std::int64_t letter_id);
// How many were made for an exporter after `since`.
Result<std::uint64_t> dead_letters_since(Journal& journal, std::int64_t exporter_id, WallTime since);

enum class LetterEnd { delivered, discarded };
// Removes the letter and moves the books, with a row in the ledger. False: it is gone already.
Result<bool> settle_dead_letter(Journal& journal, std::int64_t letter_id, LetterEnd end, WallTime now);
// It was tried again and refused again.
Status keep_dead_letter(Journal& journal, std::int64_t letter_id, const std::string& reason);

}  // namespace auditferry
