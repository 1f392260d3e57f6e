#include "daemon/poller_notes.h"

#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

std::optional<WallTime> time_at(const JsonView& view, std::string_view key) {
  const auto value = view.find(key);
  const auto number = value ? value->as_int64() : std::nullopt;
  return number ? std::optional(from_micros(*number)) : std::nullopt;
}

void put(JsonObject& object, std::string_view key, const std::optional<WallTime>& time) {
  if (time) object.value(key, std::to_string(to_micros(*time)));
}

void put(JsonObject& object, std::string_view key, const std::vector<TimeRange>& ranges) {
  if (ranges.empty()) return;
  std::string text = "[";
  for (const TimeRange& range : ranges) {
    if (text.size() > 1) text += ',';
    text += "[" + std::to_string(to_micros(range.from)) + "," + std::to_string(to_micros(range.to)) + "]";
  }
  object.value(key, text + "]");
}

std::vector<TimeRange> ranges_at(const JsonView& view, std::string_view key) {
  std::vector<TimeRange> ranges;
  const auto pairs = view.find(key);
  if (!pairs) return ranges;
  for (const JsonView pair : pairs->elements()) {
    const auto from = pair.at_pointer("/0");
    const auto to = pair.at_pointer("/1");
    const auto from_number = from ? from->as_int64() : std::nullopt;
    const auto to_number = to ? to->as_int64() : std::nullopt;
    if (from_number && to_number) ranges.push_back({from_micros(*from_number), from_micros(*to_number)});
  }
  return ranges;
}

bool flag_at(const JsonView& view, std::string_view key) {
  const auto value = view.find(key);
  return value && value->as_bool().value_or(false);
}

}  // namespace

std::string PollerNotes::to_text() const {
  JsonObject object;
  put(object, "proof_at", proof_at);
  put(object, "overlap_at", overlap_at);
  if (doubt) {
    put(object, "outage_from", std::optional(doubt->from));
    put(object, "outage_to", std::optional(doubt->to));
    object.boolean("outage_known_before", doubt->known_before);
    put(object, "outage_known_after", doubt->known_after);
    put(object, "outage_first_shown", doubt->first_shown);
  }
  if (looked_at_beginning) object.boolean("looked_at_beginning", true);
  if (found_empty) object.boolean("found_empty", true);
  put(object, "shown_first", shown_first);
  put(object, "shown_history", shown_history);
  put(object, "shown_live", shown_live);
  put(object, "since_proof", since_proof);
  if (disproved) object.boolean("disproved", true);
  put(object, "show_again", show_again);
  put(object, "cursor_refused", cursor_refused);
  if (!reread.empty()) {
    std::string marks = "[";
    for (const auto& [delay, mark] : reread) {
      if (marks.size() > 1) marks += ',';
      marks += "[" + std::to_string(delay.count()) + "," + std::to_string(to_micros(mark)) + "]";
    }
    object.value("reread", marks + "]");
  }
  if (follow) object.text("follow", *follow);
  if (!problem.empty()) object.text("problem", problem).boolean("stopped", stopped);
  return object.finish();
}

PollerNotes PollerNotes::from_text(std::string_view text) {
  PollerNotes notes;
  const Result<ScannedJson> scanned = scan_json(text);
  if (!scanned) return notes;
  const JsonView view(scanned->text);
  notes.proof_at = time_at(view, "proof_at");
  notes.overlap_at = time_at(view, "overlap_at");
  if (const auto from = time_at(view, "outage_from")) {
    notes.doubt = Doubt{*from, time_at(view, "outage_to").value_or(*from), flag_at(view, "outage_known_before"),
                        time_at(view, "outage_known_after"), time_at(view, "outage_first_shown")};
  }
  notes.looked_at_beginning = flag_at(view, "looked_at_beginning");
  notes.found_empty = flag_at(view, "found_empty");
  notes.shown_first = time_at(view, "shown_first");
  notes.shown_history = time_at(view, "shown_history");
  notes.shown_live = time_at(view, "shown_live");
  notes.since_proof = ranges_at(view, "since_proof");
  notes.disproved = flag_at(view, "disproved");
  notes.show_again = ranges_at(view, "show_again");
  notes.cursor_refused = time_at(view, "cursor_refused");
  if (const auto marks = view.find("reread")) {
    for (const JsonView pair : marks->elements()) {
      const auto delay = pair.at_pointer("/0");
      const auto mark = pair.at_pointer("/1");
      const auto delay_number = delay ? delay->as_int64() : std::nullopt;
      const auto mark_number = mark ? mark->as_int64() : std::nullopt;
      if (delay_number && mark_number) notes.reread[Duration(*delay_number)] = from_micros(*mark_number);
    }
  }
  if (const auto follow = view.find("follow")) notes.follow = follow->as_string();
  if (const auto problem = view.find("problem")) notes.problem = problem->as_string().value_or("");
  notes.stopped = flag_at(view, "stopped");
  return notes;
}

}  // namespace auditferry
