#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "core/profile.h"
#include "core/record.h"

namespace auditferry {

// Which records an exporter gets: [exporters.NAME.select]. Thread-safe.
class Selection {
 public:
  // `profiles` outlives it: conditions on meaning fields are looked up there.
  Selection(const SelectSettings& settings, std::string exporter, const ProfileBook& profiles);

  // A gap that belongs to an exporter is selected by that one only, whatever else is set; other gaps by
  // source and stream alone, so that no condition on a record hides one.
  bool selects(const Record& record) const;

 private:
  bool holds(const SelectCondition& condition, const Record& record) const;

  SelectSettings settings_;
  std::string exporter_;
  const ProfileBook& profiles_;
};

// '*' is any text, '?' one character of UTF-8; every other byte is itself.
bool matches_glob(std::string_view text, std::string_view pattern);

}  // namespace auditferry
