#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/exporter.h"

namespace auditferry {

// What an exporter gets of the journal's records, and in which bytes. Deterministic; `settings` and
// `format` outlive it.
class RecordShape {
 public:
  RecordShape(const ExporterSettings& settings, const Format& format) : settings_(settings), format_(format) {}
  bool selects(const Record& record) const;
  void append(const Record& record, std::string& out) const { format_.append(record, out); }

 private:
  const ExporterSettings& settings_;
  const Format& format_;
};

// A batch as an exporter takes it: the selected records with their bytes.
struct PreparedBatch {
  PreparedBatch(RecordBatch batch_in, const RecordShape& shape);
  RecordBatch batch;
  std::string bytes;  // of all records, one after the other
  std::vector<OutgoingRecord> outgoing;
  std::uint64_t not_selected = 0;
};

}  // namespace auditferry
