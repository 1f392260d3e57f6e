#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/bell.h"
#include "daemon/backfill.h"
#include "daemon/poll_plan.h"
#include "daemon/portal_session.h"
#include "daemon/poller_notes.h"
#include "sources/follow.h"
#include "sources/walk.h"

namespace auditferry {

// What the operator is shown of a poller; the durable part comes from the journal.
struct PollerStatus {
  std::string source;
  std::string stream;
  bool up = false;            // the last request was good
  std::string problem;        // why not, and what to do; empty when up
  bool stopped = false;       // an operator must act; probing slowly
  bool waiting_for_room = false;  // the journal is full
  std::optional<WallTime> last_page;
  SessionStats session;
};

// Brings one stream of one source into the journal. Goes on from whatever the journal holds. Loop thread
// only; runs until cancelled.
class Poller {
 public:
  Poller(PollerWorld world, const SourceSettings& source, const StreamSettings& stream);
  ~Poller();

  // Polls for ever.
  Task<void> run();
  // Returns when everything up to the moment of the call has been shown and published, or with the first
  // problem that an operator must solve.
  Task<Status> run_once();

  // A closed window is to be walked (once more) because a person asks for it: beside everything else that
  // run() does. One at a time. Its time has begun already.
  Status begin_backfill(TimeRange window);
  // Nothing else than backfills, for a process that is no daemon. For ever; also when the journal fails, which
  // ends the backfill.
  Task<void> run_backfills();
  // Gives it up; what came is kept.
  void end_backfill(Error error);
  // The one that was begun last.
  const std::optional<Backfill>& backfill() const { return backfill_; }

  // How much room there is for more records.
  enum class Room {
    enough,
    // The disk is nearly full: no request goes out.
    low,
    // The journal is full: no request goes out, and walks under way end where they are, so that what they
    // have brought is published and can be delivered and pruned. The rest of their windows is planned anew.
    none,
  };
  void hold(Room room);

  PollerStatus status() const {
    PollerStatus status = status_;
    status.session = session_.stats();
    return status;
  }
  // 0 until the journal knows the stream.
  std::int64_t stream_id() const { return collection_.stream_id; }
  // Nothing that a walk, reread or overlap could still meet is older than this.
  std::optional<WallTime> oldest_needed() const;

 private:
  // After that long without a look, the portal may have forgotten what it was not asked for.
  static constexpr Duration long_standstill = std::chrono::hours(24);
  // How often a page that cannot be read is asked for. Then it is asked for in smaller pieces, and the last piece
  // counts as lost.
  static constexpr int unreadable_tries = 3;

  // A walk that is under way, as the journal holds it.
  struct ActiveWalk {
    std::int64_t walk_id = 0;
    PlannedWalk plan;
    NewestFirstWalk walk;
    int unreadable = 0;  // times in a row that this request gave nothing usable
    bool resumed = false;  // begun by an earlier process
    MetRecords met = {};   // of a reread
    // The answer to walk.next_request(), asked for while the page before was being stored.
    std::optional<Answer> ahead = std::nullopt;
    // An answer of one record that cannot be read, until its gap is known.
    std::optional<Answer> lost = std::nullopt;
  };
  // An oldest-first log that is being followed: live, or a closed window once more.
  struct Following {
    OldestFirstFollow follow;
    std::optional<PlannedWalk> reread;  // nothing: live
    int unreadable = 0;                 // as above
    bool over = false;                  // the window's end has been shown, or is lost
    MetRecords met = {};                // of a reread
  };
  enum class Step { moved, idle };
  enum class Outage { open, remembered, forgotten };

  Task<Status> attach();
  Task<Status> resolve_start();
  bool start_is_late() const;
  WallTime still_shown(WallTime start) const;
  Task<Status> resume_walks(std::vector<StoredWalk> walks);
  Task<Status> loop(bool once);
  // Publishes what the walks under way have brought, and ends them; `covering` what they have shown.
  Task<Status> end_walks_early(bool covering);
  Task<Status> end_early(ActiveWalk& active, bool covering);
  Task<Result<Step>> step();
  bool finished_once(WallTime target);

  // Newest first.
  Task<Result<Step>> prove_if_due();
  Task<Result<Step>> start_walk(PlannedWalk plan);
  Task<Status> advance_walk(ActiveWalk& active);
  Task<Status> on_page(ActiveWalk& active, Answer answer, PageRequest request);
  Task<Status> on_cursor_refused(ActiveWalk& active, const Answer& answer);
  Task<Status> on_unreadable(ActiveWalk& active, Answer answer);
  Task<Status> on_too_large(ActiveWalk& active, Answer answer);
  // Ends in the journal a walk that ended without a page (a refused cursor was the last thing), and keeps the notes
  // with that.
  Task<Status> end_walk(ActiveWalk& active, std::vector<TimeRange> covered);
  // `ended_already`: the page that was stored last has ended it in the journal, too.
  Task<Status> finish_walk(ActiveWalk& active, bool ended_already);
  Task<Status> save_walk(ActiveWalk& active);
  // Those of the walk that are new; what a walk that has any did not meet says nothing.
  std::vector<NewGap> take_gaps(ActiveWalk& active);
  ActiveWalk* current_walk();
  // The notes as they are once the walk, which is done, has been published; kept together with its end.
  PollerNotes notes_after(const ActiveWalk& active) const;
  void note_shown(PollerNotes& notes, const std::vector<TimeRange>& covered) const;
  // The range was disproved: what walks have shown since the last proof is to be shown again.
  Task<Status> on_disproved();

  // What the portal no longer shows (poller_vanished.cc).
  void note_met(MetRecords& met, const PlannedWalk& plan, const Page& page) const;
  Task<Status> compare_reread(TimeRange window, MetRecords met);

  // What the portal may have forgotten (poller_doubt.cc).
  // What a walk has shown, without the gaps of more than a day ago that it may have found empty because the portal has
  // forgotten their time. `oldest`: of the records that it met. Asks the portal where those say nothing; a few times at
  // most, since what it shows from before one gap answers for the later ones, too.
  Task<std::vector<TimeRange>> shown_by(std::vector<TimeRange> covered, std::optional<WallTime> oldest);
  Task<std::vector<TimeRange>> shown_by(const ActiveWalk& active);
  Task<Status> note_doubt(WallTime edge);
  bool first_look_is_late() const;
  Task<void> note_empty();
  Doubt doubt_about(WallTime from) const;
  void extend_doubt(Doubt& doubt, const ActiveWalk& active) const;
  // A verdict can be had: what the portal shows now of the time in doubt has come.
  bool doubt_is_ripe(WallTime edge) const;
  // Was anything of the time in doubt forgotten? Open: the portal did not say, ask again.
  Task<Result<Outage>> settle_doubt(WallTime seen_to);
  // Finds out what the portal shows at the beginning of a stream that begins with history. Idle: that is known.
  Task<Result<Step>> look_at_beginning();

  // Oldest first.
  Task<Result<Step>> step_follow();
  void take_up_follow();
  void note_standstill();
  void begin_reread();
  Task<Status> advance_follow(Following& following);
  // Ends `following` if it is a reread that is done.
  Task<Status> on_followed_page(Following& following, Answer answer, PageRequest request, WallTime edge);
  Task<Status> on_followed_cursor_refused(Following& following, const Answer& answer);
  Task<Status> on_followed_unreadable(Following& following, Answer answer);
  // Puts down where a log is being followed when no page does, and a gap.
  Task<Status> keep_followed(Following& following, std::optional<NewGap> gap);
  // The verdict on an outage or a refused cursor.
  Task<Status> settle_follow();

  // Backfills, of both orders.
  bool backfill_running() const { return backfill_ && !backfill_->ended; }
  // Until there may be something to do, at most for `limit`.
  Task<void> idle(Duration limit);
  void nudge();
  Task<Status> backfill_loop();
  Task<Result<Step>> step_backfill();
  Task<Result<Step>> step_backfill_walk();
  Task<Result<Step>> step_backfill_follow();
  Task<Result<Step>> examine_backfill();
  Task<Result<Step>> conclude_backfill();
  void on_backfill_slice();
  void on_oldest_read();
  void note_backfill(const Page& page, const StoredPage& stored);

  // Both orders.
  // Nothing: the page was refused as a whole (ids collide), and that was reported.
  Task<Result<std::optional<StoredPage>>> store(PageToStore page);
  // Stores the page, and asks for the walk's next one meanwhile if the budget has room for it right now.
  Task<Result<std::optional<StoredPage>>> store_and_ask_ahead(ActiveWalk& active, PageToStore page);
  Task<void> store_into(PageToStore page, Result<std::optional<StoredPage>>& outcome);
  Task<void> ask_into(PageRequest request, double cost, bool follows_cursor, std::optional<Answer>& answer);
  double cost_of(const ActiveWalk& active) const;
  Task<Status> publish(std::int64_t walk_id);
  // Keeps the bytes of an answer that stays unreadable, and tells of it unless they are known.
  Task<Status> quarantine(const Answer& answer, std::string consequence);
  // What an unreadable gap of a walk is about goes to quarantine, unless that gap is known.
  Task<Status> keep_lost(ActiveWalk& active, const NewGap& gap);
  Task<bool> is_quarantined(const Answer& answer);
  // With an entry for the exporters, unless the gap is known already.
  Task<Status> record_gap(NewGap gap);
  Task<Status> save_notes();
  Task<Status> reload();
  void take(CollectionState state);
  Task<void> wait_after(const Answer& answer);
  Task<void> remember_problem();
  // `told`: an earlier walk has met the same and said so.
  void report(const Answer& answer, bool told = false);
  void note_good();
  // Once each: what the stream's fields do not give.
  void tell_of_missing(const Answer& answer);
  PageToStore page_to_store(const Answer& answer, const std::optional<std::string>& cursor_in, std::string_view how, TimeRange window);
  WalkRules rules() const;
  PlanInput plan_input(WallTime edge) const;

  PollerWorld world_;
  const SourceSettings& source_;
  const StreamSettings& stream_;
  PortalSession session_;
  Backoff backoff_;
  PollerStatus status_;
  CollectionState collection_;
  // What no walk has to ask for (again): coverage, and gaps that are open or accepted.
  std::vector<CoverageInterval> settled_;
  PollerNotes notes_;
  std::optional<WallTime> start_;
  std::deque<std::unique_ptr<ActiveWalk>> walks_;  // at most one live and one of history
  std::optional<Following> follow_;
  std::optional<Following> reread_;  // of an oldest-first log
  std::optional<Backfill> backfill_;
  std::unique_ptr<ActiveWalk> backfill_walk_;  // newest first; also what an earlier process began
  std::optional<Following> backfill_follow_;
  bool only_backfills_ = false;
  Duration slice_;
  SteadyTime next_poll_{};
  Room room_ = Room::enough;
  std::optional<Bell> nudged_;  // rung when there may be something to do before its time; made by the first idle()
  bool polled_ = false;       // a poll that this run began has been completed
  bool proof_empty_ = false;  // the log has no record yet
  bool follow_idle_ = false;      // until next_poll_
  bool follow_edge_ = false;      // the last page of an oldest-first log showed its end
  bool follow_answered_ = false;  // a page has come since the outage or the refusal that is to be settled
  std::optional<SteadyTime> followed_at_;
  bool disorder_told_ = false;
  bool timeless_told_ = false;  // records without a time were warned of
  bool idless_told_ = false;    // and without an id
  std::optional<Error> fatal_;  // run_once: what an operator must solve
};

}  // namespace auditferry
