#pragma once

#include <string>
#include <vector>

#include "core/exporter.h"
#include "exporters/splunk_settings.h"

namespace auditferry {

// The body of a request to Splunk's event endpoint: JSON objects one after the other, each on a line of its own.
// The field auditferry_id tells repetitions. Pure.
std::string splunk_body(const SplunkSettings& settings, const std::vector<OutgoingRecord>& records);

}  // namespace auditferry
