#pragma once

#include <memory>
#include <string>

#include "exporters/syslog_link.h"
#include "exporters/syslog_transport.h"

namespace auditferry {

// What the transports over a stream have in common: one connection at a time, made by the first write that
// needs it, replaced after a loss and after reopen(), ended in order by close(). How a write goes over it,
// and when it is delivered, is the derived class's.
class SyslogConnection : public SyslogTransportLayer {
 public:
  SyslogConnection(const SyslogSettings& settings, ExporterWorld world);
  ~SyslogConnection() override;

  Task<WriteOutcome> send(SyslogBatch batch, WriteProgress& progress) final;
  Task<Status> greet() final;
  void reopen() final { renew_ = true; }
  Task<void> close() final;

 protected:
  const SyslogSettings& settings() const { return settings_; }
  const ExporterWorld& world() const { return world_; }

 private:
  struct Sending;
  virtual SyslogLinkPtr make_link(std::unique_ptr<ByteStream> stream) = 0;
  // Until the end of the link. Must not refer to this object, which may go before.
  virtual Task<void> read(SyslogLinkPtr link) = 0;
  // What comes first on a new connection, while read() runs already.
  virtual Task<Status> begin(SyslogLinkPtr link) = 0;
  virtual Task<WriteOutcome> transmit(SyslogLinkPtr link, SyslogBatch batch, WriteProgress& progress) = 0;
  // The orderly end: the link is lost when it returns.
  virtual Task<void> end(SyslogLinkPtr link) = 0;

  Task<Status> connect(SyslogLinkPtr& link);
  Task<Status> connect_unless_closed();
  static Task<void> run_reader(SyslogLinkPtr link, Task<void> reading);

  SyslogSettings settings_;
  ExporterWorld world_;
  SyslogLinkPtr link_;
  Bell changed_;
  bool closed_ = false;
  bool renew_ = false;    // the next write begins with a new connection
  bool sending_ = false;  // a write is before its sent()
};

}  // namespace auditferry
