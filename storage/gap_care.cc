#include "storage/gap_care.h"

#include <algorithm>

#include "encoding/json_object.h"
#include "encoding/time_format.h"
#include "storage/journal_parts.h"

namespace auditferry {
namespace {

struct Owner {
  std::int64_t stream_id = 0;
  std::string source;
  std::string stream;
  std::string exporter;
};

Owner owner_of(Database& database, const GapRow& gap) {
  Owner owner;
  if (gap.collection_id) {
    Statement find(database, "SELECT stream_id, source, name FROM collection JOIN stream USING(stream_id) WHERE collection_id = ?");
    if (find.query(*gap.collection_id).step()) owner = {find.integer(0), std::string(find.text(1)), std::string(find.text(2)), ""};
  }
  if (gap.exporter_id) {
    Statement find(database, "SELECT name FROM exporter WHERE exporter_id = ?");
    if (find.query(*gap.exporter_id).step()) owner.exporter = find.text(0);
  }
  return owner;
}

bool selected(const GapSelection& selection, const GapRow& gap, const Owner& owner) {
  const std::vector<std::int64_t>& ids = selection.gap_ids;
  if (!ids.empty() && std::find(ids.begin(), ids.end(), gap.gap_id) == ids.end()) return false;
  if (!selection.source.empty() && selection.source != owner.source) return false;
  if (!selection.stream.empty() && selection.stream != owner.stream) return false;
  if (!selection.exporter.empty() && selection.exporter != owner.exporter) return false;
  if (!selection.range) return true;
  return gap.range && selection.range->from <= gap.range->from && gap.range->to <= selection.range->to;
}

}  // namespace

Result<std::vector<std::int64_t>> open_gap_ids(Journal& journal, const GapSelection& selection) {
  return guarded([&]() -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> ids;
    for (const GapRow& gap : GapTable(journal.database()).open()) {
      if (selected(selection, gap, owner_of(journal.database(), gap))) ids.push_back(gap.gap_id);
    }
    return ids;
  });
}

Result<bool> accept_gap(Journal& journal, std::int64_t gap_id, const std::string& accepted_by, const std::string& reason,
                        WallTime now) {
  Journal::Parts& parts = journal.parts();
  return in_transaction(parts, [&]() -> Result<bool> {
    std::optional<GapRow> gap = parts.gaps.find(gap_id);
    if (!gap || gap->state != "open") return false;
    parts.gaps.accept(gap_id, accepted_by, reason, now);
    gap->state = "accepted";
    gap->accepted_by = accepted_by;
    gap->reason = reason;
    const Owner owner = owner_of(*parts.database, *gap);
    JsonObject detail;
    detail.number("gap", static_cast<std::uint64_t>(gap_id)).text("type", gap->type);
    if (gap->range) detail.text("from", format_rfc3339(gap->range->from)).text("to", format_rfc3339(gap->range->to));
    detail.text_if("exporter", owner.exporter).text("by", accepted_by).text("reason", reason);
    parts.ledger.append(owner.stream_id, now, "gap accepted", detail.finish());
    parts.tell_gap(*gap, owner.stream_id, owner.exporter, now);
    return true;
  });
}

}  // namespace auditferry
