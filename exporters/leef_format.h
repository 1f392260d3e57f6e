#pragma once

#include <map>
#include <string>

#include "core/exporter.h"
#include "core/profile.h"

namespace auditferry {

// Format "leef": IBM QRadar Log Event Extended Format 2.0, attributes separated by a tab (said in the header
// as x09). LEEF has no escape for the separator, so that tabs, line ends and all other control characters in
// values are blanks, and so is '|' in the header. Attributes: docs/formats.md. The vendor's record is whole
// in `record`; JSON holds no raw tab or line end, so nothing of it changes. Thread-safe.
class LeefFormat final : public Format {
 public:
  // `profiles` outlives the format.
  LeefFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles);
  void append(const Record& record, std::string& out) const override;

 private:
  std::string labels_;
  const ProfileBook& profiles_;
};

}  // namespace auditferry
