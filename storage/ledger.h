#pragma once
// The provenance of everything in the journal: rows in hash chains, one chain per stream (its stream_id)
// and chain 0 for the daemon (configuration changes, files closed). The hash of a row is
//   SHA-256(hash of the row before in its chain, 32 zero bytes for the first
//           || chain LF number LF first_at LF at LF repeats LF kind LF detail)
// with numbers in decimal and times in µs since 1970. A row whose kind may repeat (an empty poll) is
// extended as long as it is the last of its chain, so nothing that another row vouches for ever changes.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/time.h"
#include "storage/sqlite.h"

namespace auditferry {

struct LedgerRow {
  std::int64_t chain = 0;
  std::int64_t number = 0;
  WallTime first_at{};
  WallTime at{};
  std::int64_t repeats = 1;
  std::string kind;
  std::string detail;  // a JSON object
  std::string hash;    // 32 bytes
};

struct LedgerFilter {
  std::optional<std::int64_t> chain;
  std::optional<WallTime> from;
  std::optional<WallTime> to;
};

struct ChainVerdict {
  std::int64_t rows = 0;
  // The first row that does not fit its hash or its number; nothing when all fit.
  std::optional<LedgerRow> broken;
};

// Calls happen inside the caller's transaction. Throws SqliteFailure.
class Ledger {
 public:
  explicit Ledger(Database& database);
  void append(std::int64_t chain, WallTime at, const std::string& kind, const std::string& detail);
  // Extends the chain's last row if it is of this kind, else appends.
  void append_repeating(std::int64_t chain, WallTime at, const std::string& kind, const std::string& detail);
  // Removes rows older than `before`, at most `limit`; the rest stays verifiable. Returns how many went.
  std::int64_t prune(WallTime before, std::int64_t limit);

 private:
  void insert(LedgerRow row, const std::string& previous_hash);
  std::optional<LedgerRow> last(std::int64_t chain);
  std::string anchor(std::int64_t chain);

  Database& database_;
  Statement last_;
  Statement before_;
  Statement insert_;
  Statement replace_;
};

// Visits rows in order of (chain, number) for `verify`, of time otherwise. Throws SqliteFailure.
void read_ledger(Database& database, const LedgerFilter& filter, const std::function<void(const LedgerRow&)>& visit);
ChainVerdict verify_ledger(Database& database, std::int64_t chain);

}  // namespace auditferry
