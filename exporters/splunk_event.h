#pragma once

#include <string>
#include <vector>

#include "core/exporter.h"
#include "exporters/splunk_settings.h"

namespace auditferry {

// The body of a request to Splunk's event endpoint: JSON objects one after the other, each on a line of its own.
// The field auditferry_id tells repetitions. A label with a placeholder that the record has nothing for is left out:
// the token's own always works, a name with a hole in it may not. Pure.
std::string splunk_body(const SplunkSettings& settings, const std::vector<OutgoingRecord>& records);

}  // namespace auditferry
