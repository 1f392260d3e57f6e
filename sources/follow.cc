#include "sources/follow.h"

#include <algorithm>
#include <map>

#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {

OldestFirstFollow OldestFirstFollow::begin(const WalkRules& rules, WallTime from, bool next_link_always) {
  OldestFirstFollow follow(rules, next_link_always);
  follow.from_ = from;
  follow.covered_to_ = from;
  return follow;
}

PageRequest OldestFirstFollow::next_request() const {
  PageRequest request;
  request.page_size = rules_.page_size;
  request.cursor = cursor_;
  request.from = from_ - from_.time_since_epoch() % rules_.unit - rules_.unit;
  return request;
}

OldestFirstFollow::Outcome OldestFirstFollow::on_page(const Page& page, WallTime edge) {
  Outcome outcome;
  // Equal records without ids are told apart within their page only: the log's own order repeats.
  std::map<ShortHash, std::uint32_t> equal;
  for (const PageRecord& record : page.records) {
    outcome.occurrences.push_back(rules_.has_ids && record.has_id ? 1 : ++equal[record.content]);
    if (record.has_time && (!newest_ || record.time > *newest_)) newest_ = record.time;
  }
  const bool moved = page.cursor && page.cursor != cursor_;
  const bool short_page = page.records.size() < rules_.page_size;
  outcome.at_edge = !moved || page.records.empty() || (next_link_always_ && short_page);
  // An empty page may move the cursor; without a next one the last cursor is asked again.
  if (moved) cursor_ = page.cursor;
  if (!cursor_ && newest_) from_ = std::max(from_, *newest_ - rules_.overlap);
  const WallTime shown = outcome.at_edge ? edge : (newest_ ? *newest_ - rules_.unit : covered_to_);
  if (shown > covered_to_) {
    outcome.covered = TimeRange{covered_to_, shown};
    covered_to_ = shown;
  }
  return outcome;
}

void OldestFirstFollow::on_cursor_refused() {
  cursor_.reset();
  const WallTime known = newest_ ? std::min(*newest_, covered_to_) : covered_to_;
  from_ = std::max(from_, known - rules_.overlap);
}

std::string OldestFirstFollow::state() const {
  JsonObject object;
  object.number("version", 1).value("from", std::to_string(to_micros(from_))).value("covered_to", std::to_string(to_micros(covered_to_)));
  if (cursor_) object.text("cursor", *cursor_);
  if (newest_) object.value("newest", std::to_string(to_micros(*newest_)));
  return object.finish();
}

Result<OldestFirstFollow> OldestFirstFollow::resume(const WalkRules& rules, std::string_view state, bool next_link_always) {
  const Error unusable{ErrorKind::corrupt, "a stored cursor cannot be read; the log is asked by time again"};
  Result<ScannedJson> scanned = scan_json(state);
  if (!scanned) return unusable;
  const JsonView view(scanned->text);
  auto time = [&view](std::string_view key) -> std::optional<WallTime> {
    const auto value = view.find(key);
    const auto number = value ? value->as_int64() : std::nullopt;
    return number ? std::optional(from_micros(*number)) : std::nullopt;
  };
  const auto from = time("from");
  const auto covered_to = time("covered_to");
  if (!from || !covered_to) return unusable;
  OldestFirstFollow follow(rules, next_link_always);
  follow.from_ = *from;
  follow.covered_to_ = *covered_to;
  follow.newest_ = time("newest");
  if (const auto cursor = view.find("cursor")) follow.cursor_ = cursor->as_string();
  return follow;
}

}  // namespace auditferry
