#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/exporter.h"
#include "core/log.h"
#include "core/profile.h"
#include "exporters/redactor.h"
#include "exporters/selection.h"

namespace auditferry {

// What one exporter gets of the journal's records, and in which bytes: select, redact, format, in this order.
// The same record gives the same bytes. Loop thread only.
class RecordShape {
 public:
  // `profiles` and `log` outlive it.
  RecordShape(const ExporterSettings& settings, const ProfileBook& profiles, Log& log);
  // With a format of the caller's.
  RecordShape(const ExporterSettings& settings, std::unique_ptr<Format> format, const ProfileBook& profiles, Log& log);

  bool selects(const Record& record) const { return selection_.selects(record); }
  bool redacts() const { return !redactor_.empty(); }
  // The record as the far end may see it; its `raw` may point into `storage`.
  void redact(Record& record, std::string& storage) { redactor_.apply(record, storage); }
  void append(const Record& redacted, std::string& out) const { format_->append(redacted, out); }

 private:
  Selection selection_;
  Redactor redactor_;
  std::unique_ptr<Format> format_;
};

// A batch as an exporter takes it: the selected records with their bytes.
struct PreparedBatch {
  PreparedBatch(RecordBatch batch_in, RecordShape& shape);
  // The record as the journal keeps it. Precondition: it is one of `batch`.
  const Record& original(std::uint64_t seq) const;

  RecordBatch batch;
  std::string bytes;                     // of all records, one after the other
  std::vector<OutgoingRecord> outgoing;  // redacted; into batch, or into `redacted`
  std::uint64_t not_selected = 0;
  std::deque<Record> redacted;
  std::deque<std::string> redacted_json;
};

}  // namespace auditferry
