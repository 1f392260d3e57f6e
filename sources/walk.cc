#include "sources/walk.h"

#include <algorithm>
#include <functional>

#include "core/check.h"

namespace auditferry {
namespace {

// A vendor may filter pages after paging them, so a few empty ones with a cursor mean nothing; many in a
// row are a cursor that goes nowhere.
constexpr std::uint32_t many_empty_pages = 20;
// Offset and page-number paging: so many full pages in a row that bring nothing the attempt has not met may
// come of records that are added at the top meanwhile; more of them are a server that does not turn pages.
constexpr std::uint32_t many_known_pages = 3;

// The ceiling is taken over this many records. Fewer might all be outliers, far below what follows.
constexpr std::size_t fewest_recent = 3;
// Where pages were made smaller, as many as of usual ones, but no more than these.
constexpr std::size_t most_recent_of_small = 10;

std::size_t recent_size(std::uint32_t page_size, std::uint32_t usual_size) {
  const std::size_t of_small = std::min<std::size_t>(most_recent_of_small, usual_size / 10);
  return std::max<std::size_t>({fewest_recent, page_size / 10, of_small});
}

constexpr std::size_t most_above = 100;

// Offset and page-number paging ask for a tenth of the page before once more.
std::uint64_t overlap_of(std::size_t count) { return std::max<std::size_t>(1, count / 10); }

}  // namespace

NewestFirstWalk NewestFirstWalk::begin(const WalkRules& rules, TimeRange window) {
  NewestFirstWalk walk(rules);
  walk.page_size_ = rules.page_size;
  walk.window_ = window;
  walk.todo_.push_back(window);
  walk.begin_attempt(window.to, false);
  return walk;
}

void NewestFirstWalk::begin_attempt(WallTime upper, bool confirming) {
  upper_ = upper;
  stepped_down_ = stepped_down_ || upper < piece().to;
  confirming_ = confirming;
  brought_new_ = false;
  through_cursor_ = false;
  cursor_.reset();
  offset_ = 0;
  counted_end_ = 0;
  pages_ = 0;
  empty_run_ = 0;
  known_run_ = 0;
  equal_run_ = 0;
  largest_here_ = 0;
  ++attempt_;
  newest_so_far_.reset();
  count_before_ = last_count_;
  last_count_ = 0;
  last_newest_.reset();
  last_oldest_.reset();
  recent_.clear();
  last_keys_.clear();
  cursors_seen_.clear();
  equal_.clear();
  if (!search_) above_.clear();
}

PageRequest NewestFirstWalk::next_request() const {
  AUDITFERRY_CHECK(!done());
  PageRequest request;
  // One unit wider on both sides: a bound that the vendor treats as exclusive, or rounds, costs nothing.
  const Duration unit = rules_.unit;
  request.from = std::chrono::floor<Duration>(piece().from) - piece().from.time_since_epoch() % unit - unit;
  const Duration beyond = upper_.time_since_epoch() % unit;
  request.to = upper_ - beyond + (beyond.count() > 0 ? unit : Duration::zero()) + unit;
  request.cursor = cursor_;
  request.page_size = page_size_;
  if (counted()) {
    const Slot slot = next_slot();
    request.offset = slot.begin;
    request.page = rules_.first_page + slot.begin / slot.size;
    request.page_size = static_cast<std::uint32_t>(slot.size);
  }
  return request;
}

NewestFirstWalk::Slot NewestFirstWalk::next_slot() const {
  if (!through_cursor_) return {0, page_size_};
  // A server may give less than was asked for: then its pages begin where ours would not.
  const std::uint64_t size = std::max<std::uint64_t>(1, std::min<std::uint64_t>(page_size_, largest_here_));
  // A page of that size, but beginning wherever it is wanted.
  if (rules_.paging == PagingKind::offset) return {offset_, size};
  // Page n begins at n times its size, so of the sizes the one is taken whose page reaches furthest and yet
  // begins no later than wanted.
  Slot best{offset_ - offset_ % size, size};
  for (std::uint64_t smaller = size - 1; smaller > size / 2; --smaller) {
    const Slot slot{offset_ - offset_ % smaller, smaller};
    if (slot.end() > best.end()) best = slot;
  }
  return best;
}

EqualRecords::Numbers NewestFirstWalk::number(const Page& page) {
  if (!counted()) return equal_.on_page(page, rules_.has_ids, ceiling());
  const std::uint64_t begin = next_slot().begin;
  return equal_.on_counted_page(page, rules_.has_ids, counted_end_ > begin ? counted_end_ - begin : 0);
}

NewestFirstWalk::Look NewestFirstWalk::examine(const Page& page, std::vector<std::uint32_t>& occurrences) {
  Look look;
  const EqualRecords::Numbers numbers = number(page);
  occurrences = numbers.of_records;
  look.nothing_fresh = numbers.nothing_fresh;
  look.count = page.records.size() + page.oversized.size();
  std::vector<std::uint64_t> keys;
  const PageRequest request = next_request();
  const WallTime bound = *request.from;
  look.full = look.count > 0 && look.count >= std::min<std::size_t>(request.page_size, std::max<std::size_t>(1, largest_here_));
  std::optional<WallTime> oldest_before;  // of the records of this page that came before
  for (std::size_t i = 0; i < page.records.size(); ++i) {
    const PageRecord& record = page.records[i];
    // The n-th equal record of an attempt is a record of its own.
    const std::uint64_t key = record_key(record) ^ (occurrences[i] - 1) * 0xff51afd7ed558ccdull;
    const SeenSet::Answer answer = seen_.note(key, attempt_);
    if (!answer.in_attempt) look.all_seen = false;
    if (search_) {
      look.met_above = look.met_above || std::find(above_.begin(), above_.end(), key) != above_.end();
    } else if (page_size_ == 1) {
      above_.push_back(key);
      if (above_.size() > most_above) above_.pop_front();
    }
    if (!answer.in_walk) {
      look.any_new = true;
      ++records_;
    }
    if (counted()) {
      if (std::find(last_keys_.begin(), last_keys_.end(), key) != last_keys_.end()) look.shares = true;
      keys.push_back(key);
    }
    if (!record.has_time) continue;
    if (!look.newest || record.time > *look.newest) look.newest = record.time;
    if (!look.oldest || record.time < *look.oldest) look.oldest = record.time;
    // What the attempt has met before (a page that comes again) says nothing about the order.
    if (!answer.in_attempt) note_time(record.time);
    if (record.time < bound) look.before_bound = true;
    if (oldest_before && record.time > *oldest_before + rules_.overlap) disorder_ = true;
    if (!oldest_before || record.time < *oldest_before) oldest_before = record.time;
    if (!window_.contains(record.time)) continue;
    oldest_inside_ = std::min(oldest_inside_.value_or(record.time), record.time);
    newest_inside_ = std::max(newest_inside_.value_or(record.time), record.time);
  }
  if (!page.oversized.empty()) look.all_seen = false;
  if (!keys.empty()) last_keys_ = std::move(keys);
  look.shares = numbers.joins.value_or(look.shares);
  return look;
}

void NewestFirstWalk::note_time(WallTime time) {
  if (recent_.noted() >= fewest_recent && time > *ceiling()) largest_rise_ = std::max<Duration>(largest_rise_, time - *ceiling());
  recent_.note(time, recent_size(page_size_, rules_.page_size));
}

WallTime NewestFirstWalk::come_to() const {
  if (disorder_ || !last_newest_ || recent_.noted() < recent_size(page_size_, rules_.page_size)) return upper_;
  return std::min(upper_, with_rise(*last_newest_));
}

std::vector<std::uint32_t> NewestFirstWalk::on_page(const Page& page) {
  AUDITFERRY_CHECK(!done());
  std::vector<std::uint32_t> occurrences;
  const WallTime asked_to = *next_request().to;
  const Look look = examine(page, occurrences);
  if (search_) {
    // What stands above the record, or a server that ignores the end of the range, says nothing about it.
    on_probe(!look.met_above && (!look.newest || *look.newest <= asked_to + rules_.unit));
    return occurrences;
  }
  ++pages_;
  largest_page_ = std::max(largest_page_, look.count);
  if (look.any_new) brought_new_ = true;
  if (look.any_new) cut_at_ = std::max(cut_at_, pages_ > 1 ? last_count_ : count_before_);
  if (look.before_bound) ignores_start_ = true;
  if (newest_so_far_ && look.newest && *look.newest > *newest_so_far_ + rules_.overlap) disorder_ = true;
  if (look.newest && (!newest_so_far_ || *look.newest > *newest_so_far_)) newest_so_far_ = look.newest;
  if (counted()) {
    judge_counted(look);
  } else {
    judge(page, look);
  }
  if (small_for_ > 0 && !done()) grow_again(look.count);
  return occurrences;
}

void NewestFirstWalk::judge(const Page& page, const Look& look) {
  const bool by_cursor = through_cursor_;
  cursor_met_ = cursor_met_ || by_cursor || page.cursor;
  const bool repeated = look.count > 0 && look.all_seen && pages_ > 1;
  if (!page.cursor) {
    if (look.count == 0 && by_cursor) return attempt_was_cut(true);  // (b)
    if (repeated && by_cursor) return attempt_was_cut(false);        // (c): the first page again
    // A full page: its end may be our doing, where we asked for a smaller one than usual. Or its cursor stands elsewhere than
    // the profile says, where no page of this walk had one.
    if (look.count >= page_size_ && (page_size_ < rules_.page_size || !cursor_met_)) {
      remember(look);
      return attempt_was_cut(false);
    }
    return piece_shown();  // (a)
  }
  if (repeated) return attempt_was_cut(false);
  if (look.count > 0) equal_run_ = look.nothing_fresh ? equal_run_ + look.count : 0;
  if (equal_run_ > rules_.max_page_size) return attempt_was_cut(false);
  if (look.count > 0) remember(look);
  // Below the window; only meaningful once the server has been seen to ignore the start bound.
  if (ignores_start_ && look.newest && with_rise(*look.newest) < piece().from) return piece_shown();
  if (repeats(*page.cursor)) return attempt_was_cut(look.count == 0);
  if (look.count == 0 && ++empty_run_ >= many_empty_pages) return attempt_was_cut(true);
  // (b) An empty page behind a cursor, with yet another cursor: the chain goes on only if that leads on.
  if (look.count > 0) empty_run_ = 0;
  cursor_ = page.cursor;
  through_cursor_ = true;
}

void NewestFirstWalk::judge_counted(const Look& look) {
  if (!through_cursor_) {
    if (look.count == 0) return piece_shown();
  } else {
    if (look.count == 0) return attempt_was_cut(true);
    if (!look.shares) return attempt_was_cut(false);  // records moved: what lies between is unknown
    if (look.all_seen && !look.full) return piece_shown();  // nothing behind the overlap
    known_run_ = look.all_seen ? known_run_ + 1 : 0;
    if (known_run_ >= many_known_pages) return attempt_was_cut(false);
  }
  remember(look);
  if (ignores_start_ && look.newest && with_rise(*look.newest) < piece().from) return piece_shown();
  counted_end_ = next_slot().begin + look.count;
  largest_here_ = std::max(largest_here_, look.count);
  offset_ = counted_end_ - std::min<std::uint64_t>(look.count, overlap_of(largest_here_));
  through_cursor_ = true;
}

void NewestFirstWalk::remember(const Look& look) {
  last_count_ = look.count;
  last_newest_ = look.newest ? std::max(*look.newest, ceiling().value_or(*look.newest)) : look.newest;
  last_oldest_ = look.oldest;
}

bool NewestFirstWalk::repeats(const std::string& cursor) {
  const std::uint64_t hash = std::hash<std::string>{}(cursor);
  if (std::find(cursors_seen_.begin(), cursors_seen_.end(), hash) != cursors_seen_.end()) return true;
  cursors_seen_.push_back(hash);
  return false;
}

void NewestFirstWalk::on_cursor_refused() {
  AUDITFERRY_CHECK(!done());
  attempt_was_cut(false);
}

bool NewestFirstWalk::conclusive() const {
  if (last_count_ == 0 || last_count_ < largest_page_) return true;
  // As many as the largest page: it may have been cut at a limit of the server. Whether anything lies
  // below shows from its oldest time; where that is no step down, only a page that is smaller than what
  // was asked for, and than any that was seen to be cut, shows that nothing was cut off.
  const bool can_step_down = last_oldest_ && std::max(*last_oldest_, piece().from) < upper_;
  return !can_step_down && last_count_ < std::min(page_size_, rules_.page_size) && (cut_at_ == 0 || last_count_ < cut_at_);
}

void NewestFirstWalk::set_page_size(std::uint32_t size) {
  // How large pages were before says nothing about whether a smaller one is full.
  if (size < page_size_) largest_page_ = 0;
  page_size_ = size;
}

std::optional<WallTime> NewestFirstWalk::step_down(const std::optional<WallTime>& time) const {
  if (!time) return std::nullopt;
  const WallTime next = std::max(with_rise(*time), piece().from);
  return next < upper_ ? std::optional(next) : std::nullopt;
}

void NewestFirstWalk::attempt_was_cut(bool confirm) {
  if (confirm && confirming_ && !brought_new_ && conclusive()) return piece_shown();
  if (disorder_) return split_piece();
  if (below_piece()) return piece_shown();
  if (const auto lower = step_down(last_newest_)) return begin_attempt(*lower, confirm);
  if (const auto lower = step_down(ceiling())) return begin_attempt(*lower, confirm);
  if (confirm && !confirming_) return begin_attempt(upper_, true);
  if (page_size_ < largest_page_size()) {
    // Not a multiple: a page that was full only by chance is not full again. Where some size was too large, half
    // of the way to it.
    const std::uint32_t larger = too_large_ > page_size_ ? std::max(page_size_ + 1, (page_size_ + too_large_) / 2) : page_size_ * 2 + 1;
    set_page_size(std::min(larger, largest_page_size()));
    return begin_attempt(upper_, confirm);
  }
  give_up_units("the portal shows only part of the records of this moment: its cursors end early and its pages are not larger; ask the vendor "
                "for a larger page_size");
}

void NewestFirstWalk::attempt_again() {
  if (disorder_) return begin_attempt(upper_, false);
  const auto lower = step_down(last_newest_);
  begin_attempt(lower ? *lower : step_down(ceiling()).value_or(upper_), false);
}

void NewestFirstWalk::give_up_units(const std::string& why) {
  const TimeRange lost{std::max(piece().from, upper_ - rules_.unit), std::min(piece().to, upper_ + rules_.unit)};
  gaps_.push_back({lost, why});
  piece_gaps_.push_back(lost);
  too_large_ = 0;
  set_page_size(rules_.page_size);
  const WallTime below = upper_ - 2 * rules_.unit;
  if (below < piece().from) return piece_shown();
  begin_attempt(below, false);
}

void NewestFirstWalk::split_piece() {
  const TimeRange whole = piece();
  const Duration half = (whole.to - whole.from) / 2;
  if (half < rules_.unit) return give_up_units("the portal does not keep to any order of time here, and its cursors end early");
  todo_.pop_back();
  todo_.push_back({whole.from, whole.from + half});
  todo_.push_back({whole.from + half, whole.to});
  disorder_ = false;  // shown again, or not, within the half
  begin_attempt(piece().to, false);
}

void NewestFirstWalk::piece_shown() {
  cover_piece(piece().from);
  next_piece();
}

void NewestFirstWalk::cover_piece(WallTime from) {
  // What is covered is the piece without its gaps; gaps were found from above to below.
  WallTime to = latest_ ? std::min(piece().to, *latest_) : piece().to;
  for (const TimeRange& gap : piece_gaps_) {
    if (gap.to < to && std::max(gap.to, from) < to) covered_.push_back({std::max(gap.to, from), to});
    to = std::min(to, gap.from);
  }
  if (to > from || (to == from && piece_gaps_.empty())) covered_.push_back({from, to});
}

void NewestFirstWalk::cut() {
  if (done()) return;
  if (!disorder_) {
    // Whatever has not come is at that time or before it: the same that an attempt by time relies on.
    WallTime unseen = search_ ? search_->top : upper_;
    if (ceiling() && !search_) unseen = std::min(unseen, with_rise(*ceiling()));
    const WallTime from = unseen - unseen.time_since_epoch() % rules_.unit + rules_.unit;
    if (from < piece().to) cover_piece(std::max(from, piece().from));
  }
  search_.reset();
  piece_gaps_.clear();
  todo_.clear();
}

void NewestFirstWalk::next_piece() {
  barren_ = 0;
  piece_gaps_.clear();
  todo_.pop_back();
  if (!todo_.empty()) begin_attempt(piece().to, false);
}

std::vector<WalkGap> NewestFirstWalk::take_gaps() {
  std::vector<WalkGap> gaps = std::exchange(gaps_, {});
  // What the portal has not lived through is asked for again.
  if (latest_) std::erase_if(gaps, [this](const WalkGap& gap) { return gap.range.from >= *latest_; });
  return gaps;
}

}  // namespace auditferry
