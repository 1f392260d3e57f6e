#pragma once
// A daemon with one stream and one exporter, all of it in order, for tests of the page and of what it finds.

#include "daemon/live_state.h"

namespace auditferry {

inline const WallTime fixture_now = from_micros(1'763'893'512'000'000);  // 2025-11-23T10:25:12Z

struct HealthyDaemon {
  HealthyDaemon() {
    using std::chrono::hours;
    using std::chrono::seconds;
    snapshot.last_seq = 1204;
    snapshot.used_bytes = 65536;
    CollectionSnapshot collection;
    collection.collection_id = 7;
    collection.start = fixture_now - hours(240);
    collection.coverage = {{{fixture_now - hours(240), fixture_now - seconds(12)}, "poll", fixture_now}};
    collection.watermark = fixture_now - seconds(12);
    StreamSnapshot stream;
    stream.stream_id = 1;
    stream.identity = {"apptego", "t1", "audit"};
    stream.source = "acme";
    stream.books = {1300, 96, 0, 1204, 0, 0, 3};
    stream.collections = {collection};
    snapshot.streams = {stream};
    ExporterRow row;
    row.exporter_id = 3;
    row.name = "archive";
    row.type = "file";
    row.books.position = 1204;
    row.books.delivered = 1204;
    row.last_delivery = fixture_now - seconds(9);
    snapshot.exporters = {row};
    state.config = "/etc/auditferry/auditferry.toml";
    SourceSettings source;
    source.name = "acme";
    source.profile.vendor = "apptego";
    source.tenant = "t1";
    source.streams.resize(1);
    source.streams[0].name = "audit";
    source.streams[0].retention = hours(24 * 30);
    settings.sources = {source};
    PollerStatus poller;
    poller.source = "acme";
    poller.stream = "audit";
    poller.up = true;
    poller.last_page = fixture_now - seconds(12);
    state.pollers = {poller};
    DelivererStatus deliverer;
    deliverer.exporter = "archive";
    deliverer.up = true;
    state.deliverers = {deliverer};
    state.now = fixture_now;
    state.steady_now = SteadyTime(hours(1));
    state.snapshot = &snapshot;
    state.settings = &settings;
    state.rates = &rates;
    state.process = 17;
  }
  HealthyDaemon(const HealthyDaemon&) = delete;
  HealthyDaemon& operator=(const HealthyDaemon&) = delete;

  CollectionSnapshot& collection() { return snapshot.streams[0].collections[0]; }
  ExporterRow& exporter() { return snapshot.exporters[0]; }
  PollerStatus& poller() { return state.pollers[0]; }
  DelivererStatus& deliverer() { return state.deliverers[0]; }

  JournalSnapshot snapshot;
  Settings settings;
  RecordRates rates;
  LiveState state;
};

}  // namespace auditferry
