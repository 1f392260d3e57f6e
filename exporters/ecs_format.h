#pragma once

#include <map>
#include <string>

#include "core/exporter.h"
#include "core/profile.h"

namespace auditferry {

// Format "ecs": Elastic Common Schema 8.17 (https://www.elastic.co/guide/en/ecs/8.17/index.html), one JSON
// object per record. Which field comes from where: docs/formats.md. The vendor's record is whole in
// event.original. Thread-safe.
class EcsFormat final : public Format {
 public:
  // `profiles` outlives the format. Dots in the keys of labels become '_': ECS labels are flat.
  EcsFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles);
  void append(const Record& record, std::string& out) const override;

 private:
  std::string labels_;  // an object, or nothing
  const ProfileBook& profiles_;
};

}  // namespace auditferry
