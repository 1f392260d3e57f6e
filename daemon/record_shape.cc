#include "daemon/record_shape.h"

#include <algorithm>

#include "encoding/json_view.h"

namespace auditferry {

bool RecordShape::selects(const Record& record) const {
  if (record.gap) {
    // A gap of one exporter concerns nobody else.
    const auto owner = JsonView(record.raw).find("exporter");
    if (owner && owner->as_string() != settings_.name) return false;
    if (owner) return true;
  }
  auto holds = [](const std::vector<std::string>& names, std::string_view name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  return holds(settings_.select.sources, record.source) && holds(settings_.select.streams, record.stream);
}

PreparedBatch::PreparedBatch(RecordBatch batch_in, const RecordShape& shape) : batch(std::move(batch_in)) {
  std::vector<std::size_t> ends;
  for (const Record& record : batch.records) {
    if (!shape.selects(record)) {
      ++not_selected;
      continue;
    }
    shape.append(record, bytes);
    ends.push_back(bytes.size());
    outgoing.push_back({&record, {}});
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    outgoing[i].bytes = std::string_view(bytes).substr(begin, ends[i] - begin);
    begin = ends[i];
  }
}

}  // namespace auditferry
