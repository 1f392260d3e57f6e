#pragma once

#include <cstdint>

#include "exporters/syslog_connection.h"

namespace auditferry {

// Syslog over TCP, TLS and Unix streams, none of which has an acknowledgement of the far end's program. A
// write is delivered when the far end's system has acknowledged its bytes (below TLS) and the connection
// has then stayed open for settings.linger, without end, reset or alert; or when the far end has closed in
// order after we have told it that nothing follows. When the connection is lost earlier, every write that
// waits is to be sent again.
// What that cannot show: a receiver that takes bytes and dies `linger` or more after it, without having
// worked on them; docs/syslog.md.
class SyslogStream final : public SyslogConnection {
 public:
  using SyslogConnection::SyslogConnection;
  // At 100,000 records a second in writes of 1,000, a linger of ten seconds needs this many.
  WriteLimits limits() const override { return {1, 1000}; }

 private:
  struct Link;
  struct Waiting;
  SyslogLinkPtr make_link(std::unique_ptr<ByteStream> stream) override;
  Task<void> read(SyslogLinkPtr link) override;
  Task<Status> begin(SyslogLinkPtr link) override;
  Task<WriteOutcome> transmit(SyslogLinkPtr link, SyslogBatch batch, WriteProgress& progress) override;
  Task<void> end(SyslogLinkPtr link) override;
  static Task<void> read_to_end(std::shared_ptr<Link> link);
  static Task<void> watch(std::shared_ptr<Link> link);
  Task<WriteOutcome> wait(std::shared_ptr<Link> link, std::uint64_t mark);
};

}  // namespace auditferry
