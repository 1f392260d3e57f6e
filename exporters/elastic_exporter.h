#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/elastic_bulk.h"
#include "exporters/elastic_settings.h"
#include "exporters/far_hosts.h"
#include "exporters/writes_under_way.h"

namespace auditferry {

// Type "elasticsearch", for OpenSearch too: each record is created under its id, so what is sent again is
// found to be there: exactly once within an index. Every record has a verdict of its own. Keeps no state.
class ElasticExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds ElasticSettings that were checked.
  ElasticExporter(const ExporterSettings& settings, ExporterWorld world);

  WriteLimits limits() const override { return {concurrency_, 0}; }
  Task<Status> open(const ExporterState& state) override;
  // A host that does not answer, or only with 502 to 504, is left alone for half a minute; the next is tried.
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  // Asks for the version, and, where that can be asked, for the right to create documents.
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  Task<void> close() override;

 private:
  HttpRequest bulk_request(std::string body, const std::string& host) const;
  WriteOutcome judge(const HttpResponse& answer, const HttpPeerWords& who, std::size_t records) const;
  WriteOutcome judge_cut(const HttpResponse& answer, const HttpPeerWords& who, std::size_t records) const;
  WriteOutcome judge_items(const BulkAnswer& answer, const HttpPeerWords& who) const;
  Task<Status> greet_host(std::size_t host);

  const ElasticSettings settings_;
  const std::string name_;
  const std::uint32_t concurrency_;
  ExporterWorld world_;
  HttpSink sink_;
  FarHosts hosts_;
  WritesUnderWay writes_;
};

}  // namespace auditferry
