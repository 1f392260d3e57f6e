#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/splunk_acks.h"
#include "exporters/splunk_answer.h"
#include "exporters/splunk_settings.h"
#include "exporters/writes_under_way.h"

namespace auditferry {

// Type "splunk_hec": Splunk's HTTP Event Collector. With `ack` delivered means indexed: a batch that is not
// acknowledged in time is sent again. Without, it means that Splunk has taken it into its queue. At least
// once; the field auditferry_id tells repetitions. Keeps no state.
class SplunkExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds SplunkSettings that were checked; world.random is set.
  SplunkExporter(const ExporterSettings& settings, ExporterWorld world);

  WriteLimits limits() const override;
  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  // The collector's health, and whether it takes the token (an empty body is refused for being empty).
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  void hurry() override { acks_.hurry(); }
  Task<void> close() override;

 private:
  HttpRequest event_request(std::string body) const;
  WriteOutcome judge(const HttpResponse& answer, const SplunkAnswer& parsed, std::size_t records);
  WriteOutcome judge_bad_event(const HttpResponse& answer, const SplunkAnswer& parsed,
                               std::size_t records) const;
  WriteOutcome judge_ack(SplunkAcks::End end);
  void go_on_without_acks(const std::string& why);
  Task<Status> greet_acks();

  const SplunkSettings settings_;
  const std::uint32_t concurrency_;
  ExporterWorld world_;
  std::string name_;
  HttpSink sink_;
  HttpPeerWords who_;
  SplunkAcks acks_;
  WritesUnderWay writes_;
  bool without_acks_ = false;     // they are off at the far end, and it was said
  bool without_channel_ = false;  // the far end refuses our channel
  Duration slow_down_{};          // between writes, while its queues are nearly full
  SteadyTime not_before_{};
};

}  // namespace auditferry
