#pragma once

#include <deque>
#include <string>
#include <vector>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/far_hosts.h"
#include "exporters/splunk_acks.h"
#include "exporters/splunk_answer.h"
#include "exporters/splunk_settings.h"
#include "exporters/writes_under_way.h"

namespace auditferry {

// Type "splunk_hec": Splunk's HTTP Event Collector. With `ack` delivered means indexed: a batch that is not
// acknowledged in time is sent again. Without, it means that Splunk has taken it into its queue. At least
// once; the field auditferry_id tells repetitions. Of several hosts the one that worked last is used; a batch is
// acknowledged by the host that took it, and goes to another one when that host is gone. Keeps no state.
class SplunkExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds SplunkSettings that were checked; world.random is set.
  SplunkExporter(const ExporterSettings& settings, ExporterWorld world);

  WriteLimits limits() const override;
  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  // Of every host: the collector's health, whether it takes the token (an empty body is refused for being empty), and with `ack`
  // whether it answers the question for acknowledgements.
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  void hurry() override;
  Task<void> close() override;

 private:
  // One host, and what is known of it.
  struct Collector {
    Collector(std::size_t index, const SplunkExporter& exporter, HttpSink& sink, std::string channel);
    std::size_t host;  // its place among the hosts
    const HttpPeerWords& who;
    SplunkAcks acks;
    bool without_acks = false;     // they are off at the far end, and it was said
    bool without_channel = false;  // the far end refuses our channel
  };
  HttpRequest event_request(const Collector& to, std::string body) const;
  WriteOutcome judge(Collector& by, const HttpResponse& answer, const SplunkAnswer& parsed, std::size_t records);
  WriteOutcome judge_bad_event(const Collector& by, const HttpResponse& answer, const SplunkAnswer& parsed,
                               std::size_t records) const;
  WriteOutcome judge_ack(Collector& by, SplunkAcks::End end);
  void go_on_without_acks(Collector& with, const std::string& why);
  Error greeting_error(const Collector& by, const HttpResponse& answer, const SplunkVerdict& verdict) const;
  Task<Status> greet_health(const Collector& collector);
  Task<Status> greet_events(const Collector& collector);
  Task<Status> greet_acks(const Collector& collector);

  const SplunkSettings settings_;
  const std::uint32_t concurrency_;
  ExporterWorld world_;
  std::string name_;
  HttpSink sink_;
  FarHosts hosts_;
  std::deque<Collector> collectors_;  // in the order of hosts_
  WritesUnderWay writes_;
  Duration slow_down_{};          // between writes, while its queues are nearly full
  SteadyTime not_before_{};
};

}  // namespace auditferry
