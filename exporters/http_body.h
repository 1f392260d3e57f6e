#pragma once

#include <string>
#include <vector>

#include "core/exporter.h"
#include "exporters/http_exporter_settings.h"

namespace auditferry {

// The body of one request of the generic webhook. Precondition: with HttpBody::array each record is JSON. Pure.
std::string http_body(HttpBody kind, const std::vector<OutgoingRecord>& records);

}  // namespace auditferry
