// Oldest-first logs: following the vendor's cursor, one publication per page; rereads beside it.

#include "daemon/poller.h"
#include "encoding/json_object.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

std::optional<WallTime> oldest_of(const Page& page) {
  std::optional<WallTime> oldest;
  for (const PageRecord& record : page.records) {
    if (record.has_time) oldest = std::min(oldest.value_or(record.time), record.time);
  }
  return oldest;
}

}  // namespace

void Poller::take_up_follow() {
  const bool next_link_always = stream_.profile.next_link_always;
  if (notes_.follow) {
    Result<OldestFirstFollow> resumed = OldestFirstFollow::resume(rules(), *notes_.follow, next_link_always);
    if (resumed) {
      follow_.emplace(Following{std::move(resumed).value(), std::nullopt, 0});
      return;
    }
    world_.log.warn(resumed.error().message, session_.fields());
  }
  const WallTime from = watermark_of(collection_.coverage, *start_).value_or(*start_);
  follow_.emplace(Following{OldestFirstFollow::begin(rules(), from, next_link_always), std::nullopt, 0});
}

Task<Result<Poller::Step>> Poller::step_follow() {
  if (!follow_) take_up_follow();
  if (follow_answered_ && (notes_.doubt || notes_.cursor_refused)) {
    Status settled = co_await settle_follow();
    if (!settled) co_return std::move(settled).error();
    co_return Step::moved;
  }
  const bool due = !follow_idle_ || world_.clock.steady_now() >= next_poll_;
  if (!due && !reread_) begin_reread();
  if (!due && !reread_) co_return Step::idle;
  if (due) {
    follow_idle_ = false;
    follow_edge_ = false;
    const bool stood_still = !followed_at_ || world_.clock.steady_now() - *followed_at_ > long_standstill;
    if (stood_still) note_standstill();
  }
  Following& following = due ? *follow_ : *reread_;
  Status advanced = co_await advance_follow(following);
  if (!advanced) co_return std::move(advanced).error();
  if (reread_ && reread_->over) reread_.reset();
  co_return Step::moved;
}

void Poller::note_standstill() {
  if (collection_.coverage.empty()) {
    if (first_look_is_late()) notes_.doubt = doubt_about(*start_);
    return;
  }
  const WallTime shown = std::max(follow_->follow.covered_to(), notes_.shown_live.value_or(WallTime::min()));
  const bool long_ago = session_.edge() - shown > long_standstill;
  const bool perhaps_forgotten = stream_.retention && shown < world_.clock.now() - *stream_.retention;
  if (!long_ago && !perhaps_forgotten) return;
  follow_answered_ = false;
  const bool still_in_doubt = notes_.doubt && (!notes_.doubt->first_shown || *notes_.doubt->first_shown > notes_.doubt->from);
  if (!still_in_doubt) {
    notes_.doubt = doubt_about(shown);
    return;
  }
  // A second standstill before the verdict on the first: what was shown between them says nothing of it.
  notes_.doubt->first_shown.reset();
}

// Not kept between processes: a window that was not finished is begun again, and what is known stays known.
void Poller::begin_reread() {
  const WallTime shown = follow_->follow.covered_to();
  const std::vector<CoverageInterval> all_shown = {{TimeRange{*start_, shown}, "poll", shown}};
  const PlanInput input{stream_, source_.catch_up, *start_, session_.edge(), slice_, false, all_shown, notes_};
  std::optional<PlannedWalk> plan = plan_reread(input);
  if (!plan) return;
  OldestFirstFollow window = OldestFirstFollow::begin_window(rules(), plan->window, stream_.profile.next_link_always);
  reread_.emplace(Following{std::move(window), std::move(plan), 0});
}

Task<Status> Poller::advance_follow(Following& following) {
  PageRequest request = following.follow.next_request();
  PageRequest to_ask = request;
  const WallTime edge = session_.edge();
  Answer answer = co_await session_.ask(std::move(to_ask), 1, following.follow.follows_cursor());
  switch (answer.kind) {
    case AnswerKind::page: co_return co_await on_followed_page(following, std::move(answer), std::move(request), edge);
    case AnswerKind::cursor_refused: co_return co_await on_followed_cursor_refused(following, answer);
    case AnswerKind::unreadable: {
      const bool told = co_await is_quarantined(answer);
      report(answer, told);
      if (++following.unreadable < unreadable_tries) break;
      co_return co_await on_followed_unreadable(following, std::move(answer));
    }
    case AnswerKind::too_large:
      report(answer);
      answer.message += "; even one record does not fit into max_page_bytes";
      co_return co_await on_followed_unreadable(following, std::move(answer));
    case AnswerKind::limited:
    case AnswerKind::again:
    case AnswerKind::stop: report(answer); break;
  }
  co_await wait_after(answer);
  co_return Status();
}

Task<Status> Poller::on_followed_page(Following& following, Answer answer, PageRequest request, WallTime edge) {
  // The first answer tells the portal's clock, and with it where the stream begins.
  if (!following.reread && start_is_late()) {
    follow_.reset();
    co_return Status();
  }
  // Judged on a copy: if the page cannot be stored, the same request is made again.
  OldestFirstFollow next = following.follow;
  WallTime shown_to = edge;
  if (answer.server_time) shown_to = std::min(shown_to, WallTime(*answer.server_time - stream_.settle));
  OldestFirstFollow::Outcome outcome = next.on_page(answer.page, shown_to);
  const bool live = !following.reread;
  TimeRange window = outcome.covered.value_or(TimeRange{next.covered_to(), next.covered_to()});
  if (!live) window = following.reread->window;
  PageToStore page = page_to_store(answer, request.cursor, live ? "poll" : following.reread->how, window);
  page.occurrences = std::move(outcome.occurrences);
  PollerNotes notes = notes_;
  if (live) notes.follow = next.state();
  for (const PageRecord& record : answer.page.records) {
    if (!live || !record.has_time) continue;
    notes.shown_live = std::max(notes.shown_live.value_or(record.time), record.time);
    if (notes.doubt) notes.doubt->first_shown = std::min(notes.doubt->first_shown.value_or(record.time), record.time);
  }
  if (live && notes.doubt) notes.doubt->to = std::max(notes.doubt->to, next.covered_to());
  if (!live && outcome.at_edge && following.reread->reread_delay) notes.reread[*following.reread->reread_delay] = window.to;
  page.collection_state = notes.to_text();
  page.end = WalkEnd{};
  if (outcome.covered) {
    page.end->covered.push_back(*outcome.covered);
    page.end->covered = co_await shown_by(std::move(page.end->covered), oldest_of(answer.page));
  }
  page.shown = ranges_of(collection_.coverage);
  if (outcome.lost) page.gaps.push_back({outcome.lost->unreadable ? "unreadable" : "unreachable", outcome.lost->range, outcome.lost->why});
  Result<std::optional<StoredPage>> stored = co_await store(std::move(page));
  if (!stored) co_return std::move(stored).error();
  if (!*stored) co_return Status();
  note_good();
  notes_ = std::move(notes);
  following.follow = std::move(next);
  following.unreadable = 0;
  if (!live && following.reread->how == "backfill") note_backfill(answer.page, **stored);
  if (!live) note_met(following.met, *following.reread, answer.page);
  if (outcome.lost) following.met.give_up();
  Status published = co_await publish((**stored).walk_id);
  if (!published) co_return published;
  if (outcome.lost) world_.published.ring();
  if (live) {
    followed_at_ = world_.clock.steady_now();
    if (outcome.at_edge || !answer.page.records.empty()) follow_answered_ = true;
    if (outcome.at_edge || outcome.pause) {
      follow_idle_ = true;
      follow_edge_ = outcome.at_edge;
      const Duration jitter = world_.random.jitter(stream_.poll_every / 5) - stream_.poll_every / 10;
      next_poll_ = world_.clock.steady_now() + stream_.poll_every + jitter;
    }
  } else if (outcome.at_edge) {
    following.over = true;
    if (following.reread->how == "reread") {
      Status compared = co_await compare_reread(following.reread->window, std::move(following.met));
      if (!compared) co_return compared;
    }
  }
  co_return co_await reload();
}

Task<Status> Poller::on_followed_cursor_refused(Following& following, const Answer& answer) {
  world_.log.warn(answer.message, session_.fields(answer));
  if (!following.reread) {
    if (!notes_.cursor_refused) notes_.cursor_refused = following.follow.covered_to();
    follow_answered_ = false;
    note_standstill();
  }
  const std::optional<WalkGap> lost = following.follow.on_cursor_refused();
  if (!lost) co_return Status();
  following.met.give_up();
  NewGap gap{"unreachable", lost->range, lost->why};
  co_return co_await keep_followed(following, std::move(gap));
}

Task<Status> Poller::on_followed_unreadable(Following& following, Answer answer) {
  following.unreadable = 0;
  if (following.follow.halve_page_size()) {
    world_.log.info("asking for smaller pages", session_.fields());
    co_return co_await keep_followed(following, std::nullopt);
  }
  std::string consequence = ", and what cannot be read becomes a gap";
  Status kept = co_await quarantine(answer, std::move(consequence));
  if (!kept) co_return kept;
  const std::optional<WalkGap> lost = following.follow.on_unreadable(answer.message, session_.edge());
  if (!lost) co_return co_await keep_followed(following, std::nullopt);
  NewGap gap{"unreadable", lost->range, lost->why};
  // Nothing of a window can be left to read once its end is lost.
  following.over = following.reread.has_value();
  if (following.over && following.reread->reread_delay) notes_.reread[*following.reread->reread_delay] = following.reread->window.to;
  co_return co_await keep_followed(following, std::move(gap));
}

Task<Status> Poller::keep_followed(Following& following, std::optional<NewGap> gap) {
  if (gap) {
    world_.log.error("a gap of type " + gap->type + " was recorded: " + gap->why, session_.fields());
    Status recorded = co_await record_gap(std::move(*gap));
    if (!recorded) co_return recorded;
  }
  if (!following.reread) notes_.follow = following.follow.state();
  co_return co_await save_notes();
}

Task<Status> Poller::settle_follow() {
  const char* verdict = "covered";
  if (notes_.doubt) {
    Result<Outage> settled = co_await settle_doubt(session_.edge());
    if (!settled) co_return std::move(settled).error();
    if (*settled == Outage::open) co_return Status();
    if (*settled == Outage::forgotten) verdict = "gap";
  }
  if (!notes_.cursor_refused) co_return Status();
  JsonObject detail;
  detail.text("source", source_.name).text("what", "refused").text("shown_to", format_rfc3339(*notes_.cursor_refused)).text("verdict", verdict);
  const std::string text = detail.finish();
  const WallTime now = world_.clock.now();
  auto tell = [&](Journal& journal) { return journal.note("cursor", text, now, collection_.stream_id); };
  Status told = co_await world_.storage.run(tell);
  if (!told) co_return told;
  notes_.cursor_refused.reset();
  co_return co_await save_notes();
}

}  // namespace auditferry
