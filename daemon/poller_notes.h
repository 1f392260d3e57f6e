#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace auditferry {

// What the portal may have forgotten before it was asked for: everything from `from` on was asked for only
// long after it came into being. The verdict falls when a walk has shown what is there now.
struct Doubt {
  WallTime from{};
  WallTime to{};       // walks have come so far since
  bool known_before = false;  // the portal had shown a record at `from` or before it (within max_window)
  std::optional<WallTime> known_after;  // the oldest record after `from` that it had shown before those walks
  std::optional<WallTime> first_shown;  // the oldest record that those walks met
};

// What a poller keeps with its stream's coverage (Journal: CollectionState::state). A text that cannot be
// read gives empty notes: everything in them is then done once more, and nothing is lost.
struct PollerNotes {
  std::optional<WallTime> proof_at;     // when the range was last proved
  std::optional<WallTime> overlap_at;   // when the last whole overlap was walked
  std::map<Duration, WallTime> reread;  // per delay: windows up to here have been read again
  std::optional<Doubt> doubt;
  // Records that the portal has shown to this way of asking, so that what it forgets can be told from what
  // it never had: about the oldest one when the stream was first looked at, the newest one of history, and
  // the newest one of the last poll that had any.
  bool looked_at_beginning = false;
  bool found_empty = false;  // it has answered that it has none at all
  std::optional<WallTime> shown_first;
  std::optional<WallTime> shown_history;
  std::optional<WallTime> shown_live;
  // Shown by walks since the range was last proved.
  std::vector<TimeRange> since_proof;
  // The range was disproved: what walks have shown since the proof before that is to be shown again.
  bool disproved = false;
  std::vector<TimeRange> show_again;
  // Shown up to here when the cursor of an oldest-first log was refused; the ledger is to tell how it ended.
  std::optional<WallTime> cursor_refused;
  std::optional<std::string> follow;    // OldestFirstFollow::state
  std::string problem;                  // why the stream is not polled now, for `status`; empty: it is
  bool stopped = false;                 // and only an operator can change that

  std::string to_text() const;
  static PollerNotes from_text(std::string_view text);
};

}  // namespace auditferry
