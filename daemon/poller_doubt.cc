// What the portal may have forgotten before it was asked for: after a standstill of more than 24 hours, and
// while a stream's first history is read. An empty answer is no proof: where the portal no longer shows what
// it had shown, the time up to the first record that it still showed is a gap.

#include <algorithm>
#include <utility>

#include "daemon/poller.h"
#include "daemon/range_proof.h"
#include "encoding/time_format.h"
#include "storage/gap_table.h"

namespace auditferry {
namespace {

// A first history of a day, which is the default, is not looked at: portals remember more than that. Nor is a gap that
// is no older when a walk has come over it once more.
constexpr Duration long_history = std::chrono::hours(25);

}  // namespace

Task<Result<Poller::Step>> Poller::look_at_beginning() {
  if (notes_.looked_at_beginning) co_return Step::idle;
  if (session_.edge() - *start_ > long_history && !notes_.shown_first) {
    PresenceOutcome before = co_await anything_in(session_, stream_.profile, {*start_ - longest_window(stream_.profile), *start_});
    Answer answer = std::move(before.answer);
    bool answered = before.answered;
    notes_.shown_first = before.newest;
    if (answered && !before.newest && !first_look_is_late()) {
      BeginningOutcome beginning = co_await find_beginning(session_, stream_.profile, *start_, session_.edge());
      answered = beginning.answered;
      answer = std::move(beginning.answer);
      notes_.shown_first = beginning.shown;
    }
    if (!answered && answer.status != 400 && !answer.nothing_readable) {
      report(answer);
      co_await wait_after(answer);
      co_return Step::moved;
    }
    if (!answered) {
      world_.log.warn(answer.message + " (it was asked whether the log begins before " + format_rfc3339(*start_) +
                          ": if that range is too long, set the profile's streams." + stream_.name + ".max_window; polling goes on)",
                      session_.fields());
    } else {
      note_good();
    }
  }
  notes_.looked_at_beginning = true;
  Status saved = co_await save_notes();
  if (!saved) co_return std::move(saved).error();
  co_return Step::moved;
}

Task<std::vector<TimeRange>> Poller::shown_by(std::vector<TimeRange> covered, std::optional<WallTime> oldest) {
  const WallTime now = world_.clock.now();
  std::vector<TimeRange> unproved;
  for (const GapRow& gap : collection_.gaps) {
    if (gap.state == "healed" || !gap.range || !heals_by_coverage(gap.type) || now - gap.range->from <= long_history) continue;
    if (stream_.retention && gap.range->from >= now - *stream_.retention) continue;
    if (oldest && *oldest <= gap.range->from) continue;
    // Up to the first record that the walk has met; a gap of one moment, too.
    const WallTime end = std::max<WallTime>(gap.range->to, gap.range->from + Duration(1));
    const TimeRange in_doubt{gap.range->from, std::min(oldest.value_or(end), end)};
    const auto touched = [&in_doubt](const TimeRange& range) { return range.from < in_doubt.to && in_doubt.from < range.to; };
    if (std::any_of(covered.begin(), covered.end(), touched)) unproved.push_back(in_doubt);
  }
  std::sort(unproved.begin(), unproved.end(), [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  // The first of them before which the portal shows something is looked for: with it all later ones are proved.
  std::size_t low = 0;
  std::size_t high = unproved.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const TimeRange before{unproved[middle].from - longest_window(stream_.profile), unproved[middle].from};
    const PresenceOutcome presence = co_await anything_in(session_, stream_.profile, before);
    if (presence.newest) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  unproved.resize(low);
  if (unproved.empty()) co_return covered;
  for (const TimeRange& gap : unproved) {
    world_.log.info("the gap that begins at " + format_rfc3339(gap.from) +
                        " was walked once more and stays: the portal shows nothing from before it, so it may have forgotten what was in it",
                    session_.fields());
  }
  co_return outside_of(covered, unproved);
}

Task<std::vector<TimeRange>> Poller::shown_by(const ActiveWalk& active) {
  std::vector<TimeRange> covered = active.walk.covered();
  co_return co_await shown_by(std::move(covered), active.walk.oldest_inside());
}

Task<Status> Poller::note_doubt(WallTime edge) {
  if (notes_.doubt || edge <= *start_) co_return Status();
  const std::vector<TimeRange> holes = holes_in(settled_, {*start_, edge});
  const bool first_history = !watermark_of(collection_.coverage, *start_);
  if (holes.empty() || edge - holes.front().from <= (first_history ? long_history : long_standstill)) co_return Status();
  notes_.doubt = doubt_about(holes.front().from);
  co_return co_await save_notes();
}

Task<void> Poller::note_empty() {
  if (std::exchange(notes_.found_empty, true)) co_return;
  const Status saved = co_await save_notes();
  if (!saved) world_.log.warn("that the log is empty could not be noted down: " + saved.error().message, session_.fields());
}

// The portal has not answered once, for long since the stream began: what was there meanwhile is not known, so it counts
// as if it had been there.
bool Poller::first_look_is_late() const {
  const bool answered = notes_.found_empty || notes_.shown_first || notes_.shown_history || notes_.shown_live;
  return !answered && stream_.start.kind == StartSetting::Kind::ago && session_.edge() - *start_ > stream_.start.ago + long_standstill;
}

Doubt Poller::doubt_about(WallTime from) const {
  Doubt doubt{from, from, first_look_is_late(), std::nullopt, std::nullopt};
  const TimeRange asked{from - longest_window(stream_.profile), from};
  for (const std::optional<WallTime>& shown : {notes_.shown_first, notes_.shown_history, notes_.shown_live}) {
    if (shown && asked.contains(*shown)) doubt.known_before = true;
    if (shown && *shown > from) doubt.known_after = std::min(doubt.known_after.value_or(*shown), *shown);
  }
  return doubt;
}

void Poller::extend_doubt(Doubt& doubt, const ActiveWalk& active) const {
  const TimeRange window = active.plan.window;
  // Only the walk that shows what comes next: history goes from old to new.
  if (window.to <= doubt.to || !covered_until(settled_, doubt.to, window.from)) return;
  // Nor a poll behind polls that had shown what comes next before history came to it: their first record is not this one's.
  if (active.plan.how == "poll" && window.from > doubt.to) return;
  doubt.to = window.to;
  const std::optional<WallTime> oldest = active.walk.oldest_inside();
  if (oldest) doubt.first_shown = std::min(doubt.first_shown.value_or(*oldest), *oldest);
}

bool Poller::doubt_is_ripe(WallTime edge) const {
  if (!notes_.doubt) return false;
  if (notes_.doubt->first_shown) return true;
  // Nothing has come at all, and nothing is left to be asked for.
  const bool begun = watermark_of(settled_, notes_.doubt->from).value_or(notes_.doubt->from) > notes_.doubt->from;
  return begun && history_holes(plan_input(edge)).empty();
}

Task<Result<Poller::Outage>> Poller::settle_doubt(WallTime seen_to) {
  const Doubt doubt = *notes_.doubt;
  bool forgotten = false;
  if (!doubt.first_shown || *doubt.first_shown > doubt.from) {
    const TimeRange before{doubt.from - longest_window(stream_.profile), doubt.from};
    PresenceOutcome presence = co_await anything_in(session_, stream_.profile, before);
    if (!presence.answered && !presence.answer.nothing_readable) {
      report(presence.answer);
      co_await wait_after(presence.answer);
      co_return Outage::open;
    }
    if (presence.answered) note_good();
    // Something from before is still there: nothing after it can have been forgotten. Else what the portal
    // had shown tells: before that time, or a record that the walks over its time did not meet again.
    const bool not_met = doubt.known_after && *doubt.known_after <= doubt.to && (!doubt.first_shown || *doubt.known_after < *doubt.first_shown);
    // What is older than `retention` may be gone even where nothing of it had been shown.
    const bool too_old = stream_.retention && doubt.from < world_.clock.now() - *stream_.retention;
    forgotten = !presence.newest && (doubt.known_before || not_met || too_old);
  }
  if (forgotten) {
    const bool oldest_first = stream_.profile.order == RecordOrder::oldest_first;
    WallTime edge = doubt.first_shown.value_or(std::max(doubt.to, oldest_first ? seen_to : doubt.to));
    if (oldest_first) {
      // A cursor follows the order in which records were stored, and may stand behind some of them: the time is asked for.
      PresenceOutcome remembered = co_await anything_in(session_, stream_.profile, {doubt.from, edge});
      if (!remembered.answered && !remembered.answer.nothing_readable) {
        report(remembered.answer);
        co_await wait_after(remembered.answer);
        co_return Outage::open;
      }
      edge = std::min(edge, remembered.oldest.value_or(edge));
    }
    NewGap gap{"forgotten", TimeRange{doubt.from, edge},
               "what came after " + format_rfc3339(doubt.from) + " was asked for only long after it, and the portal no longer shows what it had "
               "before that: what it forgot before " + format_rfc3339(edge) + " was never seen"};
    world_.log.error("a gap of type forgotten was recorded: " + gap.why, session_.fields());
    Status recorded = co_await record_gap(std::move(gap));
    if (!recorded) co_return std::move(recorded).error();
  }
  notes_.doubt.reset();
  Status saved = co_await save_notes();
  if (!saved) co_return std::move(saved).error();
  co_return forgotten ? Outage::forgotten : Outage::remembered;
}

}  // namespace auditferry
