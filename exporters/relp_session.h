#pragma once

#include <cstdint>

#include "exporters/relp_frame.h"
#include "exporters/syslog_connection.h"

namespace auditferry {

// Syslog over RELP, with or without TLS: each message is a transaction that the receiver's program answers.
// A write is delivered when all of its transactions were answered with 200; an answer of 500 makes that
// record poison. When the connection is lost first, all of it is to be sent again. What the receiver does
// before it answers is its own setting: docs/syslog.md.
class RelpSession final : public SyslogConnection {
 public:
  using SyslogConnection::SyslogConnection;
  WriteLimits limits() const override { return {1, 64}; }

 private:
  struct Link;
  struct Write;
  SyslogLinkPtr make_link(std::unique_ptr<ByteStream> stream) override;
  Task<void> read(SyslogLinkPtr link) override;
  Task<Status> begin(SyslogLinkPtr link) override;
  Task<WriteOutcome> transmit(SyslogLinkPtr link, SyslogBatch batch, WriteProgress& progress) override;
  Task<void> end(SyslogLinkPtr link) override;
  static Task<void> read_answers(std::shared_ptr<Link> link);
  static Task<void> watch(std::shared_ptr<Link> link);
  static Task<void> until_answered(std::shared_ptr<Link> link);
  static Task<void> until_control_answered(std::shared_ptr<Link> link);
  Task<Status> command(std::shared_ptr<Link> link, std::string_view name, std::string data, Duration limit);
  std::string portion(Link& link, const SyslogBatch& batch, std::size_t& next,
                      const std::shared_ptr<Write>& write);
  void start_watch(const std::shared_ptr<Link>& link);
};

}  // namespace auditferry
