#include "sources/equal_records.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

namespace auditferry {
namespace {

bool has_number(const PageRecord& record, bool has_ids) { return !has_ids || !record.has_id; }

bool any_has_number(const Page& page, bool has_ids) {
  return std::any_of(page.records.begin(), page.records.end(), [has_ids](const PageRecord& record) { return has_number(record, has_ids); });
}

std::vector<std::uint64_t> keys_of(const Page& page) {
  std::vector<std::uint64_t> keys;
  keys.reserve(page.records.size());
  for (const PageRecord& record : page.records) keys.push_back(record_key(record));
  return keys;
}

// Of the first n keys, for each n: the same for the same records in whatever order.
std::vector<std::uint64_t> sums_of(const std::vector<std::uint64_t>& keys) {
  std::vector<std::uint64_t> sums{0};
  sums.reserve(keys.size() + 1);
  for (const std::uint64_t key : keys) sums.push_back(sums.back() + key * 0x9e3779b97f4a7c15ull);
  return sums;
}

}  // namespace

std::uint64_t record_key(const PageRecord& record) {
  std::uint64_t content = 0;
  std::memcpy(&content, record.content.data(), sizeof content);
  return content ^ (std::hash<std::string_view>{}(record.id) * 0x9e3779b97f4a7c15ull);
}

void EqualRecords::clear() {
  counts_.clear();
  pages_ = 0;
  page_hashes_.clear();
  tail_.clear();
}

bool EqualRecords::goes_back(const Page& page, bool has_ids, std::optional<WallTime> come_to, Numbers& numbers) {
  std::size_t fresh = 0;
  std::size_t above = 0;
  std::uint64_t hash = 0;
  bool differ = false;
  const std::uint64_t first = record_key(page.records.front());
  numbers.nothing_fresh = true;
  for (const PageRecord& record : page.records) {
    const std::uint64_t key = record_key(record);
    hash = hash * 0xff51afd7ed558ccdull + key;
    differ = differ || key != first;
    if (!has_number(record, has_ids)) {
      numbers.nothing_fresh = false;
      continue;
    }
    const bool met = counts_.count(key) > 0;
    if (!met) ++fresh;
    if (met && come_to && record.has_time && record.time > *come_to) ++above;
  }
  if (fresh > 0) numbers.nothing_fresh = false;
  const bool same = differ && std::find(page_hashes_.begin(), page_hashes_.end(), hash) != page_hashes_.end();
  if (!same) page_hashes_.push_back(hash);
  return same || above > fresh;
}

EqualRecords::Numbers EqualRecords::on_page(const Page& page, bool has_ids, std::optional<WallTime> come_to) {
  Numbers numbers;
  numbers.of_records.assign(page.records.size(), 1);
  if (!any_has_number(page, has_ids)) return numbers;
  const std::size_t again = goes_back(page, has_ids, come_to, numbers) ? page.records.size() : 0;
  number(page, has_ids, again, numbers);
  return numbers;
}

EqualRecords::Numbers EqualRecords::on_counted_page(const Page& page, bool has_ids, std::uint64_t overlap) {
  Numbers numbers;
  numbers.of_records.assign(page.records.size(), 1);
  const bool numbered = any_has_number(page, has_ids);
  if (page.records.empty() || (!numbered && empty())) return numbers;
  const std::vector<std::uint64_t> keys = keys_of(page);
  const std::optional<std::size_t> depth = tail_.empty() ? 0 : depth_of(keys, overlap);
  if (!tail_.empty()) numbers.joins = depth.has_value();
  // Where its place is not known, nothing follows it: an attempt by time numbers its records.
  const std::size_t again = std::min(depth.value_or(keys.size()), keys.size());
  if (numbered) number(page, has_ids, again, numbers);
  tail_.insert(tail_.end(), keys.begin() + static_cast<std::ptrdiff_t>(again), keys.end());
  // A page may begin a little above the one before it.
  const std::size_t kept = std::min(tail_.size(), 3 * std::max<std::size_t>(1, keys.size()));
  tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(kept));
  return numbers;
}

// So far above the end of what came the page begins. More than its own size: all of it has come.
std::optional<std::size_t> EqualRecords::depth_of(const std::vector<std::uint64_t>& keys, std::uint64_t overlap) const {
  const std::vector<std::uint64_t> before = sums_of(tail_);
  const std::vector<std::uint64_t> here = sums_of(keys);
  const auto distance = [overlap](std::size_t depth) { return depth > overlap ? depth - overlap : overlap - depth; };
  std::optional<std::size_t> best;
  for (std::size_t depth = 1; depth <= tail_.size(); ++depth) {
    const std::size_t begin = tail_.size() - depth;
    const std::size_t shared = std::min(depth, keys.size());
    if (before[begin + shared] - before[begin] != here[shared]) continue;
    if (!best || distance(depth) < distance(*best)) best = depth;
  }
  return best;
}

void EqualRecords::number(const Page& page, bool has_ids, std::size_t again, Numbers& numbers) {
  ++pages_;
  for (std::size_t i = 0; i < page.records.size(); ++i) {
    if (!has_number(page.records[i], has_ids)) continue;
    Count& count = counts_[record_key(page.records[i])];
    if (count.page != pages_) count.here = 0;
    count.page = pages_;
    if (i < again) {
      numbers.of_records[i] = ++count.here;
      count.met = std::max(count.met, count.here);
    } else {
      numbers.of_records[i] = ++count.met;
    }
  }
}

}  // namespace auditferry
