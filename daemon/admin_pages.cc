#include "daemon/admin_pages.h"

#include <unistd.h>

#include "daemon/metrics.h"
#include "daemon/status_page.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"

namespace auditferry {
namespace {

constexpr Duration count_every = std::chrono::seconds(10);

AdminAnswer plain_answer(int status, std::string words) {
  AdminAnswer answer;
  answer.status = status;
  answer.body = std::move(words) + "\n";
  return answer;
}

bool is_known(const std::string& path) {
  return path == "/metrics" || path == "/status" || path == "/";
}

}  // namespace

DaemonPages::DaemonPages(AdminWorld world) : world_(std::move(world)) {}

Task<void> DaemonPages::count_records() {
  for (;;) {
    auto look = [](Journal& journal) { return take_snapshot(journal); };
    const Result<JournalSnapshot> snapshot = co_await world_.storage.run(look);
    if (snapshot) observe(*snapshot);
    co_await world_.clock.sleep(count_every);
  }
}

AdminAnswer DaemonPages::health() const {
  if (world_.life.storage_answers()) return plain_answer(200, "ok");
  return plain_answer(503, "the storage thread has not answered for a minute: look at the disk of daemon.state_dir");
}

AdminAnswer DaemonPages::readiness() const {
  return ready_ ? plain_answer(200, "ready") : plain_answer(503, "starting or ending");
}

Task<AdminAnswer> DaemonPages::get(std::string path) {
  if (path == "/healthz") co_return health();
  if (path == "/readyz") co_return readiness();
  if (!is_known(path)) {
    AdminAnswer missing = plain_answer(404, "not here; there are / /metrics /status /healthz and /readyz");
    co_return missing;
  }
  // Connections must not pile up behind a disk that hangs.
  if (!world_.life.storage_answers()) co_return health();
  auto look = [](Journal& journal) { return take_snapshot(journal); };
  const Result<JournalSnapshot> snapshot = co_await world_.storage.run(look);
  if (!snapshot) {
    AdminAnswer failed = plain_answer(503, "the journal cannot be read: " + plain(snapshot.error().message));
    co_return failed;
  }
  observe(*snapshot);
  if (path == "/metrics") co_return metrics(*snapshot);
  if (path == "/") co_return page(*snapshot);
  co_return status(*snapshot);
}

AdminAnswer DaemonPages::metrics(const JournalSnapshot& snapshot) const {
  MetricsInput input;
  input.now = world_.clock.now();
  input.snapshot = &snapshot;
  input.settings = &world_.settings;
  if (world_.pollers) input.pollers = world_.pollers();
  if (world_.deliverers) input.deliverers = world_.deliverers();
  if (world_.throttled) input.throttled = world_.throttled();
  input.journal_full_in = world_.housekeeper.full_in();
  AdminAnswer answer;
  answer.content_type = metrics_content_type;
  answer.body = render_metrics(input);
  return answer;
}

LiveState DaemonPages::live(const JournalSnapshot& snapshot) const {
  LiveState state;
  state.now = world_.clock.now();
  state.steady_now = world_.clock.steady_now();
  state.snapshot = &snapshot;
  state.settings = &world_.settings;
  state.rates = &rates_;
  state.config = world_.config;
  if (world_.pollers) state.pollers = world_.pollers();
  if (world_.deliverers) state.deliverers = world_.deliverers();
  state.holding = world_.housekeeper.holding();
  state.held_by = world_.housekeeper.held_by();
  state.journal_full_in = world_.housekeeper.full_in();
  state.process = ::getpid();
  return state;
}

AdminAnswer DaemonPages::page(const JournalSnapshot& snapshot) const {
  AdminAnswer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = render_status_page(live(snapshot));
  answer.content_policy = status_page_policy();
  return answer;
}

AdminAnswer DaemonPages::status(const JournalSnapshot& snapshot) const {
  const LiveState state = live(snapshot);
  const StatusContext context{state.now, true, state.process, &world_.settings, &state};
  AdminAnswer answer;
  answer.content_type = "application/json";
  answer.body = render_status_json(snapshot, context);
  return answer;
}

void DaemonPages::observe(const JournalSnapshot& snapshot) {
  for (const StreamSnapshot& stream : snapshot.streams)
    rates_.observe(stream.stream_id, stream.books.journaled, world_.clock.steady_now());
}

}  // namespace auditferry
