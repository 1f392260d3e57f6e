#pragma once
// `auditferry status`: what has been collected and delivered, what is missing, and what needs a person.
// The JSON form's names are stable and described in docs/commands.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/poller_notes.h"
#include "storage/snapshot.h"

namespace auditferry {

struct LiveState;

struct StatusContext {
  WallTime now{};
  bool daemon_running = false;
  std::optional<int> daemon_pid;
  const Settings* settings = nullptr;  // nothing: what is configured is not known
  const LiveState* live = nullptr;     // nothing: only what the journal knows (JSON)
  std::optional<std::uint64_t> free_bytes = std::nullopt;  // of the disk of daemon.state_dir; nothing: not known
};

// Ends with a line end. Pure.
std::string render_status(const JournalSnapshot& snapshot, const StatusContext& context, bool json);

// `status --line`: one line for scripts, "fetched 12 journaled 10 delivered 9 waiting 1 lag 4s": sums over
// all streams and attached exporters, and the largest lag of any stream or exporter. With a line end.
std::string render_status_line(const JournalSnapshot& snapshot, const StatusContext& context);

// What a person has to look at, a sentence each: a full disk, open gaps, streams that are stopped or behind what their portal
// forgets, dead letters, exporters whose last try failed, books that do not balance; with a live state what the
// status page says. Empty: all is in order (exit status 0), else exit status 3.
std::vector<std::string> needs_a_person(const JournalSnapshot& snapshot, const StatusContext& context);

// The rest is shared by the two forms.
struct StreamProgress {
  const StreamSnapshot* stream = nullptr;
  const CollectionSnapshot* collection = nullptr;  // the one in use; nothing: none yet
  std::optional<WallTime> shown_until;             // the end of the newest interval
  std::optional<Duration> lag;                     // from the watermark to now
  std::vector<TimeRange> holes;                    // before shown_until, without those that are open gaps
  bool configured = true;
};
// What the poller keeps with the stream, of the collection in use.
PollerNotes notes_of(const StreamSnapshot& stream);
StreamProgress progress_of(const StreamSnapshot& stream, const JournalSnapshot& snapshot,
                           const StatusContext& context);
// "source/stream" of what is configured and not yet in the journal.
std::vector<std::string> not_started(const JournalSnapshot& snapshot, const StatusContext& context);
// How long ago the oldest record that waits was fetched, as the metric of the same name; zero when nothing waits.
std::optional<Duration> delivery_lag(const ExporterRow& row, std::uint64_t last_seq, WallTime now);
// What becomes of an exporter that is not configured any more, or not enabled.
std::string detached_text(const ExporterRow& row, std::uint64_t last_seq);
// "acme/audit" of a gap's stream, "exporter archive" of an exporter's gap.
std::string gap_owner(const GapRow& gap, const JournalSnapshot& snapshot);
// In status_json.cc: one exporter, one gap, and everything.
std::string exporter_json(const ExporterRow& row, std::uint64_t last_seq, const StatusContext& context);
std::string gap_json(const GapRow& gap, const JournalSnapshot& snapshot);
std::string render_status_json(const JournalSnapshot& snapshot, const StatusContext& context);

}  // namespace auditferry
