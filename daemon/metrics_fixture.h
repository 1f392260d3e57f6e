#pragma once
// An answer of /metrics with every metric in it. For tests.

#include <string>

#include "daemon/metrics.h"

namespace auditferry {

inline const WallTime metrics_now = from_micros(1'763'893'512'000'000);

// One stream and one exporter, everything known.
struct SmallJournal {
  SmallJournal() {
    using std::chrono::hours;
    using std::chrono::minutes;
    using std::chrono::seconds;
    snapshot.last_seq = 1204;
    snapshot.used_bytes = 65536;
    CollectionSnapshot collection;
    collection.collection_id = 7;
    collection.start = metrics_now - hours(24);
    collection.coverage = {{{metrics_now - hours(24), metrics_now - seconds(12)}, "poll", metrics_now}};
    collection.watermark = metrics_now - seconds(12);
    StreamSnapshot stream;
    stream.identity = {"apptego", "t1", "audit"};
    stream.source = "acme";
    stream.books = {1300, 90, 4, 1204, 2, 5, 3};
    stream.collections = {collection};
    snapshot.streams = {stream};
    ExporterRow row;
    row.name = "archive";
    row.books = {0, 1200, 1180, 2, 3, 10, 5, 6};
    snapshot.exporters = {row};
    SourceSettings source;
    source.name = "acme";
    source.profile.vendor = "apptego";
    source.tenant = "t1";
    source.streams.resize(1);
    source.streams[0].name = "audit";
    source.streams[0].retention = hours(24);
    settings.sources = {source};
    PollerStatus poller;
    poller.source = "acme";
    poller.stream = "audit";
    poller.up = true;
    poller.session.requests_by_status = {{0, 1}, {200, 17}, {429, 2}};
    poller.session.clock_skew = std::chrono::milliseconds(-1500);
    input.pollers = {poller};
    DelivererStatus deliverer;
    deliverer.exporter = "archive";
    deliverer.problem = "the disk is full";
    deliverer.oldest_waiting = metrics_now - minutes(3);
    input.deliverers = {deliverer};
    input.throttled = {{"acme", seconds(30)}};
    input.journal_full_in = hours(1);
    input.now = metrics_now;
    input.snapshot = &snapshot;
    input.settings = &settings;
  }
  SmallJournal(const SmallJournal&) = delete;
  SmallJournal& operator=(const SmallJournal&) = delete;
  std::string text() const { return render_metrics(input); }

  JournalSnapshot snapshot;
  Settings settings;
  MetricsInput input;
};

}  // namespace auditferry
