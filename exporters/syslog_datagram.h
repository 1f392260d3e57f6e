#pragma once

#include <memory>

#include "exporters/syslog_transport.h"

namespace auditferry {

// Syslog over UDP (RFC 5426) and Unix datagram sockets: one message a datagram. Delivered means that the
// system took it, the strongest sign there is; over UDP anything may be lost after that. Unix sockets lose
// only what the receiver has not read when it dies.
class SyslogDatagram final : public SyslogTransportLayer {
 public:
  SyslogDatagram(const SyslogSettings& settings, ExporterWorld world)
      : settings_(settings), world_(std::move(world)) {}

  Task<WriteOutcome> send(SyslogBatch batch, WriteProgress& progress) override;
  Task<Status> greet() override;
  void reopen() override { socket_.reset(); }
  Task<void> close() override;

 private:
  SyslogSettings settings_;
  ExporterWorld world_;
  std::unique_ptr<Datagram> socket_;
};

}  // namespace auditferry
