#include "sources/follow.h"

#include <algorithm>

#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"

namespace auditferry {

namespace {

constexpr Duration first_skip = std::chrono::seconds(1);
constexpr Duration longest_skip = std::chrono::hours(1);
// So many empty pages in a row, each with another next link, are left alone until the next poll.
constexpr std::uint32_t many_empty = 20;

std::string json_counts(const std::map<std::uint64_t, std::uint32_t>& counts) {
  std::string text = "[";
  for (const auto& [key, count] : counts) {
    if (text.size() > 1) text += ',';
    text += "[" + std::to_string(static_cast<std::int64_t>(key)) + "," + std::to_string(count) + "]";
  }
  return text + "]";
}

std::map<std::uint64_t, std::uint32_t> read_counts(JsonView pairs) {
  std::map<std::uint64_t, std::uint32_t> counts;
  if (!pairs.is_array()) return counts;
  for (const JsonView pair : pairs.elements()) {
    const auto key = pair.at_pointer("/0");
    const auto count = pair.at_pointer("/1");
    const auto key_number = key ? key->as_int64() : std::nullopt;
    const auto count_number = count ? count->as_int64() : std::nullopt;
    if (key_number && count_number) counts[static_cast<std::uint64_t>(*key_number)] = static_cast<std::uint32_t>(*count_number);
  }
  return counts;
}

}  // namespace

OldestFirstFollow::OldestFirstFollow(const WalkRules& rules, bool next_link_always)
    : rules_(rules), next_link_always_(next_link_always), page_size_(rules.page_size), skip_(std::max(first_skip, rules.unit)) {}

OldestFirstFollow OldestFirstFollow::begin(const WalkRules& rules, WallTime from, bool next_link_always) {
  OldestFirstFollow follow(rules, next_link_always);
  follow.from_ = from;
  follow.covered_to_ = from;
  return follow;
}

OldestFirstFollow OldestFirstFollow::begin_window(const WalkRules& rules, TimeRange window, bool next_link_always) {
  OldestFirstFollow follow = begin(rules, window.from, next_link_always);
  follow.to_ = window.to;
  return follow;
}

PageRequest OldestFirstFollow::next_request() const {
  PageRequest request;
  request.page_size = page_size_;
  request.cursor = cursor_;
  request.from = from_ - from_.time_since_epoch() % rules_.unit - rules_.unit;
  if (to_) request.to = *to_ + rules_.unit;
  return request;
}

// An empty page in the middle of a chain shows nothing: it ends the log only where there is always a next
// link. A short page never does: the vendor's own limit may be below the size that was asked for.
bool OldestFirstFollow::ends_log(const Page& page, bool moved) const {
  if (!moved) return true;
  if (page.records.empty() && page.oversized.empty()) return next_link_always_;
  return is_behind(page);
}

// Not every vendor knows an upper bound: a page wholly behind the window ends it, too.
bool OldestFirstFollow::is_behind(const Page& page) const {
  const auto before_end = [this](const PageRecord& record) { return !record.has_time || record.time <= *to_; };
  return to_ && std::none_of(page.records.begin(), page.records.end(), before_end);
}

bool OldestFirstFollow::is_cut(const Page& page) const {
  return !page.cursor && !cursor_ && page.records.size() + page.oversized.size() >= page_size_ && !is_behind(page);
}

OldestFirstFollow::Outcome OldestFirstFollow::on_page(const Page& page, WallTime edge) {
  Outcome outcome;
  const bool moved = page.cursor && page.cursor != cursor_;
  outcome.occurrences = number(page, moved);
  for (const PageRecord& record : page.records) {
    if (record.has_time && (!newest_ || record.time > *newest_)) newest_ = record.time;
  }
  if (lost_from_) {
    outcome.lost = WalkGap{{*lost_from_, std::max(*lost_from_, WallTime(from_ - rules_.unit))}, lost_why_, true};
    covered_to_ = std::max(covered_to_, outcome.lost->range.to);
    lost_from_.reset();
    skip_ = std::max(first_skip, rules_.unit);
  }
  const bool cut = is_cut(page);
  outcome.at_edge = !cut && ends_log(page, moved);
  empty_run_ = page.records.empty() && !outcome.at_edge ? empty_run_ + 1 : 0;
  outcome.pause = empty_run_ > 0 && empty_run_ % many_empty == 0;
  // An empty page may move the cursor; without a next one the last cursor is asked again.
  if (moved) cursor_ = page.cursor;
  if (!cursor_ && newest_) from_ = std::max(from_, *newest_ - rules_.overlap);
  WallTime shown = outcome.at_edge ? edge : (newest_ ? *newest_ - rules_.unit : covered_to_);
  if (to_) shown = std::min(shown, *to_);
  if (shown > covered_to_) {
    outcome.covered = TimeRange{covered_to_, shown};
    covered_to_ = shown;
  }
  if (outcome.at_edge) {
    chains_end_early_ = false;
    refused_newest_.reset();
  }
  if (cut && !outcome.lost) outcome.lost = on_cursor_refused();
  grow_again();
  return outcome;
}

std::vector<std::uint32_t> OldestFirstFollow::number(const Page& page, bool moved) {
  std::vector<std::uint32_t> numbers;
  std::map<std::uint64_t, std::uint32_t> met = equal_;
  std::map<std::uint64_t, std::uint32_t> last;  // of the last instant
  std::optional<WallTime> last_at;
  for (const PageRecord& record : page.records) {
    if (record.has_time && record.time != last_at) {
      last_at = record.time;
      last.clear();
      if (last_at == equal_at_) last = equal_;
    }
    const bool has_id = rules_.has_ids && record.has_id;
    numbers.push_back(has_id ? 1 : ++met[record_key(record)]);
    if (!has_id && record.has_time) last[record_key(record)] = numbers.back();
  }
  // Where the cursor stays, the same page is asked for again.
  if (moved && last_at) {
    equal_at_ = last_at;
    equal_ = std::move(last);
  }
  return numbers;
}

void OldestFirstFollow::ask_by_time(WallTime from) {
  equal_at_.reset();
  equal_.clear();
  cursor_.reset();
  from_ = std::max(from_, from);
}

void OldestFirstFollow::grow_again() {
  if (!small_until_ || covered_to_ <= *small_until_) return;
  small_until_.reset();
  page_size_ = rules_.page_size;
  if (rules_.paging == PagingKind::link && cursor_) ask_by_time(covered_to_ - rules_.overlap);
}

bool OldestFirstFollow::halve_page_size() {
  if (page_size_ <= 1) return false;
  const bool first = page_size_ >= rules_.page_size;
  const WallTime known = newest_ ? std::min(*newest_, covered_to_) : covered_to_;
  page_size_ = std::max<std::uint32_t>(1, std::min(page_size_, rules_.page_size) / 2);
  // Full pages again only where asking `overlap` back does not meet the same trouble.
  small_until_ = std::max(known, from_) + 2 * rules_.overlap;
  if (rules_.paging == PagingKind::link && cursor_) ask_by_time(first ? known - rules_.overlap : known);
  return true;
}

std::optional<WalkGap> OldestFirstFollow::on_unreadable(const std::string& why, WallTime edge) {
  const WallTime end = to_ ? *to_ : edge;
  const WallTime begin = std::max(covered_to_, lost_from_ ? WallTime(from_ - rules_.unit) : covered_to_);
  if (!lost_from_) lost_from_ = begin;
  lost_why_ = why;
  const WallTime next = std::max(begin, std::min<WallTime>(begin + skip_, end));
  skip_ = std::min<Duration>(skip_ * 2, longest_skip);
  ask_by_time(next + rules_.unit);
  small_until_.reset();
  page_size_ = rules_.page_size;
  if (next < end) return std::nullopt;
  const WalkGap lost{{*lost_from_, next}, why};
  lost_from_.reset();
  covered_to_ = std::max(covered_to_, next);
  return lost;
}

std::optional<WalkGap> OldestFirstFollow::on_cursor_refused() {
  const WallTime known = newest_ ? std::min(*newest_, covered_to_) : covered_to_;
  const bool progress = !refused_newest_ || (newest_ && *newest_ > *refused_newest_);
  refused_newest_ = newest_.value_or(known);
  if (progress) {
    ask_by_time(chains_end_early_ && newest_ ? *newest_ : known - rules_.overlap);
    if (!small_until_) page_size_ = rules_.page_size;
    return std::nullopt;
  }
  if (!chains_end_early_) {
    chains_end_early_ = true;
    ask_by_time(newest_.value_or(known));
    return std::nullopt;
  }
  if (page_size_ < rules_.max_page_size) {
    page_size_ = rules_.max_page_size;
    ask_by_time(newest_.value_or(known));
    return std::nullopt;
  }
  const WallTime begin = newest_.value_or(known);
  // What lies just before the newest record was not shown to its end either.
  const WalkGap lost{{std::min(begin, covered_to_), begin + rules_.unit},
                     "the portal shows only part of the records of this moment: its cursors end early and its pages are not larger; ask the "
                     "vendor for a larger page_size"};
  covered_to_ = std::max(covered_to_, lost.range.to);
  refused_newest_.reset();
  page_size_ = rules_.page_size;
  ask_by_time(begin + 2 * rules_.unit);
  return lost;
}

std::string OldestFirstFollow::state() const {
  JsonObject object;
  object.number("version", 1).value("from", std::to_string(to_micros(from_))).value("covered_to", std::to_string(to_micros(covered_to_)));
  if (cursor_) object.text("cursor", *cursor_);
  if (equal_at_ && !equal_.empty()) object.value("equal_at", std::to_string(to_micros(*equal_at_))).value("equal", json_counts(equal_));
  if (newest_) object.value("newest", std::to_string(to_micros(*newest_)));
  if (page_size_ != rules_.page_size) object.number("page_size", page_size_);
  if (small_until_) object.value("small_until", std::to_string(to_micros(*small_until_)));
  if (lost_from_) object.value("lost_from", std::to_string(to_micros(*lost_from_))).text("lost_why", lost_why_);
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
  follow.equal_at_ = time("equal_at");
  if (const auto equal = view.find("equal")) follow.equal_ = read_counts(*equal);
  if (const auto size = view.find("page_size")) {
    const std::int64_t stored = size->as_int64().value_or(0);
    if (stored >= 1 && stored <= std::max(rules.page_size, rules.max_page_size)) follow.page_size_ = static_cast<std::uint32_t>(stored);
  }
  follow.small_until_ = time("small_until");
  follow.lost_from_ = time("lost_from");
  if (const auto why = view.find("lost_why")) follow.lost_why_ = why->as_string().value_or("");
  if (const auto cursor = view.find("cursor")) follow.cursor_ = cursor->as_string();
  return follow;
}

}  // namespace auditferry
