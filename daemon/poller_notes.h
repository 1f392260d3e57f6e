#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace auditferry {

// What a poller keeps with its stream's coverage (Journal: CollectionState::state). A text that cannot be
// read gives empty notes: everything in them is then done once more, and nothing is lost.
struct PollerNotes {
  std::optional<WallTime> proof_at;     // when the range was last proved
  std::optional<WallTime> overlap_at;   // when the last whole overlap was walked
  std::map<Duration, WallTime> reread;  // per delay: windows up to here have been read again
  // The portal may have forgotten what came after this moment: to be found out when the hole is closed.
  std::optional<WallTime> outage_from;
  // Shown up to here when the cursor of an oldest-first log was refused; the ledger is to tell how it ended.
  std::optional<WallTime> cursor_refused;
  std::optional<std::string> follow;    // OldestFirstFollow::state
  std::string problem;                  // why the stream is not polled now, for `status`; empty: it is
  bool stopped = false;                 // and only an operator can change that

  std::string to_text() const;
  static PollerNotes from_text(std::string_view text);
};

}  // namespace auditferry
