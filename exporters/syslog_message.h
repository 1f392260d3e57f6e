#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/exporter.h"
#include "exporters/syslog_settings.h"
#include "exporters/syslog_severity.h"

namespace auditferry {

// Makes syslog messages of records: RFC 5424, or the older form that RFC 3164 describes (times in UTC).
// Header fields are cleaned to printable ASCII and cut to the RFC's limits; in values and in the text
// CR, LF and NUL become spaces (other control characters of values too) and bytes that are no UTF-8 become
// U+FFFD, so that nothing in a record can end a field, a value, an element or a frame.
class SyslogEncoder {
 public:
  // `severity_of` and the rest are copied. settings.hostname is not empty.
  SyslogEncoder(const SyslogSettings& settings, SyslogSeverityOf severity_of);

  // Appends the message, without framing. False when it would be longer than max_message and may not, or
  // cannot, be cut; then nothing is appended and `needed` says how long it would be. A message that is cut
  // ends at a character, and its length before stands in the structured data as truncated="BYTES" (without
  // structured data: in words at its end).
  bool append(const OutgoingRecord& outgoing, std::string& out, std::size_t& needed) const;

 private:
  void append_header(const Record& record, std::string& out) const;
  void append_structured_data(const Record& record, std::string& out) const;

  SyslogSettings settings_;
  SyslogSeverityOf severity_of_;
  bool modern_;          // RFC 5424
  std::string host_;     // cleaned
  std::string app_;      // cleaned; RFC 3164: the tag with its colon
  std::string element_;  // "[auditferry@NUMBER" or nothing
};

// "LENGTH SP message" (RFC 6587 section 3.4.1, RFC 5425) or "message LF" (RFC 6587 section 3.4.2).
void append_frame(SyslogFraming framing, std::string_view message, std::string& out);

}  // namespace auditferry
