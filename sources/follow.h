#pragma once
// Following a log that answers oldest first: the vendor's own cursor or next link says where to go on, and
// each page is a publication of its own. Pure, like sources/walk.h.

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
  static Result<OldestFirstFollow> resume(const WalkRules& rules, std::string_view state, bool next_link_always);

  PageRequest next_request() const;
  bool follows_cursor() const { return cursor_.has_value(); }

  struct Outcome {
    bool at_edge = false;              // nothing more for now
    std::optional<TimeRange> covered;  // what has been shown with this page
    std::vector<std::uint32_t> occurrences;  // as NewestFirstWalk::on_page
  };
  // `edge`: up to when a page that ends the log shows it.
  Outcome on_page(const Page& page, WallTime edge);
  // 400, 404 or 410 to a cursor: from the newest time minus overlap, by time; what is known is
  // de-duplicated. Coverage goes on from where it was: nothing was skipped.
  void on_cursor_refused();

  std::string state() const;
  // Everything up to here has been shown.
  WallTime covered_to() const { return covered_to_; }

 private:
  OldestFirstFollow(const WalkRules& rules, bool next_link_always) : rules_(rules), next_link_always_(next_link_always) {}
  WalkRules rules_;
  bool next_link_always_;
  WallTime from_{};                    // of a request by time
  std::optional<std::string> cursor_;  // of the next request; nothing: by time
  WallTime covered_to_{};
  std::optional<WallTime> newest_;
};

}  // namespace auditferry
