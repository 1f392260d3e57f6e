#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "exporters/catalog.h"
#include "exporters/syslog_settings.h"

namespace auditferry {

// Encoded messages of one write, one after the other, without framing.
struct SyslogBatch {
  struct Message {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::size_t index = 0;  // of the record in the write
  };
  std::string text;
  std::vector<Message> messages;  // not empty when it is sent

  std::string_view view(const Message& message) const {
    return std::string_view(text).substr(message.begin, message.size);
  }
};

// How messages get to the far end. As Exporter, but given messages; RecordOutcome::index is that of the
// record in the write.
class SyslogTransportLayer {
 public:
  virtual ~SyslogTransportLayer() = default;
  virtual WriteLimits limits() const { return {}; }
  virtual Task<WriteOutcome> send(SyslogBatch batch, WriteProgress& progress) = 0;
  virtual Task<Status> greet() = 0;
  virtual void reopen() = 0;
  virtual Task<void> close() = 0;
};

// For the transport that the settings name.
std::unique_ptr<SyslogTransportLayer> make_syslog_transport(const SyslogSettings& settings,
                                                            ExporterWorld world);

// The outcome of a write that met `error`: what only an operator can put right pauses, the rest is tried
// again.
WriteOutcome syslog_failure(const Error& error);

}  // namespace auditferry
