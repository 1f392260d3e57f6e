// Newest-first logs: proof of the range, walks page by page.

#include "core/task_group.h"
#include "daemon/poller.h"
#include "daemon/range_proof.h"
#include "encoding/time_format.h"
#include "storage/gap_table.h"

namespace auditferry {
namespace {

constexpr Duration proof_every = std::chrono::hours(24);
// History takes half of the budget while live polls have the right of way.
constexpr double live_cost = 1;
constexpr double history_cost = 2;

}  // namespace

PlanInput Poller::plan_input(WallTime edge) const {
  return PlanInput{stream_, source_.catch_up, *start_, edge, slice_, world_.clock.steady_now() >= next_poll_, settled_, notes_};
}

Poller::ActiveWalk* Poller::current_walk() {
  for (const auto& active : walks_) {
    if (active->plan.how != "history") return active.get();
  }
  // A poll that is due goes before the next page of history.
  const bool live_first = source_.catch_up == CatchUp::live_first;
  if (live_first && world_.clock.steady_now() >= next_poll_) return nullptr;
  return walks_.empty() ? nullptr : walks_.front().get();
}

Task<Result<Poller::Step>> Poller::step() {
  if (ActiveWalk* active = current_walk()) {
    Status advanced = co_await advance_walk(*active);
    if (!advanced) co_return std::move(advanced).error();
    co_return Step::moved;
  }
  Result<Step> proof = co_await prove_if_due();
  if (!proof || *proof == Step::moved || proof_empty_) co_return proof;
  Result<Step> looked = co_await look_at_beginning();
  if (!looked || *looked == Step::moved) co_return looked;
  const WallTime edge = session_.edge();
  Status noted = co_await note_doubt(edge);
  if (!noted) co_return std::move(noted).error();
  std::optional<PlannedWalk> plan = plan_walk(plan_input(edge));
  const bool history_runs = !walks_.empty();
  const bool nothing_urgent = !plan || plan->how == "history";
  if (nothing_urgent && !history_runs && doubt_is_ripe(edge)) {
    Result<Outage> settled = co_await settle_doubt(edge);
    if (!settled) co_return std::move(settled).error();
    co_return Step::moved;
  }
  if (!plan || (plan->how == "history" && history_runs)) co_return Step::idle;
  co_return co_await start_walk(std::move(*plan));
}

Task<Result<Poller::Step>> Poller::prove_if_due() {
  const WallTime now = world_.clock.now();
  const bool due = !notes_.proof_at || now - *notes_.proof_at >= proof_every || *notes_.proof_at > now;
  // An empty log is looked at as often as it would be polled.
  if (!due) {
    proof_empty_ = false;
    co_return Step::idle;
  }
  if (proof_empty_ && world_.clock.steady_now() < next_poll_) co_return Step::idle;
  ProofOutcome outcome = co_await prove_range(session_, stream_.profile);
  proof_empty_ = false;
  switch (outcome.kind) {
    case ProofOutcome::Kind::no_answer:
      report(outcome.answer);
      co_await wait_after(outcome.answer);
      co_return Step::moved;
    case ProofOutcome::Kind::wrong: {
      Status noted;
      std::string consequence;
      if (outcome.answer.nothing_readable && !outcome.answer.body.empty()) noted = co_await quarantine(outcome.answer, std::move(consequence));
      if (!noted) co_return std::move(noted).error();
      if (outcome.answer.message.empty()) noted = co_await on_disproved();
      if (!noted) co_return std::move(noted).error();
      Answer answer;
      answer.kind = AnswerKind::stop;
      answer.message = outcome.answer.message.empty() ? "source " + source_.name + ", " + outcome.message : outcome.answer.message;
      report(answer);
      co_await wait_after(answer);
      co_return Step::moved;
    }
    case ProofOutcome::Kind::nothing_there:
      note_good();
      co_await note_empty();
      proof_empty_ = true;
      next_poll_ = world_.clock.steady_now() + stream_.poll_every;
      co_return Step::idle;
    case ProofOutcome::Kind::proved: break;
  }
  note_good();
  if (outcome.exclusive_bounds) {
    world_.log.info("the portal treats a bound of the time range as exclusive; requests ask wider, so nothing is lost", session_.fields());
  }
  notes_.proof_at = world_.clock.now();
  notes_.since_proof.clear();
  notes_.disproved = false;
  Status saved = co_await save_notes();
  if (!saved) co_return std::move(saved).error();
  co_return Step::moved;
}

Task<Result<Poller::Step>> Poller::start_walk(PlannedWalk plan) {
  if (plan.how == "poll") {
    const Duration jitter = world_.random.jitter(stream_.poll_every / 5) - stream_.poll_every / 10;
    next_poll_ = world_.clock.steady_now() + stream_.poll_every + jitter;
  }
  NewestFirstWalk walk = NewestFirstWalk::begin(rules(), plan.window);
  walks_.push_back(std::make_unique<ActiveWalk>(ActiveWalk{0, std::move(plan), std::move(walk), 0}));
  co_return Step::moved;
}

double Poller::cost_of(const ActiveWalk& active) const {
  const bool history = active.plan.how == "history" && source_.catch_up == CatchUp::live_first;
  const bool beside_polls = active.plan.how == "backfill" && !only_backfills_;
  return history || beside_polls ? history_cost : live_cost;
}

Task<void> Poller::store_into(PageToStore page, Result<std::optional<StoredPage>>& outcome) { outcome = co_await store(std::move(page)); }

Task<void> Poller::ask_into(PageRequest request, double cost, bool follows_cursor, std::optional<Answer>& answer) {
  answer = co_await session_.ask(std::move(request), cost, follows_cursor);
}

Task<Result<std::optional<StoredPage>>> Poller::store_and_ask_ahead(ActiveWalk& active, PageToStore page) {
  // Only where nobody has to wait for it: a poll that comes due must not stand behind a slow budget.
  if (active.walk.done() || room_ != Room::enough || !world_.budget.ready(cost_of(active))) co_return co_await store(std::move(page));
  Result<std::optional<StoredPage>> outcome = std::optional<StoredPage>();
  PageRequest request = active.walk.next_request();
  Task<void> storing = store_into(std::move(page), outcome);
  Task<void> asking = ask_into(std::move(request), cost_of(active), active.walk.follows_cursor(), active.ahead);
  co_await both(std::move(storing), std::move(asking));
  co_return outcome;
}

Task<Status> Poller::advance_walk(ActiveWalk& active) {
  PageRequest request = active.walk.next_request();
  std::optional<Answer> ahead = std::exchange(active.ahead, std::nullopt);
  if (!ahead) {
    PageRequest to_ask = request;
    ahead = co_await session_.ask(std::move(to_ask), cost_of(active), active.walk.follows_cursor());
  }
  Answer answer = std::move(*ahead);
  switch (answer.kind) {
    case AnswerKind::page: co_return co_await on_page(active, std::move(answer), std::move(request));
    case AnswerKind::cursor_refused: co_return co_await on_cursor_refused(active, answer);
    case AnswerKind::unreadable: co_return co_await on_unreadable(active, std::move(answer));
    case AnswerKind::too_large: co_return co_await on_too_large(active, std::move(answer));
    case AnswerKind::limited:
    case AnswerKind::again:
    case AnswerKind::stop: break;
  }
  report(answer);
  co_await wait_after(answer);
  co_return Status();
}

Task<Status> Poller::on_page(ActiveWalk& active, Answer answer, PageRequest request) {
  // The portal's own clock may be behind the window's end: what it has not lived through is not shown.
  if (answer.server_time) active.walk.clip(*answer.server_time - stream_.settle);
  PageToStore page = page_to_store(answer, request.cursor, active.plan.how, active.plan.window);
  const std::string state_before = active.walk.state();
  page.occurrences = active.walk.on_page(answer.page);
  // A record that is too large is known to nobody, so that a reread does not miss it where it was taken before.
  if (!page.gaps.empty()) active.met.give_up();
  for (NewGap& gap : take_gaps(active)) {
    Status kept = co_await keep_lost(active, gap);
    if (!kept) co_return kept;
    page.gaps.push_back(std::move(gap));
  }
  page.walk_id = active.walk_id;
  page.walk_state = active.walk.state();
  page.shown = ranges_of(collection_.coverage);
  std::optional<PollerNotes> notes;
  if (active.walk.done()) {
    std::vector<TimeRange> shown = co_await shown_by(active);
    page.end = WalkEnd{std::move(shown)};
    notes = notes_after(active);
    page.collection_state = notes->to_text();
  }
  if (active.walk.found_disorder() && !disorder_told_) {
    disorder_told_ = true;
    world_.log.warn("the portal's log is not in order of time: the window is walked in narrower slices where cursors end early", session_.fields());
  }
  // A failure of the journal ends this loop, and the next one begins from what the journal holds.
  Result<std::optional<StoredPage>> stored = co_await store_and_ask_ahead(active, std::move(page));
  if (!stored) co_return std::move(stored).error();
  if (!*stored) {
    // Refused as a whole: the same request will be made again.
    active.ahead.reset();
    Result<NewestFirstWalk> again = NewestFirstWalk::resume(rules(), state_before);
    if (again) active.walk = std::move(again).value();
    co_return Status();
  }
  note_good();
  if (notes) notes_ = std::move(*notes);
  active.walk_id = (**stored).walk_id;
  active.unreadable = 0;
  note_met(active.met, active.plan, answer.page);
  if (!(**stored).gaps.empty()) world_.published.ring();
  if (active.plan.how == "backfill") note_backfill(answer.page, **stored);
  if (active.walk.done()) co_return co_await finish_walk(active, true);
  co_return Status();
}

std::vector<NewGap> Poller::take_gaps(ActiveWalk& active) {
  std::vector<NewGap> gaps;
  for (WalkGap& gap : active.walk.take_gaps()) gaps.push_back({gap.unreadable ? "unreadable" : "unreachable", gap.range, std::move(gap.why)});
  if (!gaps.empty()) active.met.give_up();
  return gaps;
}

Task<Status> Poller::save_walk(ActiveWalk& active) {
  if (active.walk_id == 0) co_return Status();  // no page yet: nothing to go on from
  const std::string state = active.walk.state();
  auto job = [&](Journal& journal) { return journal.save_walk(active.walk_id, state); };
  co_return co_await world_.storage.run(job);
}

Task<Status> Poller::on_cursor_refused(ActiveWalk& active, const Answer& answer) {
  world_.log.info(answer.message, session_.fields(answer));
  active.walk.on_cursor_refused();
  // Giving up on a moment is told with the next page, or here if it was the last.
  if (!active.walk.done()) co_return co_await save_walk(active);
  co_return co_await finish_walk(active, false);
}

Task<Status> Poller::on_unreadable(ActiveWalk& active, Answer answer) {
  const bool told = co_await is_quarantined(answer);
  report(answer, told);
  if (answer.server_time) active.walk.clip(*answer.server_time - stream_.settle);
  const bool decides = active.walk.asks_again();
  if (decides && ++active.unreadable < unreadable_tries) {
    co_await wait_after(answer);
    co_return Status();
  }
  active.unreadable = 0;
  if (backfill_) backfill_->failures = 0;  // another request follows
  if (!active.walk.smallest_page()) world_.log.info("asking for smaller pages", session_.fields());
  const std::string why = answer.message;
  if (decides && active.walk.smallest_page()) active.lost = std::move(answer);
  active.walk.on_unreadable(why);
  for (NewGap& lost : take_gaps(active)) {
    Status kept = co_await keep_lost(active, lost);
    if (!kept) co_return kept;
    Status recorded = co_await record_gap(std::move(lost));
    if (!recorded) co_return recorded;
  }
  if (!active.walk.done()) co_return co_await save_walk(active);
  co_return co_await finish_walk(active, false);
}

Task<Status> Poller::keep_lost(ActiveWalk& active, const NewGap& gap) {
  if (!active.lost || gap.type != "unreadable") co_return Status();
  const Answer lost = *std::exchange(active.lost, std::nullopt);
  std::vector<CoverageInterval> known;
  for (const GapRow& row : collection_.gaps) {
    if (row.range && heals_by_coverage(row.type)) known.push_back({*row.range, "gap", row.opened});
  }
  // Another answer every time, since cursors differ, but of the same record.
  if (holes_in(known, *gap.range).empty()) co_return Status();
  std::string consequence = " and a gap is recorded";
  co_return co_await quarantine(lost, std::move(consequence));
}

Task<Status> Poller::on_too_large(ActiveWalk& active, Answer answer) {
  if (!active.walk.smallest_page()) {
    report(answer);
    if (backfill_) backfill_->failures = 0;
    active.walk.halve_page_size();
    Status saved = co_await save_walk(active);
    if (!saved) co_return saved;
    co_await wait_after(answer);
    co_return Status();
  }
  answer.kind = AnswerKind::unreadable;
  answer.message += " (more than max_page_bytes, even for one record)";
  co_return co_await on_unreadable(active, std::move(answer));
}

Task<Status> Poller::end_walk(ActiveWalk& active, std::vector<TimeRange> covered) {
  const WallTime now = world_.clock.now();
  if (active.walk_id == 0) {
    const std::string state = active.walk.state();
    auto begin = [&](Journal& journal) {
      return journal.begin_walk(collection_.collection_id, active.plan.how, active.plan.window, state, now);
    };
    Result<std::int64_t> walk_id = co_await world_.storage.run(begin);
    if (!walk_id) co_return std::move(walk_id).error();
    active.walk_id = *walk_id;
  }
  const std::vector<NewGap> gaps = take_gaps(active);
  const std::string notes = notes_.to_text();
  auto end = [&](Journal& journal) { return journal.end_walk(active.walk_id, covered, gaps, notes, now); };
  co_return co_await world_.storage.run(end);
}

Task<Status> Poller::finish_walk(ActiveWalk& active, bool ended_already) {
  const PlannedWalk plan = active.plan;
  const std::uint64_t records = active.walk.records();
  const bool fresh_poll = plan.how == "poll" && !active.resumed;
  if (!ended_already) {
    notes_ = notes_after(active);
    std::vector<TimeRange> shown = co_await shown_by(active);
    Status ended = co_await end_walk(active, std::move(shown));
    if (!ended) co_return ended;
  }
  Status published = co_await publish(active.walk_id);
  if (!published) co_return published;
  const std::vector<TimeRange> covered = active.walk.covered();
  // Only what one chain of cursors has shown whole can say what is no longer there.
  if (plan.how == "reread" && !active.resumed && !active.walk.stepped_down() && covered.size() == 1) {
    Status compared = co_await compare_reread(covered.front(), std::move(active.met));
    if (!compared) co_return compared;
  }
  std::erase_if(walks_, [&active](const auto& walk) { return walk.get() == &active; });
  if (fresh_poll) polled_ = true;
  if (plan.how == "history") slice_ = next_slice(slice_, records, stream_.profile);
  co_return co_await reload();
}

PollerNotes Poller::notes_after(const ActiveWalk& active) const {
  PollerNotes notes = notes_;
  const PlannedWalk& plan = active.plan;
  // As far as the portal's clock has come, where ours is ahead: from then on the next one is due.
  if (plan.whole_overlap) notes.overlap_at = active.walk.reach();
  if (plan.reread_delay) notes.reread[*plan.reread_delay] = plan.window.to;
  if (plan.how == "history" && active.walk.newest_inside()) notes.shown_history = active.walk.newest_inside();
  if (plan.how == "poll" && active.walk.newest_inside()) notes.shown_live = active.walk.newest_inside();
  if (notes.doubt) extend_doubt(*notes.doubt, active);
  note_shown(notes, active.walk.covered());
  return notes;
}

void Poller::note_shown(PollerNotes& notes, const std::vector<TimeRange>& covered) const {
  std::vector<TimeRange>& shown = notes.disproved ? notes.show_again : notes.since_proof;
  shown.insert(shown.end(), covered.begin(), covered.end());
  shown = union_of(std::move(shown));
  if (notes.disproved || notes.show_again.empty()) return;
  notes.show_again = outside_of(notes.show_again, covered);
}

Task<Status> Poller::on_disproved() {
  if (notes_.disproved) co_return Status();
  notes_.disproved = true;
  notes_.show_again.insert(notes_.show_again.end(), notes_.since_proof.begin(), notes_.since_proof.end());
  notes_.show_again = union_of(std::move(notes_.show_again));
  notes_.since_proof.clear();
  Status saved = co_await save_notes();
  if (!saved) co_return saved;
  // What is under way rests on the range, too.
  Status ended = co_await end_walks_early(false);
  if (!ended) co_return ended;
  co_return co_await reload();
}

}  // namespace auditferry
