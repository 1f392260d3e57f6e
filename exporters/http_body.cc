#include "exporters/http_body.h"

namespace auditferry {

std::string http_body(HttpBody kind, const std::vector<OutgoingRecord>& records) {
  std::size_t size = 2;
  for (const OutgoingRecord& record : records) size += record.bytes.size() + 1;
  std::string body;
  body.reserve(size);
  if (kind == HttpBody::array) {
    for (const OutgoingRecord& record : records) {
      body += body.empty() ? '[' : ',';
      body += record.bytes;
    }
    body += ']';
    return body;
  }
  for (const OutgoingRecord& record : records) {
    body += record.bytes;
    body += '\n';
  }
  return body;
}

}  // namespace auditferry
