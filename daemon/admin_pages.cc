#include "daemon/admin_pages.h"

#include <unistd.h>

#include "daemon/metrics.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"

namespace auditferry {
namespace {

constexpr const char* page_head =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta http-equiv=\"refresh\" content=\"5\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<title>auditferry</title>\n<style>\n"
    ":root { color-scheme: light dark; --back: #fff; --text: #1a1a1a; --good: #17692f; --bad: #a31515; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --back: #16181b; --text: #e4e4e4; --good: #74d48f; --bad: #ff8f85; }\n}\n"
    "body { background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; margin: 1.5rem; }\n"
    "h1 { font-size: 1.4rem; } .good { color: var(--good); } .bad { color: var(--bad); }\n"
    "pre { overflow-x: auto; font-size: .9rem; }\n"
    "</style></head><body>\n";

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
  if (path == "/metrics") co_return metrics(*snapshot);
  if (path == "/") co_return page(*snapshot);
  StatusContext context{world_.clock.now(), true, ::getpid(), &world_.settings};
  AdminAnswer status;
  status.content_type = "application/json";
  status.body = render_status_json(*snapshot, context);
  co_return status;
}

AdminAnswer DaemonPages::metrics(const JournalSnapshot& snapshot) const {
  MetricsInput input;
  input.now = world_.clock.now();
  input.snapshot = &snapshot;
  input.settings = &world_.settings;
  for (const Poller* poller : world_.pollers) input.pollers.push_back(poller->status());
  for (const Deliverer* deliverer : world_.deliverers) input.deliverers.push_back(deliverer->status());
  for (const auto& [source, budget] : world_.budgets) input.throttled.emplace_back(source, budget->throttled());
  input.journal_full_in = world_.housekeeper.full_in();
  AdminAnswer answer;
  answer.content_type = metrics_content_type;
  answer.body = render_metrics(input);
  return answer;
}

AdminAnswer DaemonPages::page(const JournalSnapshot& snapshot) const {
  const StatusContext context{world_.clock.now(), true, ::getpid(), &world_.settings};
  std::vector<std::string> needs = needs_a_person(snapshot);
  for (const Poller* poller : world_.pollers) {
    const PollerStatus status = poller->status();
    if (status.stopped) needs.push_back(status.source + "/" + status.stream + " is not collected: " + plain(status.problem));
  }
  if (world_.housekeeper.holding())
    needs.push_back("nothing is fetched, because the journal or its disk is full: see the log for which, and for the way out");
  std::string text = render_status(snapshot, context, false);
  for (const Poller* poller : world_.pollers) {
    const PollerStatus status = poller->status();
    if (!status.up && !status.problem.empty() && !status.stopped)
      text += "\n" + status.source + "/" + status.stream + " is tried again and again: " + plain(status.problem) + "\n";
  }
  AdminAnswer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = render_admin_page(needs, text);
  return answer;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if ((byte < 0x20 && c != '\n') || byte == 0x7f) {
      out += "\xef\xbf\xbd";
    } else {
      out += c;
    }
  }
  return out;
}

std::string render_admin_page(const std::vector<std::string>& needs, std::string_view status) {
  std::string page = page_head;
  if (needs.empty()) {
    page += "<h1 class=\"good\">All is in order</h1>\n";
  } else {
    page += "<h1 class=\"bad\">A person is needed</h1>\n<ul>\n";
    for (const std::string& need : needs) page += "<li>" + escape_html(need) + "</li>\n";
    page += "</ul>\n";
  }
  page += "<pre>" + escape_html(status) + "</pre>\n</body></html>\n";
  return page;
}

}  // namespace auditferry
