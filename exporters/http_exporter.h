#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/http_exporter_settings.h"
#include "exporters/writes_under_way.h"

namespace auditferry {

// Type "http": batches as bodies of requests, to receivers that speak no protocol of their own. Delivered is
// what the status says, so at least once; the id in each record tells repetitions. docs/exporters.md has
// the signature and the table of statuses. Keeps no state.
class HttpExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds HttpExporterSettings that were checked.
  HttpExporter(const ExporterSettings& settings, ExporterWorld world);

  WriteLimits limits() const override { return {concurrency_, 0}; }
  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  // HEAD, and GET where the answer is 400; only what cannot be meant is an error, since few receivers know them.
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  void hurry() override { writes_.hurry(); }
  Task<void> close() override;

 private:
  Task<WriteOutcome> write_single(const std::vector<OutgoingRecord>& records);
  Task<WriteOutcome> send(std::string body);
  std::string signature(std::string_view body) const;

  const HttpExporterSettings settings_;
  const std::uint32_t concurrency_;
  ExporterWorld world_;
  HttpSink sink_;
  HttpPeerWords who_;
  WritesUnderWay writes_;
};

}  // namespace auditferry
