// Oldest-first logs: following the vendor's cursor, one publication per page.

#include "daemon/poller.h"
#include "encoding/time_format.h"

namespace auditferry {

Task<Result<Poller::Step>> Poller::step_follow() {
  if (!follow_) {
    if (notes_.follow) {
      Result<OldestFirstFollow> resumed = OldestFirstFollow::resume(rules(), *notes_.follow, stream_.profile.next_link_always);
      if (resumed) {
        follow_ = std::move(resumed).value();
      } else {
        world_.log.warn(resumed.error().message, session_.fields());
      }
    }
    const WallTime from = watermark_of(collection_.coverage, *start_).value_or(*start_);
    if (!follow_) follow_ = OldestFirstFollow::begin(rules(), from, stream_.profile.next_link_always);
  }
  if (follow_idle_ && world_.clock.steady_now() < next_poll_) co_return Step::idle;
  follow_idle_ = false;
  PageRequest request = follow_->next_request();
  PageRequest to_ask = request;
  const WallTime edge = session_.edge();
  Answer answer = co_await session_.ask(std::move(to_ask), 1, follow_->follows_cursor());
  if (answer.kind == AnswerKind::cursor_refused) {
    world_.log.warn(answer.message, session_.fields());
    follow_->on_cursor_refused();
    co_return Step::moved;
  }
  if (answer.kind != AnswerKind::page) {
    report(answer);
    co_await wait_after(answer);
    co_return Step::moved;
  }
  // Judged on a copy: if the page cannot be stored, the same request is made again.
  OldestFirstFollow next = *follow_;
  WallTime shown_to = edge;
  if (answer.server_time) shown_to = std::min(shown_to, WallTime(*answer.server_time - stream_.settle));
  OldestFirstFollow::Outcome outcome = next.on_page(answer.page, shown_to);
  const TimeRange window = outcome.covered.value_or(TimeRange{next.covered_to(), next.covered_to()});
  PageToStore page = page_to_store(answer, request.cursor, "poll", window);
  page.occurrences = std::move(outcome.occurrences);
  PollerNotes notes = notes_;
  notes.follow = next.state();
  page.collection_state = notes.to_text();
  page.end = WalkEnd{};
  if (outcome.covered) page.end->covered.push_back(*outcome.covered);
  Result<std::optional<StoredPage>> stored = co_await store(std::move(page));
  if (!stored) co_return std::move(stored).error();
  if (!*stored) co_return Step::moved;
  note_good();
  notes_ = std::move(notes);
  follow_ = std::move(next);
  Status published = co_await publish((**stored).walk_id);
  if (!published) co_return std::move(published).error();
  Status loaded = co_await reload();
  if (!loaded) co_return std::move(loaded).error();
  if (outcome.at_edge) {
    follow_idle_ = true;
    const Duration jitter = world_.random.jitter(stream_.poll_every / 5) - stream_.poll_every / 10;
    next_poll_ = world_.clock.steady_now() + stream_.poll_every + jitter;
  }
  co_return Step::moved;
}

}  // namespace auditferry
