#pragma once

#include <memory>
#include <vector>

#include "exporters/catalog.h"
#include "exporters/syslog_message.h"
#include "exporters/syslog_transport.h"

namespace auditferry {

// Type "syslog": encodes records (exporters/syslog_message.h) and hands them to a transport, which decides
// what counts as delivered (exporters/syslog_stream.h, syslog_datagram.h, relp_session.h). A message that is
// longer than max_message and may not be cut is poison. Keeps no state.
class SyslogExporter final : public Exporter {
 public:
  SyslogExporter(const SyslogSettings& settings, ExporterWorld world);

  WriteLimits limits() const override { return transport_->limits(); }
  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  Task<Status> greet() override { return transport_->greet(); }
  std::string_view greeting_shows() const override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  Task<void> close() override { return transport_->close(); }

 private:
  SyslogBatch encode(const std::vector<OutgoingRecord>& records, std::vector<RecordOutcome>& refused) const;

  SyslogSettings settings_;
  SyslogEncoder encoder_;
  std::unique_ptr<SyslogTransportLayer> transport_;
};

}  // namespace auditferry
