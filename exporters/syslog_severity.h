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

// Whether the text of an outcome speaks of a failure: false, 0, no, a word such as "FAILURE" or "denied",
// or an HTTP status of 400 and more.
bool outcome_is_failure(std::string_view outcome);

}  // namespace auditferry
