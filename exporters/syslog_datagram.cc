#include "exporters/syslog_datagram.h"

#include <optional>
#include <utility>

#include "core/deadline.h"

namespace auditferry {

Task<WriteOutcome> SyslogDatagram::send(SyslogBatch batch, WriteProgress&) {
  WriteOutcome outcome;
  if (!socket_) {
    Result<std::unique_ptr<Datagram>> made =
        co_await world_.datagrams->open(settings_.address, settings_.peer);
    if (!made.ok()) co_return syslog_failure(made.error());
    socket_ = std::move(made).value();
  }
  for (const SyslogBatch::Message& message : batch.messages) {
    Task<Status> sending = socket_->send(batch.view(message));
    const std::optional<Status> sent =
        co_await within(world_.clock, settings_.peer.timeout, std::move(sending));
    if (sent && sent->ok()) continue;
    if (sent && sent->error().kind == ErrorKind::too_large) {
      outcome.records.push_back({message.index, Verdict::poison, sent->error().message});
      continue;
    }
    // The answer may be to an earlier datagram, so all of them are sent again.
    socket_.reset();
    if (sent) co_return syslog_failure(sent->error());
    co_return syslog_failure(
        {ErrorKind::timeout, settings_.peer_name() + " takes nothing any more: see what holds it up"});
  }
  co_return outcome;
}

Task<Status> SyslogDatagram::greet() {
  const Result<std::unique_ptr<Datagram>> made =
      co_await world_.datagrams->open(settings_.address, settings_.peer);
  if (!made.ok()) co_return made.error();
  co_return Status();
}

Task<void> SyslogDatagram::close() {
  socket_.reset();
  co_return;
}

}  // namespace auditferry
