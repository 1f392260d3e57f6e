#pragma once
// What CEF and LEEF share: the header's words and the severity of a record.

#include <map>
#include <string>

#include "exporters/meaning.h"

namespace auditferry {

// The version of the event mapping, in the header's place for the product's. It changes only when what a
// field holds changes, so that an update of the program does not change the bytes of old records.
inline constexpr const char* mapping_version = "1";

// The class of the event: the vendor's word for the action, else the stream; "gap" for a gap.
std::string event_class(const Record& record, const Meaning& meaning);
// "audit", "detection" or "gap".
const char* category_of(Meaning::Kind kind);
// 0 to 10, 10 the worst: 3 audit, 5 audit that failed, 7 detection, 8 gap.
int severity_of(const Meaning& meaning);
// {"key":"value",…}, or nothing.
std::string labels_object(const std::map<std::string, std::string>& labels);

}  // namespace auditferry
