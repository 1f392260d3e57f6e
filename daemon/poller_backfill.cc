// Backfills: a closed window that a person asked for, walked beside everything else (or alone, without a
// daemon). Its coverage is called "backfill".

#include <algorithm>

#include "daemon/poller.h"
#include "daemon/range_proof.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr Duration longest_backfill_idle = std::chrono::milliseconds(200);
// Without a daemon somebody waits: after so many requests in a row without a useful answer it is given up.
constexpr int tries = 8;

}  // namespace

Status Poller::begin_backfill(TimeRange window) {
  if (backfill_ && !backfill_->ended) {
    return Error{ErrorKind::unavailable, "stream " + stream_.name + " of " + source_.name + " is being backfilled already: ask again when that is done"};
  }
  backfill_.emplace();
  backfill_->window = window;
  backfill_->reached = window.from;
  backfill_->slice = std::min(stream_.slice, longest_window(stream_.profile));
  nudge();
  return {};
}

Task<void> Poller::run_backfills() {
  only_backfills_ = true;
  for (;;) {
    const Status ended = co_await backfill_loop();
    if (!ended) end_backfill(ended.error());
    co_await world_.clock.sleep(storage_retry);
  }
}

Task<Status> Poller::backfill_loop() {
  walks_.clear();
  backfill_walk_.reset();
  backfill_follow_.reset();
  Status attached = co_await attach();
  if (!attached) co_return attached;
  for (;;) {
    if (room_ != Room::enough && backfill_running()) {
      end_backfill(Error{ErrorKind::no_space, "the journal is full, or its disk nearly so: start the daemon, so that exporters deliver what waits, and ask again"});
    }
    Result<Step> step = Step::idle;
    if (backfill_running()) step = co_await step_backfill();
    if (!step) co_return std::move(step).error();
    co_await remember_problem();
    if (*step == Step::idle) co_await idle(longest_backfill_idle);
  }
}

Task<Result<Poller::Step>> Poller::step_backfill() {
  if (backfill_running() && status_.stopped) {
    end_backfill(Error{ErrorKind::invalid, status_.problem});
    co_return Step::idle;
  }
  Result<Step> step = Step::idle;
  if (backfill_walk_ || stream_.profile.order == RecordOrder::newest_first) {
    step = co_await step_backfill_walk();
  } else {
    step = co_await step_backfill_follow();
  }
  if (!step || !backfill_running()) co_return step;
  backfill_->failures = status_.up || *step == Step::idle ? 0 : backfill_->failures + 1;
  if (only_backfills_ && backfill_->failures >= tries) end_backfill(Error{ErrorKind::unavailable, status_.problem});
  co_return step;
}

Task<Result<Poller::Step>> Poller::step_backfill_walk() {
  if (backfill_walk_) {
    Status advanced = co_await advance_walk(*backfill_walk_);
    if (!advanced) co_return std::move(advanced).error();
    if (backfill_walk_->walk.done()) on_backfill_slice();
    co_return Step::moved;
  }
  // The first coverage needs its proof, which a poll is about to make where there are polls.
  if (!only_backfills_ && !notes_.proof_at && !proof_empty_) co_return Step::idle;
  if (only_backfills_) {
    Result<Step> proof = co_await prove_if_due();
    if (!proof || *proof == Step::moved) co_return proof;
  }
  if (proof_empty_) {
    end_backfill(Error{ErrorKind::not_found, "the portal shows no record at all of stream " + stream_.name +
                                                 ", so it cannot be proved that it answers for a time range: nothing counts as shown"});
    co_return Step::idle;
  }
  if (!backfill_->examined) co_return co_await examine_backfill();
  if (backfill_->reached >= backfill_->window.to) co_return co_await conclude_backfill();
  const TimeRange window{backfill_->reached, std::min<WallTime>(backfill_->window.to, backfill_->reached + backfill_->slice)};
  PlannedWalk plan{"backfill", window, false, std::nullopt};
  NewestFirstWalk walk = NewestFirstWalk::begin(rules(), window);
  backfill_walk_ = std::make_unique<ActiveWalk>(ActiveWalk{0, std::move(plan), std::move(walk), 0});
  co_return Step::moved;
}

Task<Result<Poller::Step>> Poller::step_backfill_follow() {
  if (!backfill_->examined) co_return co_await examine_backfill();
  if (backfill_->reached >= backfill_->window.to) co_return co_await conclude_backfill();
  // What is left of a backfill that was given up is another window's.
  if (!backfill_follow_ || !backfill_->following) {
    backfill_->following = true;
    const TimeRange window{backfill_->reached, backfill_->window.to};
    OldestFirstFollow follow = OldestFirstFollow::begin_window(rules(), window, stream_.profile.next_link_always);
    backfill_follow_.emplace(Following{std::move(follow), PlannedWalk{"backfill", window, false, std::nullopt}, 0});
  }
  Status advanced = co_await advance_follow(*backfill_follow_);
  if (!advanced) co_return std::move(advanced).error();
  // Meanwhile it may have been given up, and another one begun.
  if (!backfill_->following) co_return Step::moved;
  if (backfill_->fetched > 0 || backfill_follow_->over) on_oldest_read();
  backfill_->reached = std::clamp(backfill_follow_->follow.covered_to(), backfill_->reached, backfill_->window.to);
  if (backfill_follow_->over) {
    backfill_follow_.reset();
    backfill_->reached = backfill_->window.to;
  }
  co_return Step::moved;
}

void Poller::on_backfill_slice() {
  const TimeRange walked = backfill_walk_->plan.window;
  const std::uint64_t records = backfill_walk_->walk.records();
  backfill_walk_.reset();
  if (!backfill_running()) return;  // it was begun by an earlier process, which nobody waits for any more
  // What an earlier process began may lie anywhere.
  if (walked.from > backfill_->reached || walked.to <= backfill_->reached) return;
  on_oldest_read();
  backfill_->reached = std::min(walked.to, backfill_->window.to);
  backfill_->slice = next_slice(backfill_->slice, records, stream_.profile);
}

void Poller::on_oldest_read() {
  if (backfill_->read_oldest || !stream_.retention) return;
  backfill_->read_oldest = true;
  backfill_->forgotten_to = std::max(backfill_->forgotten_to, WallTime(world_.clock.now() - *stream_.retention));
}

// What can be found out before the first request of the window itself.
Task<Result<Poller::Step>> Poller::examine_backfill() {
  Backfill& backfill = *backfill_;
  backfill.window.to = std::min(backfill.window.to, session_.edge());
  backfill.settled_before = ranges_of(settled_);
  if (stream_.retention) {
    const WallTime oldest = world_.clock.now() - *stream_.retention;
    backfill.forgotten_to = oldest;
    backfill.reached = std::clamp(oldest, backfill.window.from, std::max(backfill.window.from, backfill.window.to));
  } else {
    const TimeRange before{backfill.window.from - longest_window(stream_.profile), backfill.window.from};
    PresenceOutcome presence = co_await anything_in(session_, stream_.profile, before);
    if (!presence.answered && !presence.answer.nothing_readable) {
      report(presence.answer);
      co_await wait_after(presence.answer);
      co_return Step::moved;
    }
    if (presence.answered) note_good();
    backfill.remembered = presence.newest.has_value();
  }
  backfill.examined = true;
  co_return Step::moved;
}

void Poller::note_backfill(const Page& page, const StoredPage& stored) {
  if (!backfill_running()) return;
  backfill_->fetched += page.records.size();
  backfill_->fresh += stored.fresh;
  backfill_->late += stored.late;
  for (const PageRecord& record : page.records) {
    if (!record.has_time || !backfill_->window.contains(record.time)) continue;
    backfill_->first_seen = std::min(backfill_->first_seen.value_or(record.time), record.time);
  }
}

// Everything has been walked: what of it has the portal forgotten? An empty answer is no proof where it is
// known to have had older records.
Task<Result<Poller::Step>> Poller::conclude_backfill() {
  Backfill& backfill = *backfill_;
  if (!backfill.remembered) {
    const WallTime oldest = stream_.retention ? backfill.forgotten_to : backfill.first_seen.value_or(backfill.window.to);
    const WallTime until = std::min(oldest, backfill.window.to);
    bool forgotten = stream_.retention.has_value();
    if (!forgotten) {
      auto look = [&](Journal& journal) { return journal.records_around(collection_.stream_id, until - Duration(1)); };
      const Result<Journal::Around> around = co_await world_.storage.run(look);
      if (!around) co_return around.error();
      forgotten = around->had_before;
    }
    if (forgotten && until > backfill.window.from) {
      const std::vector<TimeRange> lost = outside_of({TimeRange{backfill.window.from, until}}, backfill.settled_before);
      for (const TimeRange& range : lost) {
        NewGap gap{"forgotten", range,
                   "a backfill was to show this time, and the portal shows nothing from before " + format_rfc3339(until) +
                       " any more: what it held there and was not collected is not to be had"};
        world_.log.error("a gap of type forgotten was recorded: " + gap.why, session_.fields());
        Status recorded = co_await record_gap(std::move(gap));
        if (!recorded) co_return std::move(recorded).error();
      }
    }
  }
  Status reloaded = co_await reload();
  if (!reloaded) co_return std::move(reloaded).error();
  const auto in_window = [&backfill](const GapRow& gap) {
    return gap.state == "open" && gap.range && gap.range->from <= backfill.window.to && backfill.window.from <= gap.range->to;
  };
  backfill.open_gaps = static_cast<std::uint64_t>(std::count_if(collection_.gaps.begin(), collection_.gaps.end(), in_window));
  backfill.ended = true;
  co_return Step::idle;
}

void Poller::end_backfill(Error error) {
  if (!backfill_running()) return;
  backfill_->error = std::move(error);
  backfill_->ended = true;
}

}  // namespace auditferry
