// What a reread did not meet although it had been shown: marked, counted, named in the ledger.

#include "daemon/poller.h"
#include "daemon/text_report.h"
#include "encoding/time_format.h"

namespace auditferry {

void Poller::note_met(MetRecords& met, const PlannedWalk& plan, const Page& page) const {
  if (plan.how != "reread") return;
  for (const PageRecord& record : page.records) {
    // Without ids a changed record would look like one that is gone.
    if (!record.has_id) return met.give_up();
    met.add(record.id);
  }
}

Task<Status> Poller::compare_reread(TimeRange window, MetRecords met) {
  const WallTime now = world_.clock.now();
  // What is older than that may be gone by right.
  if (stream_.retention) window.from = std::max<WallTime>(window.from, now - *stream_.retention);
  if (!met.complete() || window.from >= window.to || stream_.profile.fields.id.empty()) co_return Status();
  auto job = [&](Journal& journal) { return journal.note_vanished(collection_.stream_id, window, std::move(met), now); };
  const Result<Vanished> vanished = co_await world_.storage.run(job);
  if (!vanished) co_return vanished.error();
  const std::string where = " of " + format_rfc3339(window.from) + " to " + format_rfc3339(window.to);
  if (vanished->vanished > 0) {
    world_.log.warn("the portal no longer shows " + counted(vanished->vanished, "record", "records") + where +
                        " that it had shown: they stay in the journal and with the exporters, and 'auditferry ledger' names them (kind vanished)",
                    session_.fields());
  }
  if (vanished->shown_again > 0) {
    world_.log.info("the portal shows " + counted(vanished->shown_again, "record", "records") + where + " again that it had not shown for a while",
                    session_.fields());
  }
  co_return Status();
}

}  // namespace auditferry
