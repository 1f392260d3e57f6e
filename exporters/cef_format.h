#pragma once

#include <map>
#include <string>

#include "core/exporter.h"
#include "core/profile.h"

namespace auditferry {

// Format "cef": ArcSight Common Event Format, version 0 (OpenText, "Common Event Format", header and
// extension dictionary). In the header '\' and '|' are escaped, in the extension '\', '=' and line ends;
// values lose blanks at both ends, and other control characters are blanks. The lengths of the dictionary
// hold for the escaped value, which is cut between two characters. Keys: docs/formats.md. The vendor's record
// is whole in AuditferryRecord. Thread-safe.
class CefFormat final : public Format {
 public:
  // `profiles` outlives the format.
  CefFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles);
  void append(const Record& record, std::string& out) const override;

 private:
  std::string labels_;
  const ProfileBook& profiles_;
};

}  // namespace auditferry
