#pragma once

#include <map>
#include <string>

#include "core/exporter.h"

namespace auditferry {

// Format "json" (DESIGN.md, "What goes out"): one object per record, its keys in this order:
//   id        vendor/tenant/stream/ID, with "@2" behind it for a second revision and so on; for a gap ID is
//             its number in the journal, "gap-5e0c9f2ab417-7" (alone when the gap belongs to no stream)
//   seq source vendor tenant stream
//   time      RFC 3339, null when the record has none
//   received  RFC 3339
//   labels    an object; only with `labels` in the configuration
//   rev       a number; only from the second revision on
//   repaired  true; only when the original bytes were no valid text
//   kind gap  "gap" and the gap object; only for a gap, whose record is null
//   record    the vendor's JSON as the journal keeps it
// Thread-safe.
class JsonFormat final : public Format {
 public:
  explicit JsonFormat(const std::map<std::string, std::string>& labels);
  void append(const Record& record, std::string& out) const override;

 private:
  std::string labels_;  // ,"labels":{...} or nothing
};

}  // namespace auditferry
