#include "exporters/syslog_severity.h"

#include "exporters/meaning.h"

namespace auditferry {
SyslogSeverityOf syslog_severity_of(const SyslogSeverities& severities, const ProfileBook* profiles) {
  return [severities, profiles](const Record& record) {
    if (record.gap) return severities.gap;
    const StreamProfile* stream = profiles ? profiles->stream(record.vendor, record.stream) : nullptr;
    if (!stream) return severities.usual;
    if (stream->kind == "detection") return severities.detection;
    const bool failed = outcome_of(meaning_text(record.raw, stream->fields.outcome)) == Outcome::failure;
    return failed ? severities.failure : severities.usual;
  };
}

}  // namespace auditferry
