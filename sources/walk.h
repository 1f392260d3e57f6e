#pragma once
// The walk of one time window through a log that answers newest first: which request comes next, and what
// a page proves. Pure: no I/O, no clock. The poller sends the requests, stores each page together with
// state(), and can go on from that text after a crash at any point.
//
// An attempt is a chain of cursors that begins with a request by time. It ends
//  (a) with a page without a cursor: the window is shown (unless the page only repeats this attempt);
//  (b) with an empty page reached through a cursor, which is what an expired cursor may look like:
//      another attempt by time must bring nothing new and show that it is not cut off itself;
//  (c) with a refused or repeated cursor, or a page whose records this attempt has all seen: another
//      attempt by time, from the newest time of the last page; if that would be no progress, from a time
//      near its end; then with larger pages; and if all fails a gap of two time units is recorded and the
//      walk goes on below it.
// Records without ids are told apart by sources/equal_records.h. Only such records, each equal to an earlier one, may be
// a page that is shown again and again: after more than the largest page of them (c) applies.
// A log in another order than that of time (by event, say) shows newer records behind older ones. What is
// still to come is therefore not expected below the oldest time of a page but below its ceiling, the
// newest of the chain's last records, plus the largest rise above that ceiling ever met (decision 6).
// A record newer than all earlier pages of its attempt, or than an earlier record of its own page, by more
// than `overlap` proves that the log is not in order of time: then nothing is resumed by time, and the window is walked in halves instead.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/page.h"
#include "core/profile.h"
#include "core/result.h"
#include "sources/equal_records.h"
#include "sources/recent_maximum.h"
#include "sources/seen_set.h"

namespace auditferry {

struct WalkRules {
  Duration unit = std::chrono::seconds(1);  // the step the vendor can tell apart
  Duration overlap = std::chrono::minutes(10);
  std::uint32_t page_size = 100;
  std::uint32_t max_page_size = 1000;
  PagingKind paging = PagingKind::cursor;
  std::uint32_t first_page = 0;
  bool has_ids = true;
};

struct WalkGap {
  TimeRange range;
  std::string why;
  bool unreadable = false;  // what the portal shows there cannot be read; else it does not show it
};

class NewestFirstWalk {
 public:
  static NewestFirstWalk begin(const WalkRules& rules, TimeRange window);
  // Goes on from a text that state() gave. An attempt that has met records without ids starts again by time, because
  // equal ones are told apart by their number within one attempt.
  static Result<NewestFirstWalk> resume(const WalkRules& rules, std::string_view state);

  bool done() const { return todo_.empty(); }
  // Precondition: !done().
  PageRequest next_request() const;
  // Whether next_request() follows a cursor: an error answer to it may mean that the cursor is gone.
  bool follows_cursor() const { return through_cursor_; }

  // The answer to next_request(). Gives per record how many equal ones this attempt has met, itself
  // included; 1 for records with ids.
  std::vector<std::uint32_t> on_page(const Page& page);
  void on_cursor_refused();
  // The answer to next_request() cannot be read: smaller pages from now on. One record that cannot be read becomes
  // a gap, which may take some more requests; what lies around it is shown (walk_search.cc).
  void on_unreadable(const std::string& why);
  // Whether next_request() is to be made a few times before its answer counts as unreadable: the answer decides
  // what is lost, or how many requests follow.
  bool asks_again() const;
  // No smaller page can be asked for.
  bool smallest_page() const { return page_size_ <= 1; }
  // Smaller pages from now on, because an answer was too large. False when they cannot get smaller.
  bool halve_page_size();
  // Ends the walk where it is: covered() holds what has been shown down to here, the rest is to be planned
  // anew. Nothing of a piece that is not in order of time.
  void cut();

  // Nothing later than this counts as shown: the portal's own clock has not come further.
  void clip(WallTime latest) { latest_ = latest_ ? std::min(*latest_, latest) : latest; }
  // The window's end, as far as it can count as shown.
  WallTime reach() const { return latest_ ? std::min(window_.to, *latest_) : window_.to; }

  std::string state() const;
  // What the walk has shown so far; complete when done().
  std::vector<TimeRange> covered() const { return covered_; }
  // Gaps found since the last call.
  std::vector<WalkGap> take_gaps();
  std::uint64_t records() const { return records_; }
  bool found_disorder() const { return disorder_; }
  // Some attempt went on from a time instead of a cursor. Records that are already known and stand in another order than
  // that of time, closer together than `overlap`, may then not have come, although they are still there. Not kept in
  // state().
  bool stepped_down() const { return stepped_down_; }
  // Of the records inside the window that came so far, known ones too. Kept in state().
  std::optional<WallTime> oldest_inside() const { return oldest_inside_; }
  std::optional<WallTime> newest_inside() const { return newest_inside_; }

 private:
  // What one page looks like against what the walk knows.
  struct Look {
    std::size_t count = 0;
    std::optional<WallTime> newest;
    std::optional<WallTime> oldest;
    bool all_seen = true;     // every record was met before in this attempt
    bool any_new = false;     // some record was never met in this walk
    bool nothing_fresh = false;  // no record has an id, and each equals one of an earlier page of this attempt
    bool shares = false;      // with the page before (offset and page-number paging)
    bool before_bound = false;  // some record is older than the bound that was asked for
    bool full = false;          // as many as were asked for, or as the server gives at most
    bool met_above = false;     // some record is one of above_
  };

  explicit NewestFirstWalk(const WalkRules& rules) : rules_(rules) {}
  Look examine(const Page& page, std::vector<std::uint32_t>& occurrences);
  void judge(const Page& page, const Look& look);
  bool counted() const { return rules_.paging == PagingKind::offset || rules_.paging == PagingKind::page; }
  // Of offset and page-number paging: the records that the next page begins with, and how many it has.
  struct Slot {
    std::uint64_t begin = 0;
    std::uint64_t size = 1;
    std::uint64_t end() const { return begin + size; }
  };
  Slot next_slot() const;
  EqualRecords::Numbers number(const Page& page);
  void attempt_again();
  void judge_counted(const Look& look);
  void remember(const Look& look);
  bool repeats(const std::string& cursor);
  void begin_attempt(WallTime upper, bool confirming);
  void next_piece();
  void piece_shown();
  // The piece from `from` on has been shown, but for its gaps.
  void cover_piece(WallTime from);
  void attempt_was_cut(bool confirm);
  bool conclusive() const;
  void set_page_size(std::uint32_t size);
  std::uint32_t largest_page_size() const { return too_large_ > 0 ? std::min(rules_.max_page_size, too_large_ - 1) : rules_.max_page_size; }
  // Where an attempt by time may go on, given a time of the last page: no record that the chain has not
  // shown is newer. Nothing if that is no step down.
  std::optional<WallTime> step_down(const std::optional<WallTime>& time) const;
  WallTime with_rise(WallTime time) const { return largest_rise_ > Duration::zero() ? time + std::max(largest_rise_, rules_.unit) : time; }
  // The chain has come below the piece before it broke.
  bool below_piece() const { return last_count_ > 0 && ceiling() && with_rise(*ceiling()) < piece().from; }
  // No record that the attempt has not shown is newer.
  WallTime come_to() const;
  // The newest of the last records of this attempt; more of them than are ever outliers in a row.
  std::optional<WallTime> ceiling() const { return recent_.maximum(); }
  void note_time(WallTime time);
  void split_piece();
  void give_up_units(const std::string& why);
  void narrow_disorder(const std::string& why);
  // Looks for the time of a record that cannot be read.
  void probe();
  void on_probe(bool readable);
  void found_unreadable();
  // After a page that could be read: usual pages again, once the trouble has been left behind.
  void grow_again(std::size_t records);
  WallTime on_unit(WallTime time) const { return time - time.time_since_epoch() % rules_.unit; }
  TimeRange& piece() { return todo_.back(); }
  const TimeRange& piece() const { return todo_.back(); }

  WalkRules rules_;
  // Pieces of the window still to be shown, the next one last. One piece, unless disorder split it.
  std::vector<TimeRange> todo_;
  std::vector<TimeRange> covered_;
  std::vector<WalkGap> gaps_;        // not yet taken
  std::vector<TimeRange> piece_gaps_;  // inside the present piece

  // The present attempt.
  WallTime upper_{};
  bool confirming_ = false;
  bool brought_new_ = false;
  bool through_cursor_ = false;
  std::optional<std::string> cursor_;
  std::uint64_t offset_ = 0;  // where the next page is to begin, at the latest
  std::uint64_t counted_end_ = 0;  // where the last one ended
  std::uint32_t page_size_ = 100;
  // So many records are still to be read in small pages before usual ones are tried again, after one that could not
  // be read; 0: pages are not small for that.
  std::uint32_t small_for_ = 0;
  std::uint32_t too_large_ = 0;  // pages of so many records were too large for us, lately; 0: none were
  std::uint32_t pages_ = 0;
  std::uint32_t empty_run_ = 0;
  std::uint32_t known_run_ = 0;   // pages in a row that brought only what the attempt had met
  std::size_t equal_run_ = 0;     // records in a row, in pages that brought only equal ones
  std::size_t largest_here_ = 0;  // the largest page of the attempt
  std::uint8_t attempt_ = 0;
  std::optional<WallTime> newest_so_far_;
  // The last page of the attempt that brought something.
  std::size_t last_count_ = 0;
  std::size_t count_before_ = 0;  // of the attempt that this one goes on from
  std::optional<WallTime> last_newest_;
  std::optional<WallTime> last_oldest_;
  RecentMaximum recent_;  // of the last records' times
  std::vector<std::uint64_t> last_keys_;     // offset and page-number paging
  std::vector<std::uint64_t> cursors_seen_;  // hashes
  EqualRecords equal_;

  // The search for a record that cannot be read.
  struct Search {
    WallTime top{};                    // all above has been shown
    WallTime unreadable{};             // an attempt from here meets it first
    std::optional<WallTime> readable;  // one from here does not
    bool deciding = false;             // the request is the last one: from `unreadable` once more
    std::string why;
  };
  std::optional<Search> search_;
  // The last records that this attempt has shown one by one: they stand above whatever comes next. A search keeps
  // them.
  std::deque<std::uint64_t> above_;
  // The piece lies between such a record and what had been shown. So often in a row nothing of it could be read.
  std::uint8_t barren_ = 0;

  // The whole walk.
  TimeRange window_;
  std::size_t largest_page_ = 0;  // since pages were last made smaller
  std::size_t cut_at_ = 0;        // a page of so many records was followed by more
  std::optional<WallTime> oldest_inside_;
  std::optional<WallTime> newest_inside_;
  std::uint64_t records_ = 0;
  std::optional<WallTime> latest_;  // see clip()
  bool disorder_ = false;
  bool stepped_down_ = false;
  bool cursor_met_ = false;  // not kept in state()
  Duration largest_rise_{};
  bool ignores_start_ = false;
  SeenSet seen_;
};

}  // namespace auditferry
