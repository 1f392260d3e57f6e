#include "daemon/record_shape.h"

#include <algorithm>

#include "core/check.h"
#include "exporters/catalog.h"

namespace auditferry {
namespace {

// From so many records the size of a batch's others is guessed.
constexpr std::size_t sample = 32;

}  // namespace

RecordShape::RecordShape(const ExporterSettings& settings, const ProfileBook& profiles, Log& log)
    : RecordShape(settings, make_format(settings, profiles), profiles, log) {}

RecordShape::RecordShape(const ExporterSettings& settings, std::unique_ptr<Format> format, const ProfileBook& profiles, Log& log)
    : selection_(settings.select, settings.name, profiles), redactor_(settings.redact, log, settings.name), format_(std::move(format)) {}

PreparedBatch::PreparedBatch(RecordBatch batch_in, RecordShape& shape) : batch(std::move(batch_in)) {
  std::vector<std::size_t> ends;
  ends.reserve(batch.records.size());
  outgoing.reserve(batch.records.size());
  for (const Record& record : batch.records) {
    // The room of the whole batch at once: growing by doubling takes up to three times as much.
    if (ends.size() == sample) bytes.reserve(bytes.size() / sample * batch.records.size() * 9 / 8);
    if (!shape.selects(record)) {
      ++not_selected;
      continue;
    }
    const Record* shown = &record;
    if (shape.redacts()) {
      Record& copy = redacted.emplace_back(record);
      shape.redact(copy, redacted_json.emplace_back());
      shown = &copy;
    }
    shape.append(*shown, bytes);
    ends.push_back(bytes.size());
    outgoing.push_back({shown, {}});
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    outgoing[i].bytes = std::string_view(bytes).substr(begin, ends[i] - begin);
    begin = ends[i];
  }
}

const Record& PreparedBatch::original(std::uint64_t seq) const {
  const auto found = std::lower_bound(batch.records.begin(), batch.records.end(), seq,
                                      [](const Record& record, std::uint64_t wanted) { return record.seq < wanted; });
  AUDITFERRY_CHECK(found != batch.records.end() && found->seq == seq);
  return *found;
}

}  // namespace auditferry
