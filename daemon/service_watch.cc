#include "daemon/service_watch.h"

#include <unistd.h>

#include <algorithm>

#include "daemon/text_report.h"

namespace auditferry {
namespace {

}  // namespace

std::string service_status_line(const JournalSnapshot& snapshot, const StatusContext& context) {
  std::uint64_t streams = 0;
  if (context.settings != nullptr) {
    for (const SourceSettings& source : context.settings->sources) streams += source.streams.size();
  }
  Duration lag = Duration::zero();
  for (const StreamSnapshot& stream : snapshot.streams) {
    const StreamProgress progress = progress_of(stream, snapshot, context);
    if (progress.configured) lag = std::max(lag, progress.lag.value_or(Duration::zero()));
  }
  std::uint64_t waiting = 0;
  for (const ExporterRow& row : snapshot.exporters) {
    if (row.attached) waiting += row.books.waiting(snapshot.last_seq);
  }
  std::string line = counted(streams, "stream", "streams") + ", lag " + report_duration(lag) + ", " +
                     counted(waiting, "record", "records") + " waiting";
  const std::vector<std::string> needs = needs_a_person(snapshot, context);
  if (!needs.empty()) line += "; a person is needed: " + plain(needs.front());
  if (needs.size() > 1) line += " (and " + std::to_string(needs.size() - 1) + " more: auditferry status)";
  return line;
}

Task<void> ServiceWatch::keep_alive(Duration every) {
  for (;;) {
    if (world_.life.storage_answers()) tell_alive_();
    co_await world_.clock.sleep(every);
  }
}

Task<void> ServiceWatch::keep_status() {
  for (;;) {
    auto look = [](Journal& journal) { return take_snapshot(journal); };
    const Result<JournalSnapshot> snapshot = co_await world_.storage.run(look);
    if (snapshot) {
      const StatusContext context{world_.clock.now(), true, ::getpid(), &world_.settings};
      tell_status_(service_status_line(*snapshot, context));
    }
    co_await world_.clock.sleep(status_every);
  }
}

}  // namespace auditferry
