// What a walk does about a page that cannot be read, or is too large: it is asked for in halves, down to one
// record. Where the record stands that is in the way cannot be read from it, so its time is searched for: an
// attempt from there or from later meets it first, one from before it does not. The gap is four time units wide;
// what lies above and below it is walked as ever.

#include <algorithm>

#include "core/check.h"
#include "sources/walk.h"

namespace auditferry {

namespace {

// An attempt with smaller pages begins so many records above the trouble, at most.
constexpr std::uint32_t most_read_again = 20;

}  // namespace

bool NewestFirstWalk::asks_again() const {
  if (search_) return search_->deciding;
  return page_size_ <= 1 || page_size_ >= rules_.page_size;
}

void NewestFirstWalk::on_unreadable(const std::string& why) {
  AUDITFERRY_CHECK(!done());
  if (search_) return on_probe(false);
  if (small_for_ == 0 || page_size_ >= rules_.page_size) small_for_ = page_size_ + most_read_again;
  if (halve_page_size()) return;
  small_for_ = 0;
  if (disorder_) return narrow_disorder(why);
  if (below_piece()) return piece_shown();
  const WallTime top = std::max(come_to(), piece().from);
  search_ = Search{top, top, std::nullopt, false, why};
  probe();
}

bool NewestFirstWalk::halve_page_size() {
  if (page_size_ <= 1) return false;
  too_large_ = page_size_;
  set_page_size(std::max<std::uint32_t>(1, page_size_ / 2));
  // A cursor may carry its page size with it; asking anew by time costs one page at most.
  if (last_newest_) begin_attempt(come_to(), confirming_);
  return true;
}

void NewestFirstWalk::grow_again(std::size_t records) {
  small_for_ -= std::min<std::uint32_t>(small_for_ - 1, static_cast<std::uint32_t>(records));
  if (small_for_ > 1 || disorder_ || come_to() >= upper_) return;
  small_for_ = 0;
  too_large_ = 0;
  const WallTime from = come_to();
  set_page_size(rules_.page_size);
  begin_attempt(from, false);
}

// Nothing may be concluded from the time of a record: what is left of the window when halves are no longer halved
// is lost.
void NewestFirstWalk::narrow_disorder(const std::string& why) {
  too_large_ = 0;
  set_page_size(rules_.page_size);
  if ((piece().to - piece().from) / 2 >= rules_.unit) return split_piece();
  gaps_.push_back({piece(), why, true});
  next_piece();
}

void NewestFirstWalk::probe() {
  // Where one unit is asked for: the one before the piece.
  const WallTime lowest = on_unit(piece().from) - 2 * rules_.unit;
  const bool at_top = search_->unreadable == search_->top;
  if (search_->readable) {
    const WallTime middle = on_unit(*search_->readable + (search_->unreadable - *search_->readable) / 2);
    if (middle > *search_->readable) return begin_attempt(middle, false);
  } else if (search_->unreadable > lowest) {
    const WallTime twice_as_far = on_unit(search_->unreadable - std::max<Duration>(rules_.unit, search_->top - search_->unreadable));
    return begin_attempt(std::max(lowest, twice_as_far), false);
  }
  // The request that met it first has been made more than once already.
  if (at_top) return found_unreadable();
  search_->deciding = true;
  begin_attempt(search_->unreadable, false);
}

void NewestFirstWalk::on_probe(bool readable) {
  const bool decided = std::exchange(search_->deciding, false);
  if (decided && !readable) return found_unreadable();
  if (!readable) search_->unreadable = upper_;
  // What it was taken for it was not.
  if (decided) search_->unreadable = search_->top;
  if (readable) search_->readable = upper_;
  probe();
}

void NewestFirstWalk::found_unreadable() {
  const Search found = *std::exchange(search_, std::nullopt);
  const TimeRange whole = piece();
  const Duration unit = rules_.unit;
  // Nothing of what was to lie above such records can be read either.
  const bool all = barren_ > 1 && !found.readable;
  TimeRange lost{whole.from, on_unit(all ? found.top : found.unreadable) + 3 * unit};
  if (found.readable) lost = {*found.readable, on_unit(*found.readable) + 4 * unit};
  gaps_.push_back({lost, found.why, true});
  const WallTime shown_from = std::max(lost.to, found.top);
  if (shown_from < whole.to) cover_piece(shown_from);
  piece_gaps_.clear();
  todo_.pop_back();
  if (found.readable && lost.from >= whole.from) todo_.push_back({whole.from, lost.from});
  const bool more_above = lost.to < found.top;
  barren_ = static_cast<std::uint8_t>(!more_above ? 0 : found.readable ? 1 : barren_ + 1);
  if (more_above) todo_.push_back({lost.to, found.top});
  too_large_ = 0;
  set_page_size(rules_.page_size);
  if (!done()) begin_attempt(piece().to, false);
}

}  // namespace auditferry
