#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/http_sink.h"
#include "exporters/otlp_logs.h"
#include "exporters/writes_under_way.h"

namespace auditferry {

// The keys of an exporter of type "otlp"; docs/exporters.md explains them.
struct OtlpSettings {
  HttpSinkSettings sink;
  std::string url;  // with /v1/logs
  OtlpEncoding encoding = OtlpEncoding::protobuf;
};

// Reads and checks; problems are reported to the table.
OtlpSettings read_otlp_settings(TomlTable& table, const SecretPlaces& places);

// Type "otlp": OTLP/HTTP logs. At least once; the attribute log.record.uid tells repetitions. Only what the
// specification calls retryable is sent again by itself. Keeps no state.
class OtlpExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds OtlpSettings that were checked.
  OtlpExporter(const ExporterSettings& settings, ExporterWorld world);

  WriteLimits limits() const override { return {concurrency_, 0}; }
  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  // A request without any log record, which the specification allows.
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  Task<void> close() override;

 private:
  HttpRequest request(std::string body) const;
  WriteOutcome judge(const HttpResponse& answer, std::size_t records);

  const OtlpSettings settings_;
  const std::uint32_t concurrency_;
  ExporterWorld world_;
  std::string name_;
  HttpSink sink_;
  HttpPeerWords who_;
  WritesUnderWay writes_;
};

}  // namespace auditferry
