#include "daemon/findings.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "daemon/insecure_peers.h"
#include "daemon/retention_headroom.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"

namespace auditferry {
namespace {

// A portal that does not answer is tried again by itself; after this time a person should know.
constexpr Duration patience = std::chrono::minutes(15);
constexpr Duration soon = std::chrono::hours(24);

std::string stream_name(const StreamSnapshot& stream) { return plain(stream.source + "/" + stream.identity.stream); }

std::string shell_word(const std::string& word) {
  const auto harmless = [](unsigned char c) { return std::isalnum(c) != 0 || std::string_view("-_./:@=,+").find(static_cast<char>(c)) != std::string_view::npos; };
  if (!word.empty() && std::all_of(word.begin(), word.end(), harmless)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string as_sentence(std::string words) {
  words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
  return words + ".";
}

void add_room(const LiveState& state, std::vector<Finding>& found) {
  if (!state.held_by.empty()) {
    const std::string name = plain(state.held_by);
    found.push_back({"Nothing is fetched: the journal is full of records that exporter " + name + " has not delivered.",
                     "Mend exporter " + name + ", or raise journal.max_size.", command_line(state.config, "status")});
  } else if (state.holding) {
    found.push_back({"Nothing is fetched, because the journal or its disk is full.",
                     "Make room on the disk of daemon.state_dir, or raise journal.max_size; the log says which of them it is.",
                     command_line(state.config, "status")});
  } else if (state.journal_full_in && *state.journal_full_in < soon) {
    found.push_back({"The journal will be full in " + report_duration(*state.journal_full_in) + " at the present rate.",
                     "Mend the exporter that waits longest, or raise journal.max_size.", command_line(state.config, "status")});
  }
}

void add_headroom(const LiveState& state, const StreamProgress& progress, std::vector<Finding>& found) {
  StatusContext context;
  context.now = state.now;
  context.settings = state.settings;
  const std::optional<Duration> headroom = alarming_headroom(progress, *state.snapshot, context);
  if (!headroom) return;
  found.push_back({headroom_words(*headroom, stream_name(*progress.stream)),
                   *headroom <= Duration::zero() ? "Let the stream catch up: see below why it is behind. What turns out to be lost will be shown as a gap."
                                                 : "Let the stream catch up: see below why it is behind; requests_per_minute limits how fast.",
                   ""});
}

void add_stream(const LiveState& state, const StreamSnapshot& stream, std::vector<Finding>& found) {
  StatusContext context;
  context.now = state.now;
  context.settings = state.settings;
  const StreamProgress progress = progress_of(stream, *state.snapshot, context);
  if (!stream.books.balance()) {
    found.push_back({"The books of " + stream_name(stream) + " do not balance.", "Have the journal checked.",
                     command_line(state.config, "journal check")});
  }
  if (!progress.configured) return;
  add_headroom(state, progress, found);
}

// Also of streams that the journal does not know yet.
void add_poller(const LiveState& state, const PollerStatus& status, std::vector<Finding>& found) {
  const std::string name = plain(status.source + "/" + status.stream);
  const std::string check = command_line(state.config, "check", {"--online"});
  if (status.stopped) {
    found.push_back({name + " is not collected: " + plain(status.problem),
                     "The stream goes on by itself once this is solved; what the portal still has then is fetched.", check});
  } else if (!status.up && !status.problem.empty() && (!status.last_page || state.now - *status.last_page > patience)) {
    found.push_back({name + " does not get through to its portal" + (status.last_page ? " since " + report_time(status.last_page) : std::string()) + ": " + plain(status.problem),
                     "It is tried again and again by itself; find out why this lasts.", check});
  }
}

void add_exporter(const LiveState& state, const ExporterRow& row, std::vector<Finding>& found) {
  const std::string name = plain(row.name);
  if (!row.books.balance(state.snapshot->last_seq)) {
    found.push_back({"The books of exporter " + name + " do not balance.", "Have the journal checked.",
                     command_line(state.config, "journal check")});
  }
  const DelivererStatus* live = state.deliverer(row);
  const std::string problem = live != nullptr && !live->problem.empty() ? live->problem : row.last_error;
  if (row.attached && !problem.empty()) {
    found.push_back({"Exporter " + name + " does not deliver: " + plain(problem),
                     "Delivery goes on by itself once this is solved; " +
                         counted(row.books.waiting(state.snapshot->last_seq), "record waits", "records wait") + " in the journal.",
                     command_line(state.config, "check", {"--online"})});
  }
  if (row.books.dead > 0) {
    found.push_back({"Exporter " + name + " has " + counted(row.books.dead, "dead letter", "dead letters") +
                         ": the far end refused the record for good.",
                     "Read why; then have them delivered again, or give them up (see below).",
                     command_line(state.config, "dead-letters list", {"--exporter", row.name})});
  }
}

void add_gaps(const LiveState& state, std::vector<Finding>& found) {
  std::map<std::string, std::uint64_t> gaps;
  for (const GapRow& gap : state.snapshot->gaps) ++gaps[gap_owner(gap, *state.snapshot)];
  for (const auto& [owner, count] : gaps) {
    found.push_back({counted(count, "gap", "gaps") + " of " + plain(owner) + (count == 1 ? " is" : " are") +
                         " open: it cannot be shown that no record is missing there.",
                     "See below for when, why, and what can be done.", command_line(state.config, "gaps list", {"--state", "open"})});
  }
}

void add_insecure(const LiveState& state, std::vector<Finding>& found) {
  for (const InsecurePeer& peer : insecure_peers(*state.settings)) {
    found.push_back({as_sentence(plain(peer.what)), as_sentence(peer.todo), ""});
  }
}

}  // namespace

const PollerStatus* LiveState::poller(const StreamSnapshot& stream) const {
  for (const PollerStatus& status : pollers) {
    if (status.source == stream.source && status.stream == stream.identity.stream) return &status;
  }
  return nullptr;
}

const DelivererStatus* LiveState::deliverer(const ExporterRow& row) const {
  for (const DelivererStatus& status : deliverers) {
    if (status.exporter == row.name) return &status;
  }
  return nullptr;
}

std::string command_line(const std::string& config, const std::string& command, const std::vector<std::string>& arguments) {
  std::string line = "auditferry " + command;
  for (const std::string& argument : arguments) line += " " + shell_word(argument);
  return line + " --config " + shell_word(config);
}

std::vector<GapAdvice> gap_advice(const GapRow& gap, const JournalSnapshot& snapshot, const std::string& config) {
  std::vector<std::string> stream;
  for (const StreamSnapshot& one : snapshot.streams) {
    for (const CollectionSnapshot& collection : one.collections) {
      if (gap.collection_id == collection.collection_id) stream = {"--source", one.source, "--stream", one.identity.stream};
    }
  }
  std::vector<GapAdvice> advice;
  // The ledger's rows are in the order of the moment at which something was done.
  std::vector<std::string> ledger = stream;
  ledger.insert(ledger.end(), {"--from", report_time(gap.opened - std::chrono::hours(1)), "--to", report_time(gap.opened + std::chrono::minutes(1))});
  advice.push_back({"Read how it came about:", command_line(config, "ledger", ledger)});
  if (!stream.empty() && gap.range) {
    std::vector<std::string> window = stream;
    window.insert(window.end(), {"--from", report_time(gap.range->from), "--to", report_time(gap.range->to + std::chrono::seconds(1))});
    advice.push_back({"Ask the portal once more, if it may still have these records:", command_line(config, "backfill", window)});
  }
  advice.push_back({"If nothing more can be done, take note of it:", command_line(config, "gaps accept", {std::to_string(gap.gap_id), "--reason", "WHY"})});
  return advice;
}

std::vector<Finding> troubles(const LiveState& state) {
  std::vector<Finding> found;
  add_room(state, found);
  for (const PollerStatus& status : state.pollers) add_poller(state, status, found);
  for (const ExporterRow& row : state.snapshot->exporters) add_exporter(state, row, found);
  for (const StreamSnapshot& stream : state.snapshot->streams) add_stream(state, stream, found);
  add_gaps(state, found);
  return found;
}

std::vector<Finding> findings(const LiveState& state) {
  std::vector<Finding> found = troubles(state);
  add_insecure(state, found);
  return found;
}

}  // namespace auditferry
