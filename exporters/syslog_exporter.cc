#include "exporters/syslog_exporter.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "exporters/relp_session.h"
#include "exporters/syslog_datagram.h"
#include "exporters/syslog_stream.h"

namespace auditferry {
namespace {

// This machine stands for the portal, whose own name would say less.
SyslogSettings with_hostname(SyslogSettings settings) {
  if (!settings.hostname.empty()) return settings;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0) settings.hostname = name;
  if (settings.hostname.empty()) settings.hostname = "localhost";
  return settings;
}

std::string too_long(std::size_t needed, std::uint32_t limit) {
  return "the message would have " + std::to_string(needed) + " bytes, more than max_message (" +
         std::to_string(limit) + "): raise it here and at the receiver, or set oversize = \"truncate\"";
}

}  // namespace

WriteOutcome syslog_failure(const Error& error) {
  WriteOutcome outcome;
  const bool operator_must_act = error.kind == ErrorKind::tls || error.kind == ErrorKind::permission ||
                                 error.kind == ErrorKind::invalid || error.kind == ErrorKind::unsupported;
  outcome.verdict = operator_must_act ? Verdict::pause : Verdict::retry;
  outcome.reason = error.message;
  outcome.retry_after = error.retry_after;
  return outcome;
}

std::unique_ptr<SyslogTransportLayer> make_syslog_transport(const SyslogSettings& settings,
                                                            ExporterWorld world) {
  switch (settings.transport) {
    case SyslogTransport::udp:
    case SyslogTransport::unix_datagram:
      return std::make_unique<SyslogDatagram>(settings, std::move(world));
    case SyslogTransport::tcp:
    case SyslogTransport::tls:
    case SyslogTransport::unix_stream:
      return std::make_unique<SyslogStream>(settings, std::move(world));
    case SyslogTransport::relp:
    case SyslogTransport::relp_tls:
      return std::make_unique<RelpSession>(settings, std::move(world));
  }
  AUDITFERRY_CHECK(!"a transport that the configuration let through");
}

SyslogExporter::SyslogExporter(const SyslogSettings& settings, ExporterWorld world)
    : settings_(with_hostname(settings)),
      encoder_(settings_, syslog_severity_of(settings_.severities, world.profiles)),
      transport_(make_syslog_transport(settings_, std::move(world))) {}

Task<Status> SyslogExporter::open(const ExporterState&) {
  co_return Status();
}

SyslogBatch SyslogExporter::encode(const std::vector<OutgoingRecord>& records,
                                   std::vector<RecordOutcome>& refused) const {
  SyslogBatch batch;
  batch.messages.reserve(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::size_t begin = batch.text.size();
    std::size_t needed = 0;
    if (encoder_.append(records[i], batch.text, needed)) {
      batch.messages.push_back({begin, batch.text.size() - begin, i});
    } else {
      refused.push_back({i, Verdict::poison, too_long(needed, settings_.max_message)});
    }
  }
  return batch;
}

Task<WriteOutcome> SyslogExporter::write(const std::vector<OutgoingRecord>& records,
                                         WriteProgress& progress) {
  std::vector<RecordOutcome> refused;
  SyslogBatch batch = encode(records, refused);
  WriteOutcome outcome;
  if (!batch.messages.empty()) {
    Task<WriteOutcome> sending = transport_->send(std::move(batch), progress);
    outcome = co_await std::move(sending);
  }
  if (outcome.verdict != Verdict::delivered || refused.empty()) co_return outcome;
  outcome.records.insert(outcome.records.end(), refused.begin(), refused.end());
  std::sort(outcome.records.begin(), outcome.records.end(),
            [](const RecordOutcome& a, const RecordOutcome& b) { return a.index < b.index; });
  co_return outcome;
}

std::string_view SyslogExporter::greeting_shows() const {
  if (settings_.transport != SyslogTransport::udp) return Exporter::greeting_shows();
  return "its address is known; UDP shows nothing more: see at the receiver whether records arrive";
}

Task<void> SyslogExporter::reopen() {
  transport_->reopen();
  co_return;
}

Task<WriteOutcome> SyslogExporter::tend() {
  co_return WriteOutcome{};
}

}  // namespace auditferry
