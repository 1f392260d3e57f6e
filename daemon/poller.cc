// The poller's frame: taking up where the journal stands, and what to do next. The walks of newest-first
// logs are in poller_walk.cc, oldest-first logs in poller_follow.cc.

#include "daemon/poller.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "daemon/range_proof.h"
#include "encoding/time_format.h"
#include "storage/gap_table.h"

namespace auditferry {
namespace {

// Time alone makes work at polls, and at moments (a reread, the daily proof) that need not be met to the second.
constexpr Duration longest_idle = std::chrono::seconds(10);
constexpr std::uint64_t publish_chunk = 10'000;
constexpr Duration started_late = std::chrono::seconds(2);

}  // namespace

Poller::Poller(PollerWorld world, const SourceSettings& source, const StreamSettings& stream)
    : world_(world),
      source_(source),
      stream_(stream),
      session_(world, source, stream),
      backoff_(world.random, std::chrono::seconds(1), source.max_backoff),
      slice_(std::min(stream.slice, longest_window(stream.profile))) {
  status_.source = source.name;
  status_.stream = stream.name;
}

Poller::~Poller() = default;

void Poller::hold(Room room) {
  room_ = room;
  status_.waiting_for_room = room != Room::enough;
  nudge();
}

void Poller::nudge() {
  if (nudged_) nudged_->ring();
}

Task<void> Poller::idle(Duration limit) {
  if (!nudged_) nudged_.emplace(co_await boost::asio::this_coro::executor);
  co_await ring_or_time(*nudged_, world_.clock, limit);
}

std::optional<WallTime> Poller::oldest_needed() const {
  if (!start_ || collection_.coverage.empty()) return std::nullopt;
  WallTime oldest = world_.clock.now() - 2 * stream_.overlap;
  for (const Duration delay : stream_.reread) oldest = std::min(oldest, world_.clock.now() - 2 * delay);
  for (const auto& [delay, mark] : notes_.reread) oldest = std::min(oldest, mark);
  for (const auto& active : walks_) oldest = std::min(oldest, active->plan.window.from);
  if (backfill_walk_) oldest = std::min(oldest, backfill_walk_->plan.window.from);
  if (backfill_running()) oldest = std::min(oldest, backfill_->window.from);
  // Until history is complete nothing is forgotten.
  for (const TimeRange& hole : holes_in(settled_, {*start_, oldest})) oldest = std::min(oldest, hole.from);
  return oldest - unit_step(stream_.profile.time_unit) * 2;
}

Task<void> Poller::run() {
  for (;;) {
    const Status ended = co_await loop(false);
    // Only the journal can fail here; a portal's trouble is handled inside.
    if (!ended) {
      status_.up = false;
      status_.problem = ended.error().message;
      world_.log.error("polling waits: " + ended.error().message, session_.fields());
    }
    co_await world_.clock.sleep(storage_retry);
  }
}

Task<Status> Poller::run_once() { co_return co_await loop(true); }

Task<Status> Poller::loop(bool once) {
  walks_.clear();
  backfill_walk_.reset();
  backfill_follow_.reset();
  follow_.reset();
  reread_.reset();
  follow_answered_ = false;
  followed_at_.reset();
  polled_ = false;
  Status attached = co_await attach();
  if (!attached) co_return attached;
  std::optional<WallTime> target;
  for (;;) {
    if (room_ != Room::enough) {
      Status cut;
      if (room_ == Room::none) cut = co_await end_walks_early(true);
      if (!cut) co_return cut;
      co_await idle(longest_idle);
      continue;
    }
    if (!start_) {
      Status resolved = co_await resolve_start();
      if (!resolved) co_return resolved;
      if (fatal_ && once) co_return *fatal_;
      continue;
    }
    if (start_is_late()) start_.reset();  // resolved anew, with what the portal's clock says
    if (!start_) continue;
    if (!target) target = session_.edge();
    Result<Step> step = Step::idle;
    if (stream_.profile.order == RecordOrder::newest_first) {
      step = co_await this->step();
    } else {
      step = co_await step_follow();
    }
    if (!step) co_return std::move(step).error();
    if (backfill_running() || backfill_walk_) {
      Result<Step> backfilled = co_await step_backfill();
      if (!backfilled) co_return std::move(backfilled).error();
      if (*backfilled == Step::moved) step = Step::moved;
    }
    co_await remember_problem();
    if (fatal_ && once) co_return *fatal_;
    if (once && finished_once(*target)) co_return Status();
    if (*step == Step::idle) {
      const Duration until_poll = next_poll_ - world_.clock.steady_now();
      co_await idle(std::clamp(until_poll, Duration(1000), longest_idle));
    }
  }
}

Task<Status> Poller::end_walks_early(bool covering) {
  while (!walks_.empty()) {
    Status ended = co_await end_early(*walks_.front(), covering);
    if (!ended) co_return ended;
    walks_.pop_front();
  }
  if (!backfill_walk_) co_return Status();
  Status ended = co_await end_early(*backfill_walk_, covering);
  if (!ended) co_return ended;
  backfill_walk_.reset();
  // A backfill takes its slice up again from the beginning; shorter, since so much does not fit.
  if (backfill_running() && covering) backfill_->slice = half_slice(backfill_->slice);
  co_return Status();
}

Task<Status> Poller::end_early(ActiveWalk& active, bool covering) {
  if (active.walk_id == 0) co_return Status();  // nothing has come yet
  const std::string window = format_rfc3339(active.plan.window.from) + " to " + format_rfc3339(active.plan.window.to);
  const char* why = covering ? "the journal is full" : "what the portal answers for a time range cannot be trusted at present";
  world_.log.info(std::string(why) + ": the walk of " + window + " ends early, what it has brought is published, and the rest is asked for later",
                  session_.fields());
  std::vector<TimeRange> covered;
  if (covering) {
    active.walk.cut();
    note_shown(notes_, active.walk.covered());
    covered = co_await shown_by(active);
  }
  Status ended = co_await end_walk(active, std::move(covered));
  if (!ended) co_return ended;
  Status published = co_await publish(active.walk_id);
  if (!published) co_return published;
  co_return co_await reload();
}

bool Poller::finished_once(WallTime target) {
  if (!walks_.empty() || backfill_walk_) return false;
  if (proof_empty_) return true;
  if (notes_.doubt) return false;
  if (stream_.profile.order == RecordOrder::oldest_first) {
    return follow_idle_ && follow_edge_ && !collection_.coverage.empty() && !notes_.cursor_refused;
  }
  // A walk from before may reach to this very second and still have been asked too early.
  if (!polled_) return false;
  // The portal's clock may turn out to be behind ours; its Date has whole seconds.
  const WallTime reachable = std::min(target, session_.edge());
  return covered_until(settled_, *start_, std::chrono::floor<std::chrono::seconds>(reachable));
}

Task<Status> Poller::attach() {
  const StreamIdentity identity{source_.profile.vendor, source_.tenant, stream_.name};
  const std::string fingerprint = session_.fingerprint();
  const WallTime now = world_.clock.now();
  auto job = [&](Journal& journal) { return journal.attach(identity, source_.name, source_.base_url, fingerprint, stream_.query, now); };
  Result<CollectionState> attached = co_await world_.storage.run(job);
  if (!attached) co_return std::move(attached).error();
  notes_ = PollerNotes::from_text(attached->state);
  take(std::move(attached).value());
  start_ = collection_.start;
  std::vector<StoredWalk> walks = std::move(collection_.walks);
  co_return co_await resume_walks(std::move(walks));
}

Task<Status> Poller::resume_walks(std::vector<StoredWalk> walks) {
  for (StoredWalk& stored : walks) {
    if (stored.publishing) {
      Status published = co_await publish(stored.walk_id);
      if (!published) co_return published;
      continue;
    }
    Result<NewestFirstWalk> walk = NewestFirstWalk::resume(rules(), stored.state);
    if (!walk) world_.log.warn(walk.error().message, session_.fields());
    PlannedWalk plan{stored.how, stored.window, false, std::nullopt};
    plan.whole_overlap = stored.how == "poll" && is_whole_overlap(stored.window, stream_, start_.value_or(WallTime::min()));
    // A reread's mark is found again by its window: it moves when a window that begins at it is done.
    for (const auto& [delay, mark] : notes_.reread) {
      if (stored.how == "reread" && mark == stored.window.from) plan.reread_delay = delay;
    }
    NewestFirstWalk usable = walk.ok() ? std::move(walk).value() : NewestFirstWalk::begin(rules(), stored.window);
    auto resumed = std::make_unique<ActiveWalk>(ActiveWalk{stored.walk_id, plan, std::move(usable), 0, true});
    if (stored.how == "backfill") {
      backfill_walk_ = std::move(resumed);
    } else {
      walks_.push_back(std::move(resumed));
    }
  }
  co_return co_await reload();
}

// A first start while our clock was ahead of the portal's would leave everything in between uncollected.
bool Poller::start_is_late() const {
  const bool relative = stream_.start.kind == StartSetting::Kind::ago;
  return relative && collection_.coverage.empty() && walks_.empty() && *start_ > still_shown(session_.edge() - stream_.start.ago) + started_late;
}

// What the portal has forgotten cannot be shown, and an empty answer about it would be no proof.
WallTime Poller::still_shown(WallTime start) const {
  return stream_.retention ? std::max<WallTime>(start, session_.edge() - *stream_.retention) : start;
}

Task<Status> Poller::resolve_start() {
  WallTime start = session_.edge() - stream_.start.ago;
  if (stream_.start.kind == StartSetting::Kind::time) start = stream_.start.time;
  if (stream_.start.kind == StartSetting::Kind::oldest) {
    BeginningOutcome beginning = co_await find_beginning(session_, stream_.profile, WallTime(), session_.edge());
    if (!beginning.answered) {
      report(beginning.answer);
      co_await wait_after(beginning.answer);
      co_return Status();
    }
    note_good();
    start = beginning.beginning;
    notes_.shown_first = beginning.shown;
    world_.log.info("the portal's log begins about " + format_rfc3339(start), session_.fields());
  }
  if (const WallTime shown = still_shown(start); shown > start) {
    start = shown;
    world_.log.warn("start lies before what the portal still remembers (retention): coverage begins at " + format_rfc3339(start), session_.fields());
  }
  // Whole time units, as the vendor counts them.
  start -= start.time_since_epoch() % unit_step(stream_.profile.time_unit);
  auto job = [&](Journal& journal) { return journal.set_start(collection_.collection_id, start); };
  Status stored = co_await world_.storage.run(job);
  if (stored.ok()) start_ = start;
  co_return stored;
}

WalkRules Poller::rules() const {
  WalkRules rules;
  const StreamProfile& profile = stream_.profile;
  rules.unit = std::max(unit_step(profile.time_unit), unit_step(profile.request_time_unit));
  rules.overlap = stream_.overlap;
  rules.page_size = profile.page_size;
  rules.max_page_size = std::max(profile.page_size, profile.max_page_size);
  rules.paging = profile.paging;
  rules.first_page = profile.first_page;
  rules.has_ids = !profile.fields.id.empty();
  return rules;
}

void Poller::tell_of_missing(const Answer& answer) {
  const std::vector<PageRecord>& records = answer.page.records;
  const MeaningFields& fields = stream_.profile.fields;
  const auto timeless = std::count_if(records.begin(), records.end(), [](const PageRecord& record) { return !record.has_time; });
  if (timeless > 0 && !timeless_told_) {
    world_.log.warn(std::to_string(timeless) + " records of a page have no time that can be read at " + fields.time +
                        ": they are kept without one; if this is usual, check the profile's streams." + stream_.name +
                        ".fields.time and time_unit",
                    session_.fields(answer));
    timeless_told_ = true;
  }
  const auto idless = std::count_if(records.begin(), records.end(), [](const PageRecord& record) { return !record.has_id; });
  if (idless > 0 && !fields.id.empty() && !idless_told_) {
    world_.log.warn(std::to_string(idless) + " of " + std::to_string(records.size()) + " records of a page have no id at " + fields.id +
                        ": they are told apart by their content, so one that the portal changes counts as another; set sources." + source_.name +
                        ".stream." + stream_.name + ".id (or the profile's streams." + stream_.name +
                        ".fields.id) to the field that is one, or to \"\" if there is none",
                    session_.fields(answer));
    idless_told_ = true;
  }
}

PageToStore Poller::page_to_store(const Answer& answer, const std::optional<std::string>& cursor_in, std::string_view how, TimeRange window) {
  PageToStore page;
  page.stream_id = collection_.stream_id;
  page.collection_id = collection_.collection_id;
  page.source = source_.name;
  page.received = world_.clock.now();
  page.page = &answer.page;
  page.provenance.how = how;
  page.provenance.window = window;
  page.provenance.query = stream_.query;
  page.provenance.cursor_in = cursor_in.value_or("");
  page.provenance.cursor_out = answer.page.cursor.value_or("");
  page.provenance.status = answer.status;
  page.provenance.request_id = answer.request_id;
  page.provenance.server_date = answer.server_date;
  page.provenance.body_sha256 = answer.body_sha256;
  if (answer.page.repaired) {
    page.quarantine.push_back({"a page held invalid UTF-8 or raw control characters: repaired, the records are marked", 0, answer.body, true});
  }
  tell_of_missing(answer);
  for (const Page::Oversized& record : answer.page.oversized) {
    page.quarantine.push_back({"record " + record.id + " has " + std::to_string(record.bytes) + " bytes, more than max_record", 1,
                               std::string(record.raw)});
    NewGap gap{"oversized", std::nullopt, "record " + record.id + " is larger than max_record (" + std::to_string(record.bytes) + " bytes)"};
    if (record.has_time) gap.range = TimeRange{record.time, record.time};
    page.gaps.push_back(std::move(gap));
  }
  return page;
}

Task<Result<std::optional<StoredPage>>> Poller::store(PageToStore page) {
  const WallTime now = world_.clock.now();
  auto job = [&](Journal& journal) { return journal.store_page(page, now); };
  Result<StoredPage> result = co_await world_.storage.run(job);
  if (!result && result.error().kind == ErrorKind::invalid) {
    // Colliding ids: a setting is wrong. Nothing was stored.
    Answer answer;
    answer.kind = AnswerKind::stop;
    answer.message = "stream " + stream_.name + " of " + result.error().message;
    report(answer);
    co_await wait_after(answer);
    co_return std::optional<StoredPage>();
  }
  if (!result) co_return std::move(result).error();
  for (std::size_t i = 0; i < page.quarantine.size(); ++i) {
    // What an earlier walk has met is in quarantine, was told, and counts as a duplicate.
    if (!result->quarantined[i]) continue;
    const QuarantineItem& item = page.quarantine[i];
    if (item.of_repaired) {
      world_.log.warn(item.why + " and the original is in quarantine", session_.fields());
    } else {
      world_.log.error(item.why + ": it is in quarantine", session_.fields());
    }
  }
  for (const NewGap& gap : result->gaps) world_.log.error("a gap of type " + gap.type + " was recorded: " + gap.why, session_.fields());
  if (result->revisions > 0) {
    world_.log.warn("the portal changed " + std::to_string(result->revisions) + " records that were already collected: kept as revisions (@2 …)",
                    session_.fields());
  }
  co_return std::optional<StoredPage>(*result);
}

Task<Status> Poller::publish(std::int64_t walk_id) {
  for (;;) {
    const WallTime now = world_.clock.now();
    auto job = [walk_id, now](Journal& journal) { return journal.publish(walk_id, publish_chunk, now); };
    Result<PublishProgress> progress = co_await world_.storage.run(job);
    if (!progress) co_return std::move(progress).error();
    if (progress->records > 0) world_.published.ring();
    if (progress->damaged) {
      world_.log.warn("what a walk had shown cannot be read any more: its row in the journal is damaged. Its records are published, their time is "
                      "asked for again; check the disk, and run 'auditferry journal check'",
                      session_.fields());
    }
    if (progress->finished) co_return Status();
  }
}

Task<Status> Poller::quarantine(const Answer& answer, std::string consequence) {
  const QuarantineItem item{answer.message, 0, answer.body};
  const WallTime now = world_.clock.now();
  auto job = [&](Journal& journal) { return journal.quarantine(collection_.stream_id, item, now); };
  const Result<bool> is_new = co_await world_.storage.run(job);
  if (!is_new) co_return is_new.error();
  if (*is_new) {
    world_.log.error(answer.message + "; the answer is in quarantine" + consequence, session_.fields(answer));
  } else {
    world_.log.debug(answer.message + "; the same answer is in quarantine since an earlier walk", session_.fields(answer));
  }
  co_return Status();
}

Task<bool> Poller::is_quarantined(const Answer& answer) {
  const QuarantineItem item{answer.message, 0, answer.body};
  auto job = [&](Journal& journal) { return journal.is_quarantined(collection_.stream_id, item); };
  const Result<bool> known = co_await world_.storage.run(job);
  co_return known.ok() && *known;
}

Task<Status> Poller::record_gap(NewGap gap) {
  const WallTime now = world_.clock.now();
  auto job = [&](Journal& journal) { return journal.record_gap(collection_.collection_id, gap, now); };
  Result<bool> recorded = co_await world_.storage.run(job);
  if (!recorded) co_return std::move(recorded).error();
  world_.published.ring();
  co_return Status();
}

Task<Status> Poller::reload() {
  auto job = [this](Journal& journal) { return journal.load_collection(collection_.collection_id); };
  Result<CollectionState> loaded = co_await world_.storage.run(job);
  if (!loaded) co_return std::move(loaded).error();
  take(std::move(loaded).value());
  co_return Status();
}

void Poller::take(CollectionState state) {
  collection_ = std::move(state);
  settled_ = without(settled_time(collection_.coverage, collection_.gaps, collection_.collection_id), notes_.show_again);
}

Task<Status> Poller::save_notes() {
  const std::string text = notes_.to_text();
  auto job = [this, &text](Journal& journal) { return journal.save_collection(collection_.collection_id, text); };
  co_return co_await world_.storage.run(job);
}

void Poller::report(const Answer& answer, bool told) {
  const bool stop = answer.kind == AnswerKind::stop;
  // The same trouble is told once, not at every try.
  if (status_.problem != answer.message) {
    if (told) {
      world_.log.debug(answer.message, session_.fields(answer));
    } else if (stop) {
      world_.log.error(answer.message + " (polling goes on by itself once this is solved)", session_.fields(answer));
    } else if (answer.kind != AnswerKind::limited) {
      world_.log.warn(answer.message, session_.fields(answer));
    }
  }
  status_.up = false;
  status_.stopped = stop;
  status_.problem = answer.message;
  if (stop) fatal_ = Error{ErrorKind::invalid, answer.message};
}

void Poller::note_good() {
  if (!status_.up && !status_.problem.empty()) world_.log.info("the portal answers again", session_.fields());
  status_.up = true;
  status_.stopped = false;
  status_.problem.clear();
  status_.last_page = world_.clock.now();
  fatal_.reset();
  backoff_.reset();
}

// So that `status` tells it, also when the daemon has ended.
Task<void> Poller::remember_problem() {
  if (notes_.problem == status_.problem && notes_.stopped == status_.stopped) co_return;
  notes_.problem = status_.problem;
  notes_.stopped = status_.stopped;
  const Status saved = co_await save_notes();
  if (!saved) world_.log.warn("the stream's last error could not be noted down: " + saved.error().message, session_.fields());
}

Task<void> Poller::wait_after(const Answer& answer) {
  co_await remember_problem();
  // The budget holds everybody back during a penalty; there is nothing to wait for here.
  if (answer.kind == AnswerKind::limited) co_return;
  // Somebody waits at a terminal, and only an operator can help: the backfill ends with the reason.
  if (answer.kind == AnswerKind::stop && only_backfills_) co_return;
  Duration wait = backoff_.next();
  // A probe now and then shows whether the operator has acted.
  if (answer.kind == AnswerKind::stop) wait = source_.max_backoff / 2 + world_.random.jitter(source_.max_backoff / 2);
  co_await world_.clock.sleep(wait);
}

}  // namespace auditferry
