#pragma once

#include "core/exporter.h"
#include "exporters/one_line.h"

namespace auditferry {

// Format "raw": the vendor's JSON alone. A gap is {"kind":"gap","gap":{...}}. Thread-safe.
class RawFormat final : public Format {
 public:
  void append(const Record& record, std::string& out) const override {
    if (record.gap) out += "{\"kind\":\"gap\",\"gap\":";
    append_one_line(record.raw, out);
    if (record.gap) out += '}';
  }
};

}  // namespace auditferry
