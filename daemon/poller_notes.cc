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

}  // namespace

std::string PollerNotes::to_text() const {
  JsonObject object;
  put(object, "proof_at", proof_at);
  put(object, "overlap_at", overlap_at);
  put(object, "outage_from", outage_from);
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
  notes.outage_from = time_at(view, "outage_from");
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
  if (const auto stopped = view.find("stopped")) notes.stopped = stopped->as_bool().value_or(false);
  return notes;
}

}  // namespace auditferry
