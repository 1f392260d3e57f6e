#pragma once

#include <map>
#include <string>

#include "core/exporter.h"
#include "core/profile.h"

namespace auditferry {

// Format "ocsf": Open Cybersecurity Schema Framework 1.8 (https://schema.ocsf.io), one JSON object per
// record. Classes that OCSF 1.9 deprecates (3001, 3005) are used because consumers of 1.8 and before know no
// others; docs/formats.md has the table. The vendor's record is whole in raw_data. Thread-safe.
class OcsfFormat final : public Format {
 public:
  // `profiles` outlives the format.
  OcsfFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles);
  void append(const Record& record, std::string& out) const override;

 private:
  std::string labels_;  // an array, or nothing
  const ProfileBook& profiles_;
};

}  // namespace auditferry
