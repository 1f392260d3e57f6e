#pragma once

#include <functional>

#include "core/profile.h"
#include "core/record.h"
#include "exporters/syslog_settings.h"

namespace auditferry {

using SyslogSeverityOf = std::function<SyslogSeverity(const Record& record)>;

// By what the record is and by its outcome, where its vendor's profile says where that stands. `profiles`
// may be null and outlives the result: then a record is usual, or a gap.
SyslogSeverityOf syslog_severity_of(const SyslogSeverities& severities, const ProfileBook* profiles);

}  // namespace auditferry
