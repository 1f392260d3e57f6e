#pragma once
// The values that go into and out of the journal.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/page.h"
#include "core/record.h"
#include "storage/coverage_table.h"
#include "storage/exporter_table.h"

namespace auditferry {

// Durable counters of a stream: fetched = duplicates + staged + journaled + quarantined at all times.
struct StreamBooks {
  std::uint64_t fetched = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t staged = 0;  // in a walk under way, without a sequence number yet
  std::uint64_t journaled = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t changed = 0;  // revisions; part of staged and journaled
  std::uint64_t late = 0;     // found where a walk had already been; part of staged and journaled
  std::uint64_t vanished = 0;  // journaled, and a reread found that the portal no longer shows them
  bool balance() const { return fetched == duplicates + staged + journaled + quarantined; }
};

struct StoredWalk {
  std::int64_t walk_id = 0;
  std::string how;  // poll, history, overlap, reread, backfill
  TimeRange window{};
  bool publishing = false;
  std::string state;  // as given to begin_walk, save_walk and store_page
};

struct GapRow {
  std::int64_t gap_id = 0;
  std::optional<std::int64_t> collection_id;
  std::optional<std::int64_t> exporter_id;
  std::string type;
  std::optional<TimeRange> range;
  std::uint64_t from_seq = 0;
  std::uint64_t to_seq = 0;
  std::string why;
  std::string state;  // open, healed, accepted
  WallTime opened{};
  WallTime changed{};       // when it became what it is
  std::string accepted_by;  // the user's name
  std::string reason;       // of whoever accepted it
};

// Everything a poller needs to go on where the last process stopped.
struct CollectionState {
  std::int64_t collection_id = 0;
  std::int64_t stream_id = 0;
  bool is_new = false;
  std::optional<WallTime> start;  // where coverage is to begin; set once
  std::string state;              // the poller's own notes
  std::vector<CoverageInterval> coverage;
  std::vector<GapRow> gaps;  // open and accepted ones: storage/gap_table.h, settled_time
  std::vector<StoredWalk> walks;
};

struct NewGap {
  std::string type;  // unreachable, forgotten, unreadable, oversized, released, damaged …
  std::optional<TimeRange> range;
  std::string why;
};

// What comes again with the same bytes is the same item (storage/quarantine_table.h).
struct QuarantineItem {
  std::string why;
  std::uint64_t records = 0;  // that are kept nowhere else; counted as fetched and quarantined, again: as duplicates
  std::string body;
  bool of_repaired = false;   // the answer whose repaired records the journal has; kept if one of those is new
};

// What the ledger says about a page besides what the journal itself finds out.
struct PageProvenance {
  std::string how;
  TimeRange window{};
  std::string query;
  std::string cursor_in;  // empty: asked by time
  std::string cursor_out;
  int status = 200;
  std::string request_id;
  std::string server_date;  // as it came
  std::string body_sha256;  // hex
};

struct WalkEnd {
  std::vector<TimeRange> covered;  // what the walk has shown
};

// One page with all its consequences: stored in one transaction or not at all.
struct PageToStore {
  std::int64_t stream_id = 0;
  std::int64_t collection_id = 0;
  std::int64_t walk_id = 0;  // 0: this page begins its walk (how and window as in `provenance`)
  std::string source;        // label
  WallTime received{};
  const Page* page = nullptr;
  // Per record: how many equal ones this attempt has met, itself included; empty where ids exist.
  std::vector<std::uint32_t> occurrences;
  std::string walk_state;                 // after this page
  std::optional<std::string> collection_state;  // the poller's notes after this page, where they change
  PageProvenance provenance;
  std::vector<QuarantineItem> quarantine;
  std::vector<NewGap> gaps;
  std::optional<WalkEnd> end;  // this page completed the walk
  std::vector<TimeRange> shown;  // by earlier walks: new records with a time in it count as late
};

struct StoredPage {
  std::int64_t walk_id = 0;
  std::uint64_t fresh = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t revisions = 0;
  std::uint64_t late = 0;
  Duration latest{};          // how late the latest of them came
  std::vector<NewGap> gaps;   // those of the page that were not known yet
  std::vector<bool> quarantined = {};  // per item of the page's quarantine: it was not known yet
  bool walk_finished = false; // the walk ended and nothing was staged: coverage is in, the walk is gone
};

struct Vanished {
  std::uint64_t vanished = 0;     // newly found to be gone
  std::uint64_t shown_again = 0;  // had been, and are back
};

struct PublishProgress {
  std::uint64_t records = 0;
  std::uint64_t last_seq = 0;
  bool finished = false;  // the walk is gone, its coverage stands
  bool damaged = false;   // without coverage: what the walk had shown could not be read
};

struct Penalty {
  std::string host;
  std::string credential;  // a hash, never the credential
  WallTime until{};
  std::string why;
};

struct PruneRules {
  Duration keep{};
  Duration remember{};
  Duration ledger_keep{};
  std::uint64_t max_bytes = 0;
  // Per stream: nothing newer may be forgotten, whatever `remember` says. Streams not named: never.
  std::vector<std::pair<std::int64_t, WallTime>> forget_before;
};

struct PruneStep {
  bool more = false;         // there is more to do now
  std::uint64_t used_bytes = 0;
  bool full = false;         // at max_bytes, and nothing could be removed: polling waits
  bool no_records = false;   // full, and not of records: identities, the ledger and the quarantine fill it
  std::string held_by;       // full, and this exporter with when_full = "hold" waits longest; empty: none does
  std::uint64_t released = 0;
};

}  // namespace auditferry
