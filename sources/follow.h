#pragma once
// Following a log that answers oldest first: the vendor's own cursor or next link says where to go on, and
// each page is a publication of its own. Pure, like sources/walk.h.
//
// A page that cannot be read or is too large is asked for in halves, down to one record (a link carries its
// size with it, so then by time, first of all `overlap` back). One record that stays unreadable is taken to
// stand where the shown part of the log ends: the log is asked by time one second further on, then two, four
// and so on, and what lies between is a gap once a page comes again.
// A cursor that is refused again before the log has come further shows that chains end early: then no longer
// `overlap` back but from the newest time on, then with larger pages, and at last a unit further (a gap). The same where
// a full page has no cursor and none had one before: it may stand elsewhere than the profile says.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/page.h"
#include "core/profile.h"
#include "core/result.h"
#include "sources/walk.h"

namespace auditferry {

class OldestFirstFollow {
 public:
  // From `from` on, by time.
  static OldestFirstFollow begin(const WalkRules& rules, WallTime from, bool next_link_always);
  // A closed window once more. The page that shows its end is the edge.
  static OldestFirstFollow begin_window(const WalkRules& rules, TimeRange window, bool next_link_always);
  static Result<OldestFirstFollow> resume(const WalkRules& rules, std::string_view state, bool next_link_always);

  PageRequest next_request() const;
  bool follows_cursor() const { return cursor_.has_value(); }

  struct Outcome {
    bool at_edge = false;              // nothing more for now
    bool pause = false;                // only empty pages for a while, each with another next link
    std::optional<WalkGap> lost;       // what could not be read before this page, or is not shown
    std::optional<TimeRange> covered;  // what has been shown with this page
    // As NewestFirstWalk::on_page, of a chain of cursors: an equal record behind the end of a page belongs to the same
    // instant as that end.
    std::vector<std::uint32_t> occurrences;
  };
  // `edge`: up to when a page that ends the log shows it.
  Outcome on_page(const Page& page, WallTime edge);
  // 400, 404 or 410 to a cursor: from the newest time minus overlap, by time; what is known is
  // de-duplicated. Coverage goes on from where it was: nothing was skipped, unless a gap is given.
  std::optional<WalkGap> on_cursor_refused();
  // Smaller pages from now on. False when they cannot get smaller.
  bool halve_page_size();
  // One record that can never be read: on behind it. A gap is given here only if `edge` has been reached
  // without a page that can be read; else with the next page.
  std::optional<WalkGap> on_unreadable(const std::string& why, WallTime edge);

  std::string state() const;
  // Everything up to here has been shown.
  WallTime covered_to() const { return covered_to_; }

 private:
  OldestFirstFollow(const WalkRules& rules, bool next_link_always);
  bool ends_log(const Page& page, bool moved) const;
  bool is_behind(const Page& page) const;
  bool is_cut(const Page& page) const;
  void ask_by_time(WallTime from);
  std::vector<std::uint32_t> number(const Page& page, bool moved);
  void grow_again();

  WalkRules rules_;
  bool next_link_always_;
  std::optional<WallTime> to_;         // the window's end
  WallTime from_{};                    // of a request by time; never falls
  std::optional<std::string> cursor_;  // of the next request; nothing: by time
  // What stands before cursor_: the instant of the last record, and how many equal ones without ids it has.
  std::optional<WallTime> equal_at_;
  std::map<std::uint64_t, std::uint32_t> equal_;
  WallTime covered_to_{};
  std::optional<WallTime> newest_;
  std::uint32_t page_size_;
  std::optional<WallTime> small_until_;  // pages stay small until this has been shown
  std::optional<WallTime> lost_from_;    // nothing could be read from here on
  std::string lost_why_;
  Duration skip_;                        // how far the next step over something unreadable goes
  std::uint32_t empty_run_ = 0;
  bool chains_end_early_ = false;
  std::optional<WallTime> refused_newest_;  // newest_ when a cursor was last refused
};

}  // namespace auditferry
